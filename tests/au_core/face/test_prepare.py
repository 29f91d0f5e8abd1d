"""One sequence to its shard, on drawn trees and real clips, whole and broken."""

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from au_core.config import PreprocessConfig, SyntheticConfig
from au_core.data.readers import list_sequences
from au_core.data.schema import face_schema, shard_path
from au_core.data.synthetic.write import plan_sequences, write_sequence
from au_core.face.detect import load_detector
from au_core.face.prepare import finished, prepare_sequence

CFG = PreprocessConfig(size=96)
BP4D = SyntheticConfig(layout="bp4d", subjects=3, sequences=1, frames=6)


@pytest.fixture
def tree(tmp_path):
    for subject, task in plan_sequences(BP4D):
        write_sequence(BP4D, subject, task, tmp_path / "data")
    return tmp_path / "data"


def shard_of(folder, ref):
    return pq.ParquetFile(shard_path(folder, ref)).read().to_pandas()


def test_a_coded_sequence_keeps_every_frame_and_code(tree, tmp_path):
    ref = list_sequences("bp4d", tree)[0]
    status = prepare_sequence(ref, None, CFG, tmp_path / "faces")
    assert {k: status[k] for k in ("frames_coded", "frames_decoded", "faces_found", "status")} == {
        "frames_coded": 6, "frames_decoded": 6, "faces_found": 6, "status": "ok",
    }  # fmt: skip
    rows = shard_of(tmp_path / "faces", ref)
    assert list(rows.columns) == face_schema([int(c[2:]) for c in rows.columns if c.startswith("AU")]).names
    assert rows.face_found.all() and (rows.face_id == 0).all() and set(rows.AU12.dropna()) <= {0, 1}
    assert cv2.imdecode(np.frombuffer(rows.face[0], np.uint8), 1).shape == (96, 96, 3)
    metadata = pq.read_schema(shard_path(tmp_path / "faces", ref)).metadata
    assert metadata[b"au_codes"] == b"occurrence" and json.loads(metadata[b"settings"])["size"] == 96


def test_disfa_keeps_raw_intensities(tmp_path):
    cfg = SyntheticConfig(layout="disfa", subjects=3, sequences=1, frames=40)
    write_sequence(cfg, "SN001", "left", tmp_path / "data")
    (ref,) = list_sequences("disfa", tmp_path / "data")
    assert prepare_sequence(ref, None, CFG, tmp_path / "faces")["faces_found"] == 40
    rows = shard_of(tmp_path / "faces", ref)
    assert rows.frame.tolist() == list(range(1, 41)) and rows[["AU01", "AU12", "AU25"]].max().max() > 1


def test_landmarks_and_detector_agree_on_where_the_face_is(tmp_path, yunet):
    exact = replace(BP4D, difficulty=0.0)  # else written landmarks err, as a tracker's do
    write_sequence(exact, *plan_sequences(exact)[0], tmp_path / "data")
    ref = list_sequences("bp4d", tmp_path / "data")[0]
    prepare_sequence(ref, None, CFG, tmp_path / "a")
    prepare_sequence(ref, load_detector(replace(CFG, detector=str(yunet))), CFG, tmp_path / "b")
    a, b = (np.stack(shard_of(tmp_path / name, ref).points) for name in "ab")
    assert np.abs(a - b).mean() < 5 and a.shape == (6, 6)


def test_lost_pictures_are_listed_and_nothing_else_is_lost(tree, tmp_path):
    ref = list_sequences("bp4d", tree)[0]
    pictures = sorted((tree / ref.source).iterdir(), key=lambda path: int(path.stem))
    pictures[1].write_bytes(b"no picture")
    pictures[4].write_bytes(b"")
    status = prepare_sequence(ref, None, CFG, tmp_path / "faces")
    first, second = pictures[1].stem, pictures[4].stem
    assert status["status"] == "partial"
    assert status["reason"] == f"frames {first}, {second} could not be decoded"
    assert len(shard_of(tmp_path / "faces", ref)) == status["frames_decoded"] == 4
    assert status["frames_coded"] == 6, "rows written and frames listed as lost"
    for picture in pictures:
        picture.write_bytes(b"")
    status = prepare_sequence(ref, None, CFG, tmp_path / "faces")
    assert status["status"] == "failed" and status["frames_coded"] == 6 and status["frames_decoded"] == 0
    assert (
        "not one frame could be decoded" in status["reason"]
        and not shard_path(tmp_path / "faces", ref).exists()
    )


def test_missing_pictures_are_told_from_damaged_ones(tree, tmp_path):
    ref = list_sequences("bp4d", tree)[0]
    pictures = sorted((tree / ref.source).iterdir(), key=lambda path: int(path.stem))
    names = [path.stem for path in pictures]
    pictures[1].unlink()
    pictures[2].unlink()
    pictures[4].write_bytes(b"no picture")
    status = prepare_sequence(ref, None, CFG, tmp_path / "faces")
    assert status["status"] == "partial" and status["frames_decoded"] == status["faces_found"] == 3
    assert status["reason"] == (
        f"frames {names[1]}-{names[2]} have no picture file; frames {names[4]} could not be decoded"
    )


