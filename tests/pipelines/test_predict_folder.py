import csv
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from au_core.data.files import read_json, write_json, write_text
from au_core.data.schema import SequenceRef
from au_core.errors import AuError, ConfigError
from au_core.models.card import load_card, save_thresholds
from au_core.models.checkpoint import load_recognizer
from au_core.output.film import OverlayFile
from au_core.output.shard import predict_shard
from pipelines import predict_folder, predict_video
from tests.pipelines.conftest import map_here
from tests.toy import write_toy_faces, write_untrained_model


@pytest.fixture
def videos(tmp_path):
    """Two clips, a picture in a folder of its own, all of nobody, a file that is no video, a hidden one."""
    folder = tmp_path / "videos"
    (folder / "deep" / "er").mkdir(parents=True)
    cv2.imwrite(str(folder / "deep" / "er" / "astronaut.png"), np.zeros((64, 64, 3), np.uint8))
    with OverlayFile(folder / "no_face.mp4", 25) as film:
        for _ in range(3):
            film.write(np.zeros((64, 64, 3), np.uint8))
    shutil.copy(folder / "no_face.mp4", folder / "single_face.mp4")
    (folder / "broken.mp4").write_bytes(b"no video at all")
    (folder / ".trash").mkdir()
    shutil.copy(folder / "no_face.mp4", folder / ".trash")
    return folder


@pytest.fixture
def real_videos(videos, shared):
    """The same with faces in a clip and in the picture."""
    for name, place in (("single_face.mp4", "."), ("no_face.mp4", "."), ("astronaut.png", "deep/er")):
        shutil.copy(shared / "real_faces" / name, videos / place / name)
    return videos


@pytest.fixture
def no_detector(monkeypatch, tmp_path):
    """A file that passes for a detector, where none is asked."""
    monkeypatch.setattr("pipelines.machinery.datasets.load_detector", lambda *_, **__: None)
    (tmp_path / "detector.onnx").write_bytes(b"none")
    return tmp_path / "detector.onnx"


def apply(videos, model, out, detector, *more: str) -> None:
    words = [str(videos), "--model", str(model), "--out", str(out), "--detector", str(detector)]
    predict_folder.main([*words, *more])


def rows_of(table) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def damage_a_face(shard) -> None:
    """As a bad disk might: a JPEG in the middle is none any more."""
    file = pq.ParquetFile(shard)
    table = file.read()
    notes = {key: value for key, value in file.metadata.metadata.items() if key != b"ARROW:schema"}
    faces = table["face"].to_pylist()
    faces[40] = bytes(len(faces[40]))
    where = table.column_names.index("face")
    table = table.set_column(where, table.field("face"), pa.array(faces, pa.binary()))
    pq.write_table(table.replace_schema_metadata(notes), shard)


def tables_below(folder) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*.csv")}


