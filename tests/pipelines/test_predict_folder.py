import csv
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from au_core.errors import AuError, ConfigError
from au_core.models.checkpoint import load_card, save_thresholds
from pipelines import predict_folder, predict_video

DETECTOR = "models/face_detection_yunet_2023mar.onnx"


@pytest.fixture
def videos(shared, tmp_path):
    """A clip, one of nobody, a picture in a folder of its own, and a file that is no video."""
    folder = tmp_path / "videos"
    (folder / "deep" / "er").mkdir(parents=True)
    for name, place in (("single_face.mp4", "."), ("no_face.mp4", "."), ("astronaut.png", "deep/er")):
        shutil.copy(shared / "real_faces" / name, folder / place / name)
    (folder / "broken.mp4").write_bytes(b"no video at all")
    return folder


def apply(videos, model, out, shared) -> None:
    predict_folder.main(
        [str(videos), "--model", str(model), "--out", str(out), "--detector", str(shared / DETECTOR)]
    )


def rows_of(table) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def tables_below(folder) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*.csv")}


def test_every_video_gets_the_table_that_it_would_get_alone(
    local_ray, videos, model, shared, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"
    apply(videos, model, out, shared)
    done = tables_below(out / "aus")
    assert sorted(done) == ["deep/er/astronaut.png.csv", "no_face.mp4.csv", "single_face.mp4.csv"]
    for name in done:
        video, alone = videos / name.removesuffix(".csv"), tmp_path / "alone.csv"
        words = ["--detector", str(shared / DETECTOR), "--no-overlay", "--csv", str(alone)]
        predict_video.main([str(video), "--model", str(model), *words])
        together = rows_of(out / "aus" / name)
        assert [list(row) for row in together] == [list(row) for row in rows_of(alone)]
        for ours, theirs in zip(together, rows_of(alone), strict=True):
            for column, value in theirs.items():
                assert ours[column] == value or float(ours[column]) == pytest.approx(float(value), abs=2e-4)
    quality = pq.read_table(out / "faces" / "quality.parquet").to_pylist()
    assert [row["source"] for row in quality if row["status"] == "failed"] == ["broken.mp4"]
    assert "3 tables in" in (told := capsys.readouterr().err)
    assert "failed: broken.mp4" in told and "1 of 4 files gave none" in told

    monkeypatch.setattr("pipelines.predict_folder.predict_all", lambda *_: pytest.fail("predicted again"))
    apply(videos, model, out, shared)
    assert tables_below(out / "aus") == done
    monkeypatch.undo()

    os.utime(out / "faces" / "subject=deep" / "er%2Fastronaut.png.parquet")  # as if found anew
    damaged = out / "faces" / "subject=no_face.mp4" / "no_face.mp4.parquet"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:4] + bytes(1000) + whole[1004:])
    with pytest.raises(AuError, match=r"1 of 2 videos failed, the first: .*no_face.mp4: "):
        apply(videos, model, out, shared)
    again = tables_below(out / "aus")
    assert {name for name in done if again[name] != done[name]} == {"deep/er/astronaut.png.csv"}


def test_what_another_model_said_is_not_mixed_in(videos, model, shared, tmp_path):
    other, out = tmp_path / "other", tmp_path / "out"
    shutil.copytree(model, other)
    predict_folder.claim(out, model)
    predict_folder.claim(out, other)
    save_thresholds({**load_card(other).thresholds, "AU12": 0.5}, other / "model")
    with pytest.raises(ConfigError, match=r"what another model said .*; choose another --out"):
        apply(videos, other, out, shared)


def test_faces_of_videos_do_not_join_those_of_an_experiment(videos, model, shared, tmp_path):
    for name in ("runs", "faces"):
        (tmp_path / name / name).mkdir(parents=True)
        with pytest.raises(ConfigError, match="holds an experiment, or faces of other data; choose another"):
            apply(videos, model, tmp_path / name, shared)


def test_where_nothing_can_be_written_is_one_line(videos, model, shared):
    with pytest.raises(ConfigError, match=r"/proc/none: cannot be written .*; choose another --out"):
        apply(videos, model, Path("/proc/none"), shared)


def test_no_model_no_work(videos, shared, tmp_path):
    with pytest.raises(AuError, match="no model here"):
        apply(videos, tmp_path, tmp_path / "out", shared)
    assert not (tmp_path / "out").exists()
