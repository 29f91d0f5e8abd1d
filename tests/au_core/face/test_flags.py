"""A face in every frame, or the reason why not: each flag from a picture that deserves it."""

import errno
import json
from dataclasses import asdict, replace

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from au_core.config import PreprocessConfig, SyntheticConfig
from au_core.data.facts import load_facts
from au_core.data.layouts import LAYOUTS
from au_core.data.provenance import shard_metadata
from au_core.data.readers import list_sequences, read_rows
from au_core.data.schema import shard_path
from au_core.data.synthetic.write import plan_sequences, write_sequence
from au_core.data.video import video_frames
from au_core.face.detect import Detection, load_detector
from au_core.face.judge import FLAGS, angles
from au_core.face.prepare import FORMAT, give_id_0, prepare_sequence, settings_of

CFG = PreprocessConfig()
BP4D = SyntheticConfig(layout="bp4d", subjects=3, sequences=1, frames=6)


@pytest.fixture
def tree(tmp_path):
    subject, task = plan_sequences(BP4D)[0]
    write_sequence(BP4D, subject, task, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def detector(yunet):
    return load_detector(replace(CFG, detector=str(yunet)), doubtful=True)


def prepare(root, detector, tmp_path, cfg=CFG, layout="bp4d"):
    (ref,) = list_sequences(layout, root)
    status = prepare_sequence(ref, detector, cfg, tmp_path / "faces")
    return status, pq.ParquetFile(shard_path(tmp_path / "faces", ref)).read().to_pandas()


def pictures_of(root):
    return list(read_rows(list_sequences("bp4d", root)[0]).pictures.values())


def change(path, change):
    cv2.imwrite(str(path), change(cv2.imread(str(path))))


def test_each_flag_is_given_where_it_is_due(tree, detector, tmp_path, shared):
    pictures = pictures_of(tree)
    astronaut = cv2.imread(str(shared / "real_faces" / "astronaut.png"))
    change(pictures[0], np.zeros_like)
    change(pictures[1], lambda image: cv2.GaussianBlur(image, (0, 0), 3))
    change(pictures[2], lambda image: np.full_like(image, 128))
    change(pictures[3], lambda image: np.hstack([image, image]))
    profile = next(video_frames(shared / "real_faces" / "head-pose-face-detection-female.gif"))
    change(pictures[4], lambda image: profile)
    change(pictures[5], lambda image: cv2.resize(astronaut, (256, 256)))
    status, rows = prepare(tree, detector, tmp_path)
    flags = [set((value or "").split(",")) - {""} for value in rows.flagged]
    assert flags[0] == {"no_face", "dark"} and flags[2] == {"no_face"}
    assert "blurred" in flags[1] and "several_faces" in flags[3] and "extreme_pose" in flags[4]
    assert "landmarks_differ" in flags[5], "another person sits elsewhere"
    assert rows.face_found.tolist() == [False, True, False, True, True, True]
    assert status["faces_found"] == 4 and status["frames_decoded"] == 6 == status["frames_coded"]
    assert "no_face 2, dark 1" in status["flagged"] and set(FLAGS) >= set.union(*flags)


def test_landmarks_are_compared_with_the_face_that_is_kept(tree, tmp_path):
    """The largest face's points may be no face: the row is another's, and so is the flag."""
    ref = list_sequences("bp4d", tree)[0]
    points = iter(read_rows(ref).points)

    def faces(_: np.ndarray) -> list[Detection]:
        there = next(points).astype(np.float32)
        box = np.concatenate([there.min(0), np.ptp(there, axis=0)])
        return [Detection(box * 2, there * 0, 0.9), Detection(box, there, 0.9)]

    _, rows = prepare(tree, faces, tmp_path)
    assert set(rows.flagged) == {"several_faces"} and rows.face_found.all()


def test_low_confidence_is_told_from_nothing(tree, tmp_path):
    box, points = (
        np.array([50, 50, 90, 90], np.float32),
        np.array([[70, 80], [110, 80], [90, 120]], np.float32),
    )
    status, rows = prepare(tree, lambda image: [Detection(box, points, 0.45)], tmp_path)
    assert set(rows.flagged) == {"low_confidence"} and rows.confidence[0] == pytest.approx(0.45)
    assert rows.face.isna().all() and status["flagged"] == "low_confidence 6"
    _, rows = prepare(tree, lambda image: [Detection(box, points * 0, 0.9)], tmp_path, replace(CFG, size=96))
    assert set(rows.flagged) == {"bad_points"}


def test_the_main_person_is_0_even_if_somebody_else_came_first(tree, tmp_path):
    def face(x, width):
        points = np.array([[x, 80], [x + width / 2, 80], [x + width / 4, 80 + width / 2]], np.float32)
        return Detection(np.array([x, 60, width, width], np.float32), points, 0.9)

    frames = iter([[face(200, 40)], *[[face(60, 90), face(200, 40)]] * 5])
    _, rows = prepare(tree, lambda image: next(frames), tmp_path, replace(CFG, all_faces=True))
    assert rows.face_id.tolist() == [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    assert rows[rows.face_id == 0].frame.nunique() == 5 and rows.frame.is_monotonic_increasing


def test_a_frame_without_a_face_has_id_0_whoever_is_the_main_person(tmp_path):
    table = pa.table({"face_id": pa.array([0, 0, 3, 1], pa.int16()), "face_found": [True, False, True, True]})
    shard = tmp_path / "T1.parquet"
    pq.write_table(
        table.replace_schema_metadata({"status": "known", "drawn": "yes"}), shard, row_group_size=2
    )
    give_id_0(3, shard)
    assert pq.read_table(shard)["face_id"].to_pylist() == [3, 0, 0, 1]
    assert shard_metadata(shard) == {"status": "known", "drawn": "yes"}
    assert pq.read_metadata(shard).num_row_groups == 2 and [*tmp_path.iterdir()] == [shard]


def test_what_can_no_longer_be_read_has_no_faces_left(tree, tmp_path, monkeypatch):
    """Else trainings would take those of the files as they were, which nobody lists any more."""
    (ref,) = list_sequences("bp4d", tree)
    prepare_sequence(ref, None, CFG, tmp_path / "faces")
    assert shard_path(tmp_path / "faces", ref).exists()

    def broken(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("au_core.face.prepare.content_hash", broken)
    assert prepare_sequence(ref, None, CFG, tmp_path / "faces")["status"] == "failed"
    assert not shard_path(tmp_path / "faces", ref).exists()


@pytest.mark.parametrize("yaw", [-40, -15, 0, 25])
def test_yaw_and_roll_are_recovered_from_a_head_in_space(yaw):
    head = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 1.1, 0.3], [0, 0.6, 0.6]])  # eyes, mouth, nose
    a = np.radians(yaw)
    x = head[:, 0] * np.cos(a) + head[:, 2] * np.sin(a)
    turn = np.radians(20)
    flat = np.stack(
        [x * np.cos(turn) - head[:, 1] * np.sin(turn), x * np.sin(turn) + head[:, 1] * np.cos(turn)], 1
    )
    level, across = angles(np.stack([x, head[:, 1]], 1)[:3] * 80, np.array([x[3], 0.0]) * 80)
    assert level == pytest.approx(yaw, abs=0.1) and across == pytest.approx(0)
    assert angles(flat[:3] * 80, None)[0] is None and angles(flat[:3] * 80, None)[1] == pytest.approx(20)