def test_a_manifest_of_files_that_are_not_there_says_so(tmp_path):
    lines = [*(f"pics/{i}.jpg,a,b,{i},1" for i in range(2)), "there.jpg,a,c,1,0"]
    (tmp_path / "there.jpg").touch()
    (tmp_path / "manifest.csv").write_text("\n".join(["path,subject,sequence,frame,AU12", *lines]))
    ref, _ = list_sequences("manifest", tmp_path)
    status = prepare_sequence(ref, lambda image: [], CFG, tmp_path / "faces")
    assert status["status"] == "failed"
    assert status["reason"].endswith("pics/0.jpg: not one coded frame has a picture file")


def seven_for_au_12(text):
    lines = text.splitlines(keepends=True)
    cells = lines[2].split(",")
    return "".join([*lines[:2], ",".join([*cells[:12], "7", *cells[13:]]), *lines[3:]])


@pytest.mark.parametrize(("spoil", "reason"), [
    (lambda text: text.replace(",2,", ",x,", 1), "no column for AU 2 in the header"),
    (lambda text: text.replace("\n", ",1\n", 2).replace(",1\n", "\n", 1), "66 values; expected 65"),
    (seven_for_au_12, "code '7' for AU"),
    (lambda text: "", "header"),
])  # fmt: skip
def test_a_damaged_label_file_fails_its_sequence_by_name(tree, tmp_path, spoil, reason):
    ref = list_sequences("bp4d", tree)[0]
    label = tree / ref.labels[0]
    label.write_text(spoil(label.read_text()))
    status = prepare_sequence(ref, None, CFG, tmp_path / "faces")
    assert status["status"] == "failed" and reason in status["reason"] and label.name in status["reason"]
    assert not shard_path(tmp_path / "faces", ref).exists()


def test_an_unchanged_sequence_is_known_without_reading_it(tree, tmp_path):
    ref = list_sequences("bp4d", tree)[0]
    status = prepare_sequence(ref, None, CFG, tmp_path / "faces")
    assert finished(ref, CFG, tmp_path / "faces", status) == status
    assert finished(ref, CFG, tmp_path / "faces", None) is None
    assert finished(ref, replace(CFG, size=64), tmp_path / "faces", status) is None
    label = tree / ref.labels[0]
    label.write_text(label.read_text() + "\n")
    assert finished(ref, CFG, tmp_path / "faces", status) is None


def test_a_copy_elsewhere_is_recognised_by_its_content(tree, tmp_path):
    ref = list_sequences("bp4d", tree)[0]
    status = prepare_sequence(ref, None, CFG, tmp_path / "faces")
    written = shard_path(tmp_path / "faces", ref).stat().st_ino
    shutil.copytree(tree, tmp_path / "copy")
    moved = list_sequences("bp4d", tmp_path / "copy")[0]
    assert prepare_sequence(moved, None, CFG, tmp_path / "faces")["content_hash"] == status["content_hash"]
    assert shard_path(tmp_path / "faces", ref).stat().st_ino == written


def test_real_clips_have_faces_where_people_are(shared, yunet, tmp_path):
    cfg = PreprocessConfig(detector=str(yunet), all_faces=True)
    detector = load_detector(cfg)
    refs = {ref.sequence: ref for ref in list_sequences("videos", shared / "real_faces")}
    assert len(refs) == 7, "README.md is no video"
    rows = {}
    for name in ("single_face.mp4", "face_noface.mov", "no_face.mp4", "face-demographics-walking.gif"):
        assert prepare_sequence(refs[name], detector, cfg, tmp_path)["status"] == "ok"
        rows[name] = shard_of(tmp_path, refs[name])
    assert rows["single_face.mp4"].face_found.tolist() == [True] * 72
    found = rows["face_noface.mov"]
    assert found[found.face_found].frame.tolist() == list(range(1, 73)) and len(found) == 169
    assert len(rows["no_face.mp4"]) == 95 and not rows["no_face.mp4"].face_found.any()
    people = rows["face-demographics-walking.gif"].groupby("frame").face_id.nunique()
    assert (people == 2).mean() > 0.5


def test_broken_videos_are_lines_and_not_crashes(yunet, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "in" / "empty.mov").write_bytes(b"")
    (tmp_path / "in" / "noise.jpg").write_bytes(b"no picture")
    film = cv2.VideoWriter(str(tmp_path / "in" / "cut.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 64))
    for i in range(60):
        film.write(np.full((64, 64, 3), 4 * i, np.uint8))
    film.release()
    whole = (tmp_path / "in" / "cut.avi").read_bytes()
    (tmp_path / "in" / "cut.avi").write_bytes(whole[: len(whole) // 2])
    cfg = PreprocessConfig(detector=str(yunet))
    detector = load_detector(cfg)
    refs = list_sequences("videos", tmp_path / "in")
    status = {ref.sequence: prepare_sequence(ref, detector, cfg, tmp_path / "faces") for ref in refs}
    assert [status[name]["status"] for name in ("noise.mp4", "empty.mov", "noise.jpg")] == ["failed"] * 3
    assert status["cut.avi"]["status"] in ("partial", "failed")
    assert all(row["reason"] for row in status.values())
    assert not list((tmp_path / "faces").rglob(".*.tmp"))
