import shutil
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from au_core.config import PreprocessConfig
from au_core.data.layouts.videos import is_series, other_kinds
from au_core.data.provenance import content_hash, signature
from au_core.data.readers import list_sequences, read_rows
from au_core.data.schema import shard_path
from au_core.errors import DatasetError
from au_core.face.prepare import prepare_sequence

CFG = PreprocessConfig(detector=__file__)


def nobody(image):
    return []


def draw(folder, *names):
    """Small pictures, each of its own grey."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((32, 32, 3), 40 + 9 * i, np.uint8))


def named(root):
    """What is listed: subject, sequence and the source below ``root``."""
    refs = list_sequences("videos", root)
    return [(ref.subject, ref.sequence, str(Path(ref.root, ref.source).relative_to(root))) for ref in refs]


def test_files_of_other_kinds_are_counted_not_lost_silently(tmp_path):
    for name in ("a.mp4", "b.heic", "c.HEIC", "no_ending", ".hidden/x.heic", "deep/d.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert other_kinds(tmp_path) == "4 files of other kinds (.heic 2, .wav 1, no ending 1)"
    assert other_kinds(tmp_path / "a.mp4") == ""


@pytest.mark.parametrize(("names", "series"), [
    ("0001.jpg 0002.jpg 0003.jpg", True),
    ("9.png 10.png 11.png", True),
    ("frame_0.png frame_5.png frame_10.png", True),
    ("clip.2.take_008.JPG clip.2.take_009.jpg clip.2.take_010.jpg", True),
    ("1.jpg 2.jpg 3.jpg 40.jpg 41.jpg 42.jpg", True),
    ("0001.jpg 001.jpg 0002.jpg 0003.jpg", False),
    ("0001.jpg 0002.jpg", False),
    ("0001.jpg 0002.jpg 0003.jpg cover.jpg", False),
    ("0001.jpg 0002.jpg 0003.jpg thumb_0003.jpg", False),
    ("0001.jpg 0002.jpg 0003.jpg 0003.png", False),
    ("a_0001.jpg b_0002.jpg c_0003.jpg", False),
    ("anna.jpg bert.jpg cora.jpg", False),
    ("12.jpg 503.jpg 99313.jpg 99400.jpg", False),
    ("1.jpg 01.jpg 001.jpg", False),
    ("1700000000001.jpg 1700000000002.jpg 1700000000003.jpg", False),
])  # fmt: skip
def test_frames_of_a_video_are_told_from_an_album_by_their_names(names, series):
    assert is_series(names.split()) is series


def test_a_folder_of_numbered_pictures_is_one_sequence_named_after_it(tmp_path):
    root = tmp_path / "films"
    numbers = [f"{i:04}.jpg" for i in range(1, 5)]
    for place in ("clip", "deep/cam 1", ".hidden"):
        draw(root / place, *numbers, "._0001.jpg")
    draw(root / "album", "anna.jpg", *numbers[:2])
    for name in ("clip.mp4", "clip/own.mp4", "clip/notes.txt"):
        (root / name).touch()
    assert named(root) == [
        ("album", "0001.jpg", "album/0001.jpg"),
        ("album", "0002.jpg", "album/0002.jpg"),
        ("album", "anna.jpg", "album/anna.jpg"),
        ("clip", "clip", "clip"),
        ("clip", "own.mp4", "clip/own.mp4"),
        ("clip.mp4", "clip.mp4", "clip.mp4"),
        ("deep", "cam 1", "deep/cam 1"),
    ]
    (tmp_path / "link").symlink_to(root / "clip")
    for folder in (root / "clip", tmp_path / "link"):
        (ref,) = [ref for ref in list_sequences("videos", folder) if not ref.source.endswith("mp4")]
        assert (ref.subject, ref.sequence, ref.source, ref.root) == ("clip", "clip", "clip", str(root))
    (alone,) = list_sequences("videos", root / "clip" / "0002.jpg")
    assert (alone.subject, alone.source) == ("0002.jpg", "0002.jpg")


def test_two_sequences_of_one_name_are_refused(tmp_path):
    for place in ("anna", "anna/anna"):
        draw(tmp_path / place, "1.jpg", "2.jpg", "3.jpg")
    with pytest.raises(DatasetError, match=r"anna and .*anna/anna: both would be called anna; rename one"):
        list_sequences("videos", tmp_path)


def test_of_a_series_each_picture_is_a_frame_and_lost_ones_are_named(tmp_path):
    draw(tmp_path / "in" / "clip", *(f"f_{i}.png" for i in (2, 3, 4, 5, 7)))
    (tmp_path / "in" / "clip" / "f_3.png").write_bytes(b"no picture")
    (tmp_path / "in" / "clip" / "f_4.png").write_bytes(b"")
    (tmp_path / "in" / "clip" / "f_6.png").symlink_to("gone.png")
    (ref,) = list_sequences("videos", tmp_path / "in")
    rows = read_rows(ref)
    assert rows.frames.tolist() == [2, 3, 4, 5, 6, 7] and rows.codes.shape == (6, 0) and rows.video is None
    status = prepare_sequence(ref, nobody, CFG, tmp_path / "faces")
    counts = [status[f"frames_{name}"] for name in ("coded", "decoded", "lost")]
    assert status["status"] == "partial" and counts == [0, 3, 3]
    assert status["reason"] == "frames 6 have no picture file; frames 3-4 could not be decoded"
    shard = pq.read_table(shard_path(tmp_path / "faces", ref))
    assert shard["frame"].to_pylist() == [2, 5, 7] and shard["timestamp"].null_count == 3


def test_a_series_is_known_by_all_its_pictures(tmp_path):
    draw(tmp_path / "in" / "clip", "1.png", "2.png", "3.png")
    (ref,) = list_sequences("videos", tmp_path / "in")
    before, digest = signature(ref), content_hash(ref)
    shutil.copytree(tmp_path / "in", tmp_path / "copy")
    assert content_hash(list_sequences("videos", tmp_path / "copy")[0]) == digest
    draw(tmp_path / "in" / "clip", "4.png")
    assert signature(ref) != before and content_hash(ref) != digest
