import errno
import json
import os
import random
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from au_core.config import PreprocessConfig
from au_core.data.locks import held_alone, held_together
from au_core.data.provenance import n_unprepared, read_quality, signature
from au_core.data.readers import list_sequences
from au_core.errors import AuError, ConfigError, FullDiskError
from au_core.face.prepare import failed, prepare_sequence, settings_of
from pipelines.machinery.cli import run
from pipelines.machinery.datasets import list_dataset
from pipelines.machinery.finding import find_faces, with_detector_beside
from pipelines.machinery.jobs import TRIES
from pipelines.machinery.sequences import PrepareSequence
from pipelines.preprocess import main
from tests.au_core.data.mutants import CHANGES
from tests.pipelines.conftest import snapshot

CFG = PreprocessConfig(size=64)


def preprocess(layout, data, faces, cfg):
    return find_faces(list_dataset(layout, data, faces, cfg))


def never_ray(monkeypatch):
    monkeypatch.setattr("pipelines.machinery.finding.prepare_all", lambda *_: pytest.fail("started Ray"))


def test_one_bad_sequence_does_not_stop_the_job_and_is_tried_again(
    twin, local_ray, tmp_path, monkeypatch, capsys
):
    label = sorted((twin / "AUCoding" / "AU_OCC").iterdir())[1]
    text = label.read_text()
    label.write_text("garbage")
    table = preprocess("bp4d", twin, tmp_path / "faces", CFG).to_pandas()
    assert table.status.tolist() == ["ok", "failed", "ok", "ok"] and label.name in table.reason[1]
    assert "1 with problems" in capsys.readouterr().err
    kept = snapshot(tmp_path / "faces" / "subject=F001")
    label.write_text(text)
    table = preprocess("bp4d", twin, tmp_path / "faces", CFG)
    assert table["status"].to_pylist() == ["ok"] * 4 and table["frames_coded"].to_pylist() == [5] * 4
    assert snapshot(tmp_path / "faces" / "subject=F001") == kept, "the good ones were not done again"
    assert pq.read_table(tmp_path / "faces" / "quality.parquet").equals(table)
    never_ray(monkeypatch)
    assert preprocess("bp4d", twin, tmp_path / "faces", CFG).equals(table)


def test_a_folder_that_can_no_longer_be_read_costs_its_own_sequence(twin, in_turn, tmp_path, monkeypatch):
    """As after ``chmod``: asking whether it has changed fails, and must not end the job."""
    preprocess("bp4d", twin, tmp_path / "faces", CFG)

    def locked(ref):
        if ref.subject == "F001":
            raise PermissionError(13, "Permission denied")
        return signature(ref)

    monkeypatch.setattr("au_core.face.prepare.signature", locked)
    monkeypatch.setattr(
        "pipelines.machinery.finding.prepare_all",
        lambda refs, *_: ((ref, failed(ref, "locked")) for ref in refs),
    )
    table = preprocess("bp4d", twin, tmp_path / "faces", CFG)
    assert table["status"].to_pylist() == ["failed", "ok", "ok", "ok"]


def test_the_detector_lies_beside_the_faces_for_every_node(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "yunet.onnx").write_bytes(b"a detector")
    cfg = PreprocessConfig(detector=str(tmp_path / "cache" / "yunet.onnx"))
    there = with_detector_beside(cfg, tmp_path / "faces")
    assert Path(there.detector).parent == tmp_path / "faces"
    assert Path(there.detector).read_bytes() == b"a detector"
    assert settings_of(there, "bp4d") == settings_of(cfg, "bp4d"), "the same faces"
    assert with_detector_beside(CFG, tmp_path / "other") == CFG and not (tmp_path / "other").exists()


def test_other_settings_are_done_anew(twin, in_turn, tmp_path):
    preprocess("bp4d", twin, tmp_path / "faces", CFG)
    before = snapshot(tmp_path / "faces")
    preprocess("bp4d", twin, tmp_path / "faces", PreprocessConfig(size=48))
    after = snapshot(tmp_path / "faces")
    assert before.keys() == after.keys() and all(
        before[name] != after[name] for name in before if name != ".lock"
    )


