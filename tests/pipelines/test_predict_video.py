import csv
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from au_core.data.files import read_json, write_json
from au_core.errors import AuError, ConfigError
from au_core.face.detect import Detection
from pipelines.predict_video import main

FACE = Detection(np.array([20, 10, 24, 28]), np.array([[26, 22], [38, 22], [32, 32]], np.float32), 0.9)


def applied(video: Path, model: Path, out: Path, *more: str) -> tuple[list[dict[str, str]], Path]:
    overlay = out / ("overlay.png" if video.suffix == ".png" else "overlay.mp4")
    main([str(video), "--model", str(model), "--csv", str(out / "aus.csv"), "--overlay", str(overlay), *more])
    with (out / "aus.csv").open(newline="") as file:
        return list(csv.DictReader(file)), overlay


@pytest.fixture
def faces(monkeypatch) -> list[Detection]:
    """What is found in every frame, by whatever detector: nobody, unless a test adds somebody."""
    faces = []
    monkeypatch.setattr("au_core.predictor.load_detector", lambda *_, **__: lambda image: faces)
    return faces


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("drawn") / "picture.png"
    cv2.imwrite(str(path), np.zeros((64, 64, 3), np.uint8))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """60 frames."""
    path = tmp_path_factory.mktemp("drawn") / "clip.avi"
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 64))
    for _ in range(60):
        film.write(np.zeros((64, 64, 3), np.uint8))
    film.release()
    return path


def frames_of(path: Path) -> list[np.ndarray]:
    capture, frames = cv2.VideoCapture(str(path)), []
    while (frame := capture.read()[1]) is not None:
        frames.append(frame)
    return frames


def test_a_face_in_every_frame(model, shared, yunet, tmp_path):
    clip = shared / "real_faces" / "single_face.mp4"
    rows, overlay = applied(clip, model, tmp_path, "--detector", str(yunet))
    assert [int(row["frame"]) for row in rows] == list(range(1, 73))
    assert {(row["face_id"], row["success"], row["AU12_c"], row["AU01_c"]) for row in rows} == {
        ("0", "1", "1", "0")
    }
    assert all(float(row["confidence"]) > 0.6 and 0 <= float(row["AU06_p"]) <= 1 for row in rows)
    assert float(rows[30]["timestamp"]) == pytest.approx(1.0, abs=0.01), "30 frames a second"
    assert all(float(row["x_0"]) < float(row["x_2"]) < float(row["x_1"]) for row in rows)
    drawn, source = frames_of(overlay), frames_of(clip)
    assert len(drawn) == 72 and drawn[0].shape == source[0].shape
    assert np.abs(drawn[0].astype(int) - source[0]).mean() > 3


def test_what_was_never_learned_has_no_answer(model, faces, picture, tmp_path):
    """R always answers something; of an AU whose training labels were all alike that is worth nothing."""
    shutil.copytree(model, tmp_path / "run")
    card = tmp_path / "run" / "model" / "model.json"
    write_json(read_json(card) | {"unlearned": ["AU12"]}, card)
    faces.append(FACE)
    (row,), _ = applied(picture, tmp_path / "run", tmp_path)
    assert row["AU12_p"] == row["AU12_c"] == "" and row["AU01_c"] == "0" and 0 <= float(row["AU06_p"]) <= 1


@pytest.mark.parametrize(
    ("overlay", "reason"),
    [("aus.csv", "cannot be one file"), ("o.png", "a picture holds one frame; expected a video")],
)
def test_nothing_is_written_over_itself(model, faces, clip, tmp_path, overlay, reason):
    words = [str(clip), "--model", str(model)]
    with pytest.raises(ConfigError, match=reason):
        main([*words, "--csv", str(tmp_path / "aus.csv"), "--overlay", str(tmp_path / overlay)])
    assert not list(tmp_path.iterdir())


def test_whoever_tries_a_demos_model_on_people_is_told(model, faces, picture, tmp_path, capsys):
    shutil.copytree(model, tmp_path / "run")
    card = tmp_path / "run" / "model" / "model.json"
    write_json(read_json(card) | {"drawn": True}, card)
    applied(picture, tmp_path / "run", tmp_path)
    assert "warning: this model was trained on drawn people" in capsys.readouterr().err


