import csv
from io import StringIO

import pytest

from au_core.data.files import read_json, write_json
from au_core.report.results import collect
from au_core.report.tables import au_table, csv_text, summary_table
from au_core.run_folder import run_folders
from tests.toy_runs import write_protocol, write_run


def test_summary_has_folds_selections_and_the_number_of_trainings(tmp_path):
    write_protocol(tmp_path)
    table = summary_table(collect(tmp_path))
    row = dict(zip(table.header, table.rows[0], strict=True))
    assert row == {
        "Method": "Ours", "Labels hidden": "50 %",
        "F1 fold 1": "52.0", "F1 fold 2": "53.0", "F1 fold 3": "54.0",
        "F1 validation-selected": "53.0 ± 1.0", "F1 test-selected": "63.0 ± 1.0", "F1 at 0.5": "43.0 ± 1.0",
            "F1 of always 1": "30.0 ± 0.0",
        "AUC": "75.0 ± 0.0", "Accuracy at 0.5": "80.0 ± 0.0", "Accuracy of always 0": "20.0", "n": "3",
    }  # fmt: skip


def test_a_fold_without_a_training_is_a_dash(tmp_path):
    write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    write_run(tmp_path, "o_wlc", 0.5, 2, 0, 0.5)
    table = summary_table(collect(tmp_path))
    assert [row[2:4] for row in table.rows] == [("50.0", "-"), ("-", "50.0")]


def test_au_table_names_aus_and_shows_undefined_ones_as_dashes(tmp_path):
    write_protocol(tmp_path)
    rows = {row[0]: row[1:] for row in au_table(collect(tmp_path), 0.5).rows}
    assert rows["AU12 lip corner puller"][:3] == ("53.0 ± 1.0", "63.0 ± 1.0", "75.0 ± 0.0")
    assert set(rows["AU24 lip pressor"]) == {"-"}
    assert "Average" in rows


def test_csv_holds_every_score_as_a_fraction(tmp_path):
    write_protocol(tmp_path)
    rows = list(csv.DictReader(StringIO(csv_text(collect(tmp_path)))))
    assert len(rows) == 6 * 5 * 13
    first = rows[0]
    assert (first["method"], first["fold"], first["selection"], first["au"], first["f1"]) == (
        "ours",
        "1",
        "test",
        "avg",
        "0.52",
    )
    assert [row["f1"] for row in rows if row["au"] == "AU24"] == [""] * 30


def test_csv_has_distances_beside_the_scores_at_half(tmp_path):
    write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    rows = list(csv.DictReader(StringIO(csv_text(collect(tmp_path)))))
    names = ("p_off_at_half", "p_off_soft", "pairs_off_at_half", "pairs_off_soft")
    found = {row["au"]: [row[name] for name in names] for row in rows if row["selection"] == "test_at_half"}
    assert [float(value) for value in found["avg"]] == pytest.approx([0.05, 0.025, 0.5 / 6, 0.5 / 12])
    assert [float(value) for value in found["AU01"][:2]] == pytest.approx([0.05, 0.025])
    assert found["AU01"][2:] == ["", ""] and found["AU24"] == [""] * 4
    others = [row[name] for row in rows if row["selection"] != "test_at_half" for name in names]
    assert set(others) == {""}


@pytest.mark.parametrize(("data", "rate"), [("BP4D", 0.0), ("BP4D", 0.5), ("synthetic", 0.0)])
def test_the_papers_f1_of_each_au_stands_beside_all_labels_of_recorded_people(tmp_path, data, rate):
    write_protocol(tmp_path, rates=(rate,), data=data)
    table = au_table(collect(tmp_path), rate)
    rows = {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    names = ("Ours F1 as published", "O-wlc F1 as published")
    printed = [[rows[au].get(name) for name in names] for au in ("AU12 lip corner puller", "Average")]
    shown = (data, rate) == ("BP4D", 0.0)
    assert printed == ([["88.4", "88.3"], ["63.3", "62.4"]] if shown else [[None] * 2] * 2)
    assert ("Tables 1-3" in table.caption) == shown


def test_the_papers_average_does_not_stand_beside_other_aus(tmp_path):
    write_protocol(tmp_path, rates=(0.0,), data="BP4D")
    for folder in run_folders(tmp_path):
        scores = read_json(folder.scores)
        write_json({**scores, "aus": [*scores["aus"], "AU09"]}, folder.scores)
    rows = {row[0]: row for row in au_table(collect(tmp_path), 0.0).rows}
    assert rows["AU09 nose wrinkler"][-2:] == ("-", "-") == rows["Average"][-2:]
    assert rows["AU12 lip corner puller"][-2] == "88.4"