def test_faces_that_trainings_learned_from_are_not_replaced_for_a_setting(
    twin, in_turn, tmp_path, monkeypatch
):
    words = ["--layout", "bp4d", "--data", str(twin), "--out", str(tmp_path)]
    main([*words, "--size", "64"])
    run = tmp_path / "runs" / "ours" / "missing=0.5" / "fold=1" / "seed=0"
    run.mkdir(parents=True)
    (run / "config.json").touch()
    before = snapshot(tmp_path / "faces")
    never_ray(monkeypatch)
    with pytest.raises(
        ConfigError,
        match=r"made with size 64, not 224, and .*seed=0 was trained on them; go on with --size 64, cho",
    ):
        main(words)
    with held_together(tmp_path / "faces"):
        main([*words, "--size", "64"])  # nothing to do: whoever trains on them may go on
    quality = {name for name in before if "quality" in name}
    assert {k: v for k, v in snapshot(tmp_path / "faces").items() if k not in quality} == {
        k: v for k, v in before.items() if k not in quality
    }


def test_faces_that_trainings_learned_from_are_kept_where_their_source_is_gone(twin, in_turn, tmp_path):
    """A disk that is not mounted today: the same command tomorrow would have to make them all again."""
    data = shutil.copytree(twin, tmp_path / "data")
    words = ["--layout", "bp4d", "--data", str(data), "--out", str(tmp_path)]
    main(words)
    run = tmp_path / "runs" / "ours" / "missing=0.5" / "fold=1" / "seed=0"
    run.mkdir(parents=True)
    (run / "config.json").touch()
    before = snapshot(tmp_path / "faces")
    (data / "F001").rename(data / "away")
    with pytest.raises(ConfigError, match=r"F001/T1: not there any more, and .*seed=0 was trained on its"):
        main(words)
    assert snapshot(tmp_path / "faces") == before


def test_what_is_ready_after_an_interruption_is_known_as_a_part(twin, tmp_path, monkeypatch):
    def interrupted(refs, cfg, faces):
        yield refs[0], prepare_sequence(refs[0], None, cfg, faces)
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.machinery.finding.prepare_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        preprocess("bp4d", twin, tmp_path / "faces", CFG)
    assert n_unprepared(tmp_path / "faces") == 3 and len(read_quality(tmp_path / "faces")) == 1


def poisoned() -> type:
    """A worker that dies over one sequence, as OpenCV over some files; a local class travels by value."""

    class Poisoned(PrepareSequence):
        def __call__(self, row):
            if json.loads(row["job"])["subject"] == "F002" and self._try(row["number"]) <= TRIES:
                os._exit(1)
            return super().__call__(row)

    return Poisoned


def test_damaged_inputs_and_dying_workers_cost_their_own_sequences_alone(
    twin, local_ray, tmp_path, monkeypatch
):
    monkeypatch.setattr("pipelines.machinery.sequences.PrepareSequence", poisoned())
    root, draw = tmp_path / "data", random.Random(0)
    shutil.copytree(twin, root)
    for i, task in enumerate(["T2", "T3", "T4", "T5", "T6", "T7", "T8"]):
        shutil.copytree(root / "F001" / "T1", root / "F001" / task)
        data = (root / "AUCoding" / "AU_OCC" / "F001_T1.csv").read_bytes()
        (root / "AUCoding" / "AU_OCC" / f"F001_{task}.csv").write_bytes(CHANGES[i](data, draw))
        data = (root / "2DFeatures" / "F001_T1.mat").read_bytes()
        (root / "2DFeatures" / f"F001_{task}.mat").write_bytes(CHANGES[-i](data, draw))
    table = preprocess("bp4d", root, tmp_path / "faces", CFG).to_pandas()
    good = table[(table.sequence == "T1") & (table.subject != "F002")]
    assert (good.status == "ok").all() and len(table) == 4 + 7
    dead = table[table.subject == "F002"].iloc[0]
    assert dead.status == "failed" and "3 workers died of it" in dead.reason
    assert table.reason[table.status != "ok"].str.len().min() > 10


