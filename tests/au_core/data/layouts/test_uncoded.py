"""Frames and tasks that nobody coded, which join the coded ones when they are asked for."""

import shutil
import struct

import cv2
import numpy as np
import pytest

from au_core.aus import UNKNOWN
from au_core.config import PreprocessConfig
from au_core.data.readers import list_sequences, read_rows
from au_core.errors import DatasetError
from au_core.face.prepare import prepare_sequence
from tests.au_core.data.trees import bend_to_plus, first, pixels

MANIFEST = "path,subject,sequence,frame,AU01,AU12\n"


def uncode(label, *kept):
    """Take all lines but those ``kept`` from a label file, counted from 0."""
    header, *lines = label.read_text().splitlines(keepends=True)
    label.write_text("".join([header, *(lines[i] for i in kept)]))


def film(path, frames):
    """A video whose frames get brighter."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 64))
    for number in range(1, frames + 1):
        writer.write(np.full((64, 64, 3), min(10 * number, 255), np.uint8))
    writer.release()


def test_uncoded_pictures_join_with_their_landmarks_when_they_are_asked_for(bp4d):
    whole = read_rows(first("bp4d", bp4d))
    uncode(bp4d / first("bp4d", bp4d).labels[0], 1)
    coded, every, second = (read_rows(first("bp4d", bp4d, uncoded=n)) for n in (0, 1, 2))
    assert coded.frames.tolist() == whole.frames[[1]].tolist()
    assert every.frames.tolist() == whole.frames.tolist() and every.coded.tolist() == [
        False,
        True,
        False,
        False,
    ]
    np.testing.assert_array_equal(every.codes[1], whole.codes[1])
    assert (every.codes[[0, 2, 3]] == UNKNOWN).all()
    np.testing.assert_array_equal(every.marks, whole.marks)
    assert pixels(every) == pixels(whole)
    assert second.frames.tolist() == whole.frames[[0, 1, 3]].tolist(), "of three uncoded ones every second"
    np.testing.assert_array_equal(second.marks, whole.marks[[0, 1, 3]])


def test_tasks_that_nobody_coded_are_sequences_when_they_are_asked_for(bp4d):
    ref = first("bp4d", bp4d)
    whole = read_rows(ref)
    (bp4d / ref.labels[0]).unlink()
    assert len(list_sequences("bp4d", bp4d)) == 5
    again = first("bp4d", bp4d, uncoded=1)
    assert (again.subject, again.sequence, again.labels) == (ref.subject, ref.sequence, ())
    rows = read_rows(again)
    assert rows.frames.tolist() == whole.frames.tolist() and not rows.coded.any()
    np.testing.assert_array_equal(rows.marks, whole.marks)


def test_an_uncoded_film_in_the_place_of_pictures_is_a_sequence(bp4d):
    ref = first("bp4d", bp4d)
    whole = read_rows(ref)
    (bp4d / ref.labels[0]).unlink()
    shutil.rmtree(bp4d / ref.source)
    film(bp4d / f"2{ref.subject[0]}{ref.subject[2:]}_{ref.sequence}.avi", len(whole.frames))
    again = first("bp4d", bp4d, uncoded=1)
    assert (again.subject, again.sequence) == (ref.subject, ref.sequence)
    rows = read_rows(again)
    assert rows.frames.tolist() == [1, 2, 3, 4] and not rows.coded.any()
    np.testing.assert_array_equal(rows.marks, whole.marks)


@pytest.mark.parametrize("first_picture", [0, 1])
def test_pictures_of_an_uncoded_task_of_bp4d_plus_are_counted_as_others(bp4d, first_picture):
    bend_to_plus(bp4d, first_picture)
    ref = first("bp4d_plus", bp4d)
    whole = read_rows(ref)
    (bp4d / ref.labels[0]).unlink()
    rows = read_rows(first("bp4d_plus", bp4d, uncoded=1))
    assert rows.frames.tolist() == whole.frames.tolist() == [1, 2, 3, 4] and not rows.coded.any()
    assert pixels(rows) == pixels(whole) and rows.ref.dataset == "BP4D+"


def test_a_manifest_s_video_gives_the_frames_without_a_line(tmp_path):
    film(tmp_path / "anna.avi", 9)
    (tmp_path / "manifest.csv").write_text(MANIFEST + "anna.avi,anna,talk,3,1,0\nanna.avi,anna,talk,4,,\n")
    coded, joined = (read_rows(first("manifest", tmp_path, uncoded=n)) for n in (0, 3))
    assert coded.frames.tolist() == [3, 4] and joined.frames.tolist() == [1, 3, 4, 6, 9]
    assert joined.coded.tolist() == [False, True, False, False, False]
    np.testing.assert_allclose(pixels(joined), [10, 30, 40, 60, 90], atol=2)


def test_two_sequences_of_one_video_cannot_share_its_other_frames(tmp_path):
    film(tmp_path / "anna.avi", 9)
    (tmp_path / "again.avi").symlink_to("anna.avi")
    (tmp_path / "manifest.csv").write_text(MANIFEST + "anna.avi,anna,a,3,1,0\nagain.avi,anna,b,4,1,0\n")
    assert len(list_sequences("manifest", tmp_path)) == 2
    with pytest.raises(
        DatasetError, match=r"sequences a and b of anna are of one video, again\.avi; with --unc"
    ):
        list_sequences("manifest", tmp_path, uncoded=1)


def declaring(path, frames, declared):
    """A video whose container declares other than it holds; 0: nothing."""
    film(path, frames)
    content, at = path.read_bytes(), path.read_bytes().index(b"\x44\x89\x88") + 3  # Matroska's duration
    length = struct.pack(">d", 1000 * declared / 25)
    path.write_bytes(content[:at] + length + content[at + 8 :])


@pytest.fixture
def account_of(tmp_path, monkeypatch):
    """The account of a manifest's only sequence."""
    monkeypatch.setattr("au_core.face.prepare.detector_identity", str)

    def prepare(lines, uncoded):
        (tmp_path / "manifest.csv").write_text(MANIFEST + lines)
        cfg = PreprocessConfig(size=32, uncoded=uncoded, detector="x")
        return prepare_sequence(first("manifest", tmp_path, uncoded=uncoded), lambda _: [], cfg, tmp_path)

    return prepare


