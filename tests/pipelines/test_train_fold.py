import json

import pyarrow.parquet as pq
import pytest

from au_core.data.faces import list_subjects
from au_core.data.files import read_json, write_table
from au_core.models.card import load_card
from au_core.report.page import write_report
from au_core.report.results import collect
from pipelines import evaluate
from pipelines.train_fold import main
from tests.pipelines.conftest import in_this_process
from tests.toy import write_toy_faces

SMALL = [
    "--steps",
    "2",
    "--report-every",
    "2",
    "--input-size",
    "32",
    "--no-augment",
    "--m1",
    "4",
    "--m2",
    "4",
]


def test_a_model_of_everyone_has_seen_all_people_and_stands_in_no_report(database, tmp_path, capsys):
    write_toy_faces(tmp_path / "faces")
    for shard in (tmp_path / "faces").glob("subject=*/*.parquet"):
        settings = {"settings": json.dumps({"jpeg_quality": 60})}
        write_table(pq.ParquetFile(shard).read().replace_schema_metadata(settings), shard)
    with in_this_process():
        for who in (["--fold", "2"], ["--everyone"]):
            main(["--out", str(tmp_path), *who, *SMALL])
    told = capsys.readouterr().err
    assert "ours missing=0 everyone seed=0  done (1 of 1): val F1 " in told, told
    folder = tmp_path / "runs" / "ours" / "missing=0" / "everyone" / "seed=0"
    plan, scores = read_json(folder / "config.json")["plan"], read_json(folder / "scores.json")
    assert sorted(plan["train_subjects"] + plan["val_subjects"]) == list_subjects(tmp_path / "faces")
    rows = pq.read_table(folder / "predictions.parquet").to_pandas()
    assert {*rows.subject} == {*plan["val_subjects"]} and {*rows.split} == {"val"}
    assert scores["test"]["f1_avg"] is None and scores["val"]["f1_avg"] > 0
    assert load_card(folder).thresholds == pytest.approx(scores["thresholds"])
    assert load_card(folder).jpeg_quality == 60, "that of the faces it has seen"
    evaluate.main(["--out", str(tmp_path)])
    told = capsys.readouterr().out.splitlines()
    assert ["everyone" in line and "val F1" in line for line in told] == [True, False]
    assert [run.fold for run in collect(tmp_path).runs] == [2] and not collect(tmp_path).unfinished


def test_nobody_need_be_held_out_to_validate(database, tmp_path, capsys):
    write_toy_faces(tmp_path / "faces")
    with in_this_process():
        for who in (["--fold", "2"], ["--everyone"]):
            main(["--out", str(tmp_path), *who, *SMALL, "--validation-subjects", "0"])
    told, people = capsys.readouterr().err, list_subjects(tmp_path / "faces")
    assert "everyone seed=0  done (1 of 1): no one was held out" in told, told
    fold, everyone = (tmp_path / "runs/ours/missing=0" / part / "seed=0" for part in ("fold=2", "everyone"))
    plan, scores = read_json(fold / "config.json")["plan"], read_json(fold / "scores.json")
    assert sorted(plan["train_subjects"] + plan["test_subjects"]) == people
    assert {*pq.read_table(fold / "predictions.parquet")["split"].to_pylist()} == {"test"}
    assert {*scores["thresholds"].values()} == {0.5} and scores["test"] == scores["test_at_half"]
    assert scores["test"]["f1_avg"] > 0 and scores["val"]["f1_avg"] is None
    assert read_json(everyone / "config.json")["plan"]["train_subjects"] == people
    assert not len(pq.read_table(everyone / "predictions.parquet"))
    for folder in (fold, everyone):
        assert {*(load_card(folder).thresholds or {}).values()} == {0.5}
    write_report(collect(tmp_path), tmp_path)


def test_everyone_is_no_fold(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), "--everyone", "--fold", "1"])
    assert "not allowed with argument" in capsys.readouterr().err