def test_known_wrong_landmarks_are_dropped_or_kept_and_listed_either_way(tmp_path, monkeypatch):
    write_sequence(
        SyntheticConfig(layout="disfa", subjects=3, sequences=1, frames=9), "SN001", "left", tmp_path / "d"
    )
    ranges = load_facts("folds")["DISFA"]["frames_without_good_landmarks_0based"]
    monkeypatch.setitem(ranges, "SN001", [[2, 4], [7, 7]])
    status, rows = prepare(tmp_path / "d", None, tmp_path, layout="disfa")
    assert rows[~rows.face_found].frame.tolist() == [3, 4, 5, 8] and len(rows) == 9
    assert set(rows.flagged.dropna()) == {"bad_landmarks"} and status["faces_found"] == 5
    assert status["reason"] == "frames 3-5, 8 have wrong landmarks, left without a face"
    kept = replace(CFG, keep_bad_landmarks=True)
    status, rows = prepare(tmp_path / "d", None, tmp_path, kept, layout="disfa")
    assert rows.face_found.all() and rows[rows.flagged == "bad_landmarks"].frame.tolist() == [3, 4, 5, 8]
    assert status["reason"].startswith("frames 3-5, 8 have wrong landmarks, kept")


@pytest.mark.parametrize("camera", ["left", "right"])
def test_a_detector_keeps_its_faces_where_the_landmarks_are_known_to_be_wrong(tmp_path, monkeypatch, camera):
    """They are no reason to lose what was found without them, least of all by the other camera."""
    cfg = SyntheticConfig(layout="disfa", subjects=3, sequences=1, frames=9)
    write_sequence(cfg, "SN001", "left", tmp_path / "d")
    (tmp_path / "d" / "Videos_LeftCamera").rename(tmp_path / "d" / f"Videos_{camera.title()}Camera")
    (film,) = (tmp_path / "d" / f"Videos_{camera.title()}Camera").iterdir()
    film.rename(film.with_name(film.name.replace("Left", camera.title())))
    ranges = load_facts("folds")["DISFA"]["frames_without_good_landmarks_0based"]
    monkeypatch.setitem(ranges, "SN001", [[2, 4], [7, 7]])
    ref = list_sequences("disfa", tmp_path / "d", camera)[0]
    box, points = np.array([50, 50, 90, 90]), np.array([[70, 80], [110, 80], [90, 120]], np.float32)
    status = prepare_sequence(ref, lambda _: [Detection(box, points, 0.9)], CFG, tmp_path / "faces")
    rows = pq.ParquetFile(shard_path(tmp_path / "faces", ref)).read().to_pandas()
    assert rows.face_found.all() and status["faces_found"] == 9
    flagged = rows[rows.flagged.fillna("").str.contains("bad_landmarks")].frame.tolist()
    assert flagged == ([3, 4, 5, 8] if camera == "left" else []), "the right camera has none"
    assert ("frames 3-5, 8 have wrong landmarks, kept" in status["reason"]) == (camera == "left")