@pytest.mark.parametrize("uncoded", [1, 7, 20, 49])
def test_a_container_that_declares_a_little_more_is_no_loss(tmp_path, account_of, uncoded):
    declaring(tmp_path / "a.mkv", 50, 52)
    status = account_of("a.mkv,anna,talk,3,1,0\n", uncoded)
    assert (status["status"], status["reason"], status["frames_lost"]) == ("ok", "", 0)
    assert status["frames_decoded"] == 1 + len(range(0, 49, uncoded))


@pytest.mark.parametrize("uncoded", [1, 20])
def test_of_a_truncated_video_is_told_how_long_it_is(tmp_path, account_of, uncoded):
    declaring(tmp_path / "a.mkv", 31, 52)
    status = account_of("a.mkv,anna,talk,3,1,0\n", uncoded)
    assert status["status"] == "partial"
    assert status["reason"] == "31 frames could be decoded of 52 declared; truncated?"


@pytest.mark.parametrize("uncoded", [0, 10])
def test_a_listed_frame_beyond_the_end_is_lost_though_nothing_is_coded(tmp_path, account_of, uncoded):
    film(tmp_path / "a.avi", 50)
    lines = "".join(f"a.avi,anna,talk,{frame},,\n" for frame in (48, 60, 99))
    status = account_of("a.avi,anna,talk,3,1,0\n" + lines, uncoded)
    assert (status["status"], status["frames_lost"], status["frames_coded"]) == ("partial", 2, 1)
    assert status["reason"] == "frames 60, 99: the video has 50"


@pytest.mark.parametrize("declared", [0, 1e9])
def test_a_video_that_tells_no_length_gives_frames_up_to_the_last_listed_one(tmp_path, account_of, declared):
    declaring(tmp_path / "a.mkv", 50, declared)
    status = account_of("a.mkv,anna,talk,3,1,0\na.mkv,anna,talk,30,1,0\n", 5)
    assert status["frames_decoded"] == 2 + len(range(0, 28, 5))
    assert status["reason"] == "uncoded frames up to 30, the last listed one: the video tells no length"


def test_a_video_that_cannot_be_opened_loses_the_frames_that_are_coded(tmp_path, account_of):
    (tmp_path / "a.avi").write_bytes(b"none")
    status = account_of("a.avi,anna,talk,3,1,0\na.avi,anna,talk,4,1,0\n", 5)
    assert (status["status"], status["frames_coded"], status["frames_lost"]) == ("failed", 2, 2)
    assert "these 4 bytes cannot be decoded" in status["reason"]


def test_a_manifest_of_pictures_has_no_other_frames(bp4d):
    picture = next(iter(read_rows(first("bp4d", bp4d)).pictures.values())).relative_to(bp4d)
    (bp4d / "manifest.csv").write_text(MANIFEST + f"{picture},anna,a,1,1,0\n")
    with pytest.raises(
        DatasetError, match="lists pictures alone; --uncoded takes the other frames of videos"
    ):
        list_sequences("manifest", bp4d, uncoded=1)


def test_of_a_task_that_nobody_coded_no_coded_frame_is_lost(bp4d, tmp_path):
    ref = first("bp4d", bp4d)
    (bp4d / ref.labels[0]).unlink()
    (bp4d / ref.landmarks).unlink()
    assert account(tmp_path, first("bp4d", bp4d, uncoded=1)) == [0, 0, 0, 0, 0, "failed"]


def account(tmp_path, ref):
    cfg = PreprocessConfig(size=32, uncoded=ref.uncoded)
    status = prepare_sequence(ref, None, cfg, tmp_path / "faces")
    names = ("frames_coded", "frames_decoded", "frames_lost", "faces_found", "faces_coded", "status")
    return [status[name] for name in names]


def test_the_account_keeps_coded_frames_apart(bp4d, tmp_path):
    uncode(bp4d / first("bp4d", bp4d).labels[0], 0, 2)
    ref = first("bp4d", bp4d, uncoded=1)
    assert account(tmp_path, ref) == [2, 4, 0, 4, 2, "ok"]
    pictures = sorted((bp4d / ref.source).iterdir(), key=lambda path: int(path.stem))
    pictures[0].write_bytes(b"none")
    pictures[1].write_bytes(b"none")
    assert account(tmp_path, ref) == [2, 2, 2, 2, 1, "partial"]
    assert account(tmp_path, first("bp4d", bp4d)) == [2, 1, 1, 1, 1, "partial"]