def test_every_video_gets_the_table_that_it_would_get_alone(
    local_ray, real_videos, model, yunet, tmp_path, monkeypatch, capsys, request
):
    """Hidden folders are passed over, and files without a table are an error to who asks for that."""
    videos, out = real_videos, tmp_path / "out"
    with pytest.raises(AuError, match=r"1 of 4 files have no table, such as .*broken.mp4"):
        apply(videos, model, out, yunet, "--strict")
    done = tables_below(out / "aus")
    assert len(tables_below(out)) == 3
    assert sorted(done) == ["deep/er/astronaut.png.csv", "no_face.mp4.csv", "single_face.mp4.csv"]
    for name in done:
        video, alone = videos / name.removesuffix(".csv"), tmp_path / "alone.csv"
        words = ["--detector", str(yunet), "--no-overlay", "--csv", str(alone)]
        predict_video.main([str(video), "--model", str(model), *words])
        together = rows_of(out / "aus" / name)
        assert [list(row) for row in together] == [list(row) for row in rows_of(alone)]
        for ours, theirs in zip(together, rows_of(alone), strict=True):
            for column, value in theirs.items():
                assert ours[column] == value or float(ours[column]) == pytest.approx(float(value), abs=2e-4)
    quality = pq.read_table(out / "faces" / "quality.parquet").to_pylist()
    assert [row["source"] for row in quality if row["status"] == "failed"] == ["broken.mp4"]
    assert "3 tables in" in (told := capsys.readouterr().err)
    assert "failed: broken.mp4" in told and "1 of 4 files have none" in told

    monkeypatch.setattr("pipelines.predict_folder.predict_all", lambda *_: pytest.fail("predicted again"))
    apply(videos, model, out, yunet)
    assert tables_below(out / "aus") == done
    monkeypatch.undo()

    request.getfixturevalue("in_turn")  # to start Ray's workers again would take longer
    os.utime(out / "faces" / "subject=deep" / "er%2Fastronaut.png.parquet")  # as if found anew
    damage_a_face(out / "faces" / "subject=single_face.mp4" / "single_face.mp4.parquet")
    (videos / "no_face.mp4").write_bytes(b"no video any more")
    with pytest.raises(AuError, match=r"1 of 2 videos failed, .*single_face.mp4: .*remove .*parquet"):
        apply(videos, model, out, yunet)
    again = tables_below(out / "aus")
    assert again.pop("deep/er/astronaut.png.csv") > done["deep/er/astronaut.png.csv"]
    assert again == {}, "no table outlives the faces that it is made from"
    assert "1 tables in" in (told := capsys.readouterr().err) and "3 of 4 files have none" in told


def test_a_folder_of_numbered_pictures_has_one_table(in_turn, model, yunet, tmp_path, monkeypatch, capsys):
    """Whatever lies elsewhere; a broken picture in the middle is one row less."""

    def predict(todo, model, out, gpu):
        for table in todo:
            predict_shard(table.shard, *load_recognizer(model), table.path)
        return []

    monkeypatch.setattr("pipelines.predict_folder.predict_all", predict)
    names = ["clip/0001.jpg", "clip/0002.jpg", "clip/0003.jpg", "clip/0004.jpg", "album/anna.jpg"]
    for name in names:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "in" / name), np.zeros((64, 64, 3), np.uint8))
    (tmp_path / "in" / "clip" / "0003.jpg").write_bytes(b"no picture at all")
    with pytest.raises(AuError, match=r"^1 tables lack frames, such as that of clip$"):
        apply(tmp_path / "in", model, tmp_path / "out", yunet, "--strict")
    assert set(tables_below(tmp_path / "out" / "aus")) == {"clip.csv", "album/anna.jpg.csv"}
    rows = rows_of(tmp_path / "out" / "aus" / "clip.csv")
    assert [(row["frame"], row["timestamp"]) for row in rows] == [("1", ""), ("2", ""), ("4", "")]
    assert "partial: clip: frames 3 could not be decoded" in capsys.readouterr().err
    apply(tmp_path / "in" / "clip", model, tmp_path / "of_one", yunet)
    assert set(tables_below(tmp_path / "of_one" / "aus")) == {"clip.csv"}


def test_faces_of_pictures_have_a_number_and_no_time(model, tmp_path):
    (shard,) = write_toy_faces(tmp_path / "faces", ["F001"], frames=3, lost=1).rglob("*.parquet")
    assert predict_shard(shard, *load_recognizer(model), tmp_path / "table.csv") == 2
    rows = rows_of(tmp_path / "table.csv")
    assert [row["frame"] for row in rows] == ["100", "101", "102"]
    assert {row["timestamp"] for row in rows} == {""}