def test_no_face_is_said_and_never_a_zero(model, faces, clip, tmp_path):
    rows, overlay = applied(clip, model, tmp_path)
    assert len(rows) == 60 and {row["success"] for row in rows} == {"0"}
    assert {row[name] for row in rows for name in row if name.startswith(("AU", "x_", "y_"))} == {""}
    assert len(frames_of(overlay)) == 60


def test_two_people_keep_their_numbers(model, shared, yunet, tmp_path):
    clip = shared / "real_faces" / "face-demographics-walking.gif"
    rows, _ = applied(clip, model, tmp_path, "--detector", str(yunet))
    assert len(rows) == 70 and {row["face_id"] for row in rows} == {"0", "1"}
    side = {k: [float(row["x_2"]) for row in rows if row["face_id"] == k] for k in "01"}
    assert min(side["0"]) > max(side["1"]) or max(side["0"]) < min(side["1"]), "nobody changes sides"


def test_a_picture_gives_one_row_and_a_picture(model, faces, picture, tmp_path):
    faces.append(FACE)
    rows, overlay = applied(picture, model, tmp_path)
    assert len(rows) == 1 and rows[0]["success"] == "1"
    assert cv2.imread(str(overlay)).shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"video": Path("/no/film.mp4")}, "no such file"),
        ({"model": Path("/no/model")}, "no model here; expected a run folder"),
        ({"out": Path("/proc/none")}, "cannot be written"),
        ({"video": Path("/tmp")}, "a folder; pipelines/predict_folder.py takes all videos in one"),
    ],
)
def test_a_mistake_is_told_and_leaves_nothing(change, message, model, faces, clip, tmp_path):
    call = {"video": clip, "model": model, "out": tmp_path} | change
    with pytest.raises(AuError, match=message):
        applied(**call)
    assert list(tmp_path.iterdir()) == []


def test_the_video_itself_is_never_written_over(model, faces, picture, tmp_path):
    shutil.copy(picture, tmp_path)
    words = [str(tmp_path / "picture.png"), "--model", str(model)]
    for option in ("--csv", "--overlay"):
        with pytest.raises(AuError, match="the video itself; choose another file to write"):
            main([*words, option, words[0]])
    assert (tmp_path / "picture.png").read_bytes() == picture.read_bytes()


def test_outputs_are_named_by_the_whole_name_and_lie_together(model, faces, picture, tmp_path, monkeypatch):
    """``film.csv`` may be the user's own, and two formats of a film have two tables."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    words = [str(picture), "--model", str(model)]
    main(words)
    assert {path.name for path in Path().iterdir()} == {"picture.png.csv", "picture.png_overlay.png"}
    main([*words, "--csv", str(tmp_path / "there" / "aus.csv")])
    assert len(list(Path().iterdir())) == 2
    assert {p.name for p in (tmp_path / "there").iterdir()} == {"aus.csv", "picture.png_overlay.png"}


def test_a_link_is_followed_and_what_is_no_file_is_refused(model, faces, picture, tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "aus.csv").symlink_to(tmp_path / "real.csv")
    applied(picture, model, tmp_path, "--no-overlay")
    assert (tmp_path / "aus.csv").is_symlink() and "frame,face_id" in (tmp_path / "real.csv").read_text()
    (tmp_path / "aus.csv").unlink()
    (tmp_path / "aus.csv").mkdir()
    with pytest.raises(AuError, match=r"aus.csv: no file that could be replaced"):
        applied(picture, model, tmp_path)


def test_a_video_that_was_cut_off_is_told(model, faces, clip, tmp_path, capsys):
    whole = clip.read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    rows, _ = applied(tmp_path / "cut.avi", model, tmp_path)
    assert f"{len(rows)} frames could be decoded of 60 declared; truncated?" in capsys.readouterr().err


def test_damaged_weights_are_named(model, faces, picture, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in (model / "model").iterdir():
        (broken / file.name).write_bytes(
            file.read_bytes()[: 10_000 if file.suffix == ".safetensors" else None]
        )
    with pytest.raises(AuError, match=r"model.safetensors: cannot be loaded as a resnet10"):
        applied(picture, broken, tmp_path)
