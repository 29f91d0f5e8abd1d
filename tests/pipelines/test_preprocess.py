import errno
import json
import os
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from au_core.config import PreprocessConfig, SyntheticConfig
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
from tests.au_core.data import trees
from tests.au_core.data.mutants import CHANGES
from tests.pipelines.conftest import snapshot

CFG = PreprocessConfig(size=64)


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    return trees.draw(SyntheticConfig(subjects=4, sequences=1, frames=5), tmp_path_factory.mktemp("twin"))


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


@pytest.fixture
def no_detector(monkeypatch):
    """A file that passes for a detector, where none is asked."""
    monkeypatch.setattr("pipelines.machinery.datasets.load_detector", lambda *_, **__: None)
    return PreprocessConfig(detector=__file__)


def test_what_of_a_manifest_is_passed_over_or_not_there_is_told(no_detector, tmp_path, capsys):
    table = tmp_path / "own.csv"
    lines = ["path,subject,sequence,frame,age,AU12", "b.mp4,bert,talk,1,30,1", "a.mp4,anna,smile,1,30,1"]
    table.write_text("\n".join(lines))
    (tmp_path / "a.mp4").touch()
    list_dataset("manifest", table, tmp_path / "faces", no_detector)
    columns, files = capsys.readouterr().err.splitlines()
    assert columns == f"{table}: columns passed over: 'age'; codes are AU12"
    assert files.startswith(f"{table}: warning: 1 of 2 files are not there, the first b.mp4 (line 2); bring")


def test_a_manifest_may_lie_elsewhere_than_its_files(no_detector, tmp_path, monkeypatch, capsys):
    listed = []
    monkeypatch.setattr("pipelines.preprocess.find_faces", lambda dataset: listed.extend(dataset.refs))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.mp4").touch()
    lines = ["path,subject,sequence,frame,AU12", "a.mp4,anna,smile,1,1", "b.mp4,bert,talk,1,1"]
    (tmp_path / "own.csv").write_text("\n".join(lines))
    words = ["--layout", "manifest", "--data", "own.csv", "--root", "data", "--detector", __file__]
    main([*words, "--out", str(tmp_path)])
    assert [(ref.root, ref.source) for ref in listed] == [
        (str(tmp_path / "data"), "a.mp4"),
        (str(tmp_path / "data"), "b.mp4"),
    ]
    assert "1 of 2 files are not there, the first b.mp4 (line 3)" in capsys.readouterr().err


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


@pytest.mark.parametrize(("uncoded", "fate"), [(0, "left out (with --uncoded N they"), (3, "they join T2")])
def test_sequences_without_a_label_file_are_told(twin, tmp_path, capsys, uncoded, fate):
    shutil.copytree(twin, tmp_path / "data")
    sorted((tmp_path / "data" / "AUCoding" / "AU_OCC").iterdir())[1].unlink()
    for data, told in ((twin, False), (tmp_path / "data", True)):
        list_dataset("bp4d", data, tmp_path / "faces", replace(CFG, uncoded=uncoded))
        words = f"{data}: 1 sequences have no label file, such as F002 T1: {fate}"
        assert (words in capsys.readouterr().err) == told


@pytest.mark.parametrize(("n", "told"), [(99, False), (100, True)])
def test_many_single_pictures_are_told(tmp_path, yunet, capsys, n, told):
    """Somebody may have meant them for the frames of one video: a cover beside these makes an album."""
    for i in range(n):
        (tmp_path / f"picture {'abcdefghij'[i % 10]}{i * i}.jpg").touch()
    list_dataset("videos", tmp_path, tmp_path / "faces", PreprocessConfig(detector=str(yunet)))
    assert (f"{n} pictures are a sequence each; a folder of alike" in capsys.readouterr().err) == told