def test_faces_are_stored_as_those_that_the_model_was_trained_on(
    videos, model, no_detector, tmp_path, monkeypatch
):
    run, found = shutil.copytree(model, tmp_path / "run"), []
    card = run / "model" / "model.json"
    write_json(read_json(card) | {"jpeg_quality": 80, "face_size": 112}, card)
    monkeypatch.setattr("pipelines.predict_folder.find_faces", lambda dataset: found.append(dataset.cfg))
    apply(videos, run, tmp_path / "out", no_detector)
    assert [(cfg.jpeg_quality, cfg.size, cfg.all_faces) for cfg in found] == [(80, 112, True)]


def test_what_another_model_said_is_not_mixed_in(videos, model, no_detector, tmp_path):
    other, out = tmp_path / "other", tmp_path / "out"
    shutil.copytree(model, other)
    predict_folder.claim(out, load_card(model))
    predict_folder.claim(out, load_card(other))
    save_thresholds({**load_card(other).thresholds, "AU12": 0.5}, other / "model")
    with pytest.raises(ConfigError, match=r"what another model said .*; choose another --out"):
        apply(videos, other, out, no_detector)
    write_untrained_model(tmp_path / "third")  # the same thresholds, other weights
    with pytest.raises(ConfigError, match=r"what another model said .*; choose another --out"):
        apply(videos, tmp_path / "third", out, no_detector)


def test_faces_of_videos_do_not_join_those_of_an_experiment(videos, model, no_detector, tmp_path):
    for name in ("runs", "faces", "aus"):
        (tmp_path / name / name).mkdir(parents=True)
        with pytest.raises(ConfigError, match=f"holds {name} of other work; choose another --out"):
            apply(videos, model, tmp_path / name, no_detector)


def test_a_training_is_not_written_into(videos, model, no_detector, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(model, run)
    (run / "config.json").touch()
    for folder in (run, run / "model"):
        with pytest.raises(ConfigError, match="of other work; choose another --out"):
            apply(videos, run, folder, no_detector)
    load_recognizer(run)


def test_a_worker_that_dies_of_a_shard_costs_its_own_table_alone(
    local_ray, videos, model, yunet, tmp_path, monkeypatch
):
    class Poisoned(predict_folder.PredictShard):  # a local class travels by value
        def __init__(self, *args):
            predict_folder.JobActor.__init__(self, args[-1])
            self.args = args

        def work(self, job, again):
            if "no_face" in job:
                os._exit(1)
            super().__init__(*self.args)  # a worker that dies need not load a model first, for seconds
            return super().work(job, again)

    monkeypatch.setattr(predict_folder, "PredictShard", Poisoned)
    monkeypatch.setattr("pipelines.machinery.sequences.map_jobs", map_here)
    with pytest.raises(AuError, match=r"1 of 3 videos failed, .*no_face.mp4: 3 workers died"):
        apply(videos, model, tmp_path / "out", yunet)
    assert set(tables_below(tmp_path / "out" / "aus")) == {"single_face.mp4.csv", "deep/er/astronaut.png.csv"}
    assert not (tmp_path / "out" / ".tries").exists()


def test_a_name_as_long_as_file_systems_allow_has_a_table(tmp_path):
    for name in ("ä" * 125 + ".mp4", "short.mp4"):
        ref = SequenceRef(
            layout="videos",
            dataset="videos",
            subject="s",
            sequence="t",
            source=f"deep/{name}",
            root="/videos",
        )
        path = predict_folder.Table.of(ref, tmp_path).path
        write_text("", path)
        assert path.parent == tmp_path / "aus" / "deep" and path.name.startswith(name[:5])
        assert path.suffix == ".csv"


def test_where_nothing_can_be_written_is_one_line(videos, model, no_detector):
    for out in (Path("/proc/none"), videos / "broken.mp4" / "out", videos / ("x" * 300)):
        with pytest.raises(ConfigError, match=r"cannot be written .*; choose another place"):
            apply(videos, model, out, no_detector)


def test_no_model_no_work(videos, no_detector, tmp_path):
    with pytest.raises(AuError, match="no model here"):
        apply(videos, tmp_path, tmp_path / "out", no_detector)
    assert not (tmp_path / "out").exists()