def test_many_damaged_sequences_are_as_many_lines(twin, in_turn, tmp_path, request):
    """One file of each is damaged; the job ends, and each has its row, its shard or its reason."""
    root, draw, n = tmp_path / "data", random.Random(1), request.config.getoption("mutants")
    labels, marks = (root.joinpath(*names) for names in (("AUCoding", "AU_OCC"), ("2DFeatures",)))
    labels.mkdir(parents=True), marks.mkdir()
    for i in range(n):
        subject, task = f"F{i // 8 + 1:03}", f"T{i % 8 + 1}"
        files = [labels / f"{subject}_{task}.csv", marks / f"{subject}_{task}.mat"]
        shutil.copy(twin / "AUCoding" / "AU_OCC" / "F001_T1.csv", files[0])
        shutil.copy(twin / "2DFeatures" / "F001_T1.mat", files[1])
        shutil.copytree(twin / "F001" / "T1", root / subject / task)
        damaged = draw.choice([*files, *sorted((root / subject / task).iterdir())])
        damaged.write_bytes(draw.choice(CHANGES)(damaged.read_bytes(), draw))
    table = preprocess("bp4d", root, tmp_path / "faces", CFG).to_pandas()
    assert len(table) == n and set(table.status) == {"ok", "partial", "failed"}
    assert table.reason[table.status != "ok"].str.len().min() > 10
    assert not table.reason.fillna("").str.contains("\n").any()
    shards = {f"{path.parent.name[8:]} {path.stem}" for path in (tmp_path / "faces").glob("*/*.parquet")}
    assert shards == set((table.subject + " " + table.sequence)[table.status != "failed"])


def test_when_everything_fails_it_says_so_and_why(in_turn, tmp_path, yunet):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.mp4").write_bytes(b"nothing")
    cfg = PreprocessConfig(detector=str(yunet))
    with pytest.raises(AuError, match=r"each of 1 sequences failed, the first: .*a.mp4"):
        preprocess("videos", tmp_path / "in", tmp_path / "faces", cfg)
    assert pq.read_table(tmp_path / "faces" / "quality.parquet")["status"].to_pylist() == ["failed"]


@pytest.mark.parametrize(("arguments", "message"), [
    (["--layout", "videos", "--data", ".github"], "no landmark files in this layout; use --detector yunet"),
    (["--layout", "gft", "--data", "."], "unknown layout 'gft'"),
    (["--layout", "bp4d", "--data", ".", "--root", "."], ": of a manifest, whose CSV may lie elsewhere"),
    (["--layout", "manifest", "--data", "x.csv", "--root", "/none"], "x.csv: no such file or folder"),
    (["--layout", "manifest", "--data", ".", "--root", "/none"], "/none: no such folder; expected that in"),
    (["--layout", "bp4d", "--data", "/none"], "/none: no such file or folder"),
    (["--layout", "bp4d", "--data", ".", "--min-confidence", "2"], "min_confidence must be in (0, 1)"),
])  # fmt: skip
def test_a_mistake_is_one_line(arguments, message, tmp_path, capsys, monkeypatch):
    never_ray(monkeypatch)
    with pytest.raises(SystemExit) as stop:
        run(lambda: main([*arguments, "--out", str(tmp_path)]))
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_a_dataset_without_any_landmark_file_is_refused_at_once(twin, tmp_path, monkeypatch):
    shutil.copytree(twin, tmp_path / "data", ignore=shutil.ignore_patterns("2DFeatures"))
    never_ray(monkeypatch)
    with pytest.raises(
        ConfigError, match=r"data: no landmark files of these 4 sequences; use --detector yunet"
    ):
        preprocess("bp4d", tmp_path / "data", tmp_path / "faces", CFG)


def test_two_commands_do_not_write_to_one_folder(twin, tmp_path):
    with held_alone(tmp_path / "faces"), pytest.raises(ConfigError, match="another command is at work here"):
        preprocess("bp4d", twin, tmp_path / "faces", CFG)


def test_a_full_disk_is_no_success(twin, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    ref = list_sequences("bp4d", twin)[0]
    with monkeypatch.context() as disk:
        disk.setattr("au_core.data.files.os.replace", full)
        row = prepare_sequence(ref, None, CFG, tmp_path / "full")
    monkeypatch.setattr(
        "pipelines.machinery.finding.prepare_all", lambda refs, *_: ((ref, row) for ref in refs)
    )
    with pytest.raises(FullDiskError, match="make room"):
        preprocess("bp4d", twin, tmp_path / "faces", CFG)