def test_shards_of_a_detector_that_lack_disfas_frames_are_made_anew_and_no_others():
    default, found = CFG, replace(CFG, detector="yunet")
    as_before = {**asdict(default), "format": FORMAT}
    assert json.loads(settings_of(default, "disfa")) == as_before
    for layout in set(LAYOUTS) - {"disfa"}:
        assert json.loads(settings_of(found, layout)) == as_before | {"detector": "yunet"}
    now = json.loads(settings_of(found, "disfa"))
    assert now == as_before | {"detector": "yunet", "keep_bad_landmarks": True}


def test_damaged_landmarks_cost_a_detector_only_the_comparison(tree, detector, tmp_path):
    ref = list_sequences("bp4d", tree)[0]
    (tree / ref.landmarks).write_bytes(b"no mat")
    status, rows = prepare(tree, detector, tmp_path)
    assert (
        status["status"] == "ok" and "landmarks not compared: " in status["reason"] and rows.face_found.all()
    )
    assert prepare_sequence(ref, None, CFG, tmp_path / "other")["status"] == "failed"


def test_thresholds_are_recorded_and_decide(tree, tmp_path):
    _, rows = prepare(tree, None, tmp_path)
    assert (
        rows.flagged.isna().all() and rows.yaw.abs().max() < 40 and rows.sharpness.min() > CFG.min_sharpness
    )
    strict = replace(CFG, min_sharpness=1e6, min_brightness=255, max_angle=0.01)
    _, rows = prepare(tree, None, tmp_path, strict)
    assert set(rows.flagged) == {"dark,blurred,extreme_pose"}
    (shard,) = (tmp_path / "faces").glob("subject=*/*.parquet")
    assert json.loads(pq.read_schema(shard).metadata[b"settings"])["min_sharpness"] == 1e6
