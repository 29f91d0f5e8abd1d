"""The layouts, on trees of the twin bent into the shapes people have."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from au_core.config import PreprocessConfig
from au_core.data import layouts
from au_core.data.layouts import LAYOUTS
from au_core.data.layouts.tree import numbered_pictures
from au_core.data.layouts.videos import other_kinds
from au_core.data.readers import list_sequences, module_of, read_rows
from au_core.errors import ConfigError, DatasetError
from au_core.face.prepare import prepare_sequence


def assert_equal(a, b):
    np.testing.assert_array_equal(a.frames, b.frames)
    np.testing.assert_array_equal(a.codes, b.codes)
    np.testing.assert_allclose(a.points, b.points)


def test_bp4d_is_read_whatever_the_folders_are_called(bp4d, tmp_path):
    plain = read_rows(list_sequences("bp4d", bp4d)[0])
    assert len(list_sequences("bp4d", bp4d)) == 6 and plain.points.shape == (4, 3, 2)
    other = tmp_path / "other"
    (other / "BP4D-training").mkdir(parents=True)
    for subject in {ref.subject for ref in list_sequences("bp4d", bp4d)}:
        shutil.move(bp4d / subject, other / "BP4D-training" / subject)
    shutil.move(bp4d / "2DFeatures", other / "2dfeatures")
    shutil.move(bp4d / "AUCoding" / "AU_OCC", other / "AUCoding")
    assert_equal(read_rows(list_sequences("bp4d", other)[0]), plain)


def test_bp4d_pictures_are_found_by_number_and_csv_by_raw_task_number(bp4d):
    ref = list_sequences("bp4d", bp4d)[0]
    plain = read_rows(ref)
    for picture in (bp4d / ref.source).iterdir():
        picture.rename(picture.with_name(f"{int(picture.stem):07}.jpg"))
    label = bp4d / ref.labels[0]
    label.rename(label.with_name(f"{ref.subject}_01.csv"))
    again = [r for r in list_sequences("bp4d", bp4d) if (r.subject, r.sequence) == (ref.subject, "T1")]
    assert_equal(read_rows(again[0]), plain)


def test_disfa_is_read_whatever_the_letter_case(disfa):
    plain = read_rows(list_sequences("disfa", disfa)[0])
    assert plain.codes.shape == (4, 12) and plain.frames.tolist() == [1, 2, 3, 4]
    for film in (disfa / "Videos_LeftCamera").iterdir():
        film.rename(film.with_name(film.name.replace("_comp", "_Comp")))
    (disfa / "Videos_LeftCamera").rename(disfa / "Video_LeftCamera")
    assert_equal(read_rows(list_sequences("disfa", disfa)[0]), plain)


def test_disfa_landmarks_count_from_0_or_from_1(disfa):
    ref = list_sequences("disfa", disfa)[0]
    plain = read_rows(ref)
    for mat in sorted((disfa / ref.landmarks).rglob("*.mat")):
        mat.rename(mat.with_name(f"l{int(mat.stem.split('_')[1]) + 1:05}_lm.mat"))
    assert_equal(read_rows(ref), plain)


@pytest.mark.parametrize(("lines", "message"), [
    ("1,0\n2,0\n3,0\n", "has 3 lines but .* has 4"),
    ("1,0\n2,6\n3,0\n4,0\n", r"line 2: '2,6'; expected 2,<0 to 5>"),
    ("1,0\n3,0\n3,0\n4,0\n", r"line 2: '3,0'; expected 2"),
    ("", "the file is empty; expected lines such as 1,0"),
])  # fmt: skip
def test_a_damaged_disfa_label_file_is_named(disfa, lines, message):
    ref = list_sequences("disfa", disfa)[0]
    (disfa / ref.labels[3]).write_text(lines)
    with pytest.raises(DatasetError, match=message):
        read_rows(ref)


def test_videos_take_their_subject_from_the_first_folder(tmp_path):
    for name in ("anna/day 1/film.mp4", "anna/film.mp4", "loose.mov", "notes.txt", "anna/.hidden.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = {(ref.subject, ref.sequence) for ref in list_sequences("videos", tmp_path)}
    assert found == {("anna", "day 1/film.mp4"), ("anna", "film.mp4"), ("loose.mov", "loose.mov")}


def test_folders_that_are_links_are_entered_once(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "film.mp4").write_bytes(b"x")
    root = tmp_path / "videos"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "circle").symlink_to(root)
    (root / "link again").symlink_to(tmp_path / "elsewhere")
    (root / "nowhere.mp4").symlink_to(tmp_path / "gone.mp4")
    assert [ref.source for ref in list_sequences("videos", root)] == ["link/film.mp4", "nowhere.mp4"]


def test_what_cannot_be_read_is_listed_and_fails(tmp_path, monkeypatch):
    """It would else be missing without a word: a link to what was not fetched, a folder of someone else's."""
    (tmp_path / "a.mp4").write_bytes(b"x")
    (tmp_path / "b.mp4").symlink_to(tmp_path / "gone.mp4")
    (tmp_path / "closed").mkdir()

    def closed(read):
        def reading(path):  # root may read everything
            if Path(path).name == "closed":
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return read(path)

        return reading

    for read in (os.scandir, os.listdir):
        monkeypatch.setattr(os, read.__name__, closed(read))
    refs = list_sequences("videos", tmp_path)
    assert [ref.source for ref in refs] == ["a.mp4", "b.mp4", "closed"]
    nobody, cfg = lambda _: [], PreprocessConfig(detector=__file__)
    statuses = [prepare_sequence(ref, nobody, cfg, tmp_path / "faces") for ref in refs]
    assert [status["status"] for status in statuses] == ["failed"] * 3
    assert "b.mp4: no such file" in statuses[1]["reason"]
    assert "closed: a folder that cannot be read" in statuses[2]["reason"]
    assert other_kinds(tmp_path) == ""


def test_of_two_pictures_with_a_number_the_bare_one_is_taken(tmp_path):
    for name in ("732.jpg", "thumb_732.jpg", "._frame_733.jpg", "frame_733.jpg"):
        (tmp_path / name).touch()
    assert {n: path.name for n, path in numbered_pictures(tmp_path).items()} == {
        732: "732.jpg", 733: "frame_733.jpg",
    }  # fmt: skip
    (tmp_path / "0732.png").touch()
    with pytest.raises(DatasetError, match=r"732\.jpg: has the number of 0732\.png beside it; keep one"):
        numbered_pictures(tmp_path)


def test_every_layout_that_is_known_can_be_read():
    files = Path(layouts.__file__).parent.glob("[a-z]*.py")
    assert {path.stem for path in files} - {"tree", "columns", "table"} == {*LAYOUTS}
    assert all(module_of(name).list_sequences and module_of(name).read_rows for name in LAYOUTS)


@pytest.mark.parametrize("layout", ["bp4d", "disfa", "manifest", "videos"])
def test_missing_empty_and_other_folders_say_what_was_expected(layout, tmp_path):
    with pytest.raises(
        DatasetError, match=f"no such file or folder; expected a dataset in the {layout} layout"
    ):
        list_sequences(layout, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=f"the folder is empty; expected a dataset in the {layout} layout"):
        list_sequences(layout, tmp_path / "empty")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("hello")
    with pytest.raises(DatasetError, match="expected"):
        list_sequences(layout, tmp_path / "other")


def test_a_bp4d_folder_is_no_disfa_folder(bp4d):
    with pytest.raises(
        DatasetError, match=r"not the disfa layout; found 2DFeatures, AUCoding, .*; expected V"
    ):
        list_sequences("disfa", bp4d)


def test_an_unknown_layout_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="unknown layout 'gft'; expected one of bp4d"):
        list_sequences("gft", tmp_path)


@pytest.mark.parametrize(
    ("layout", "names"),
    [
        ("disfa", {"camera"}),
        ("lists", {"dataset"}),
        ("bp4d", {"uncoded"}),
        ("manifest", {"base", "uncoded"}),
    ],
)
def test_a_choice_reaches_its_layout_by_name(tmp_path, monkeypatch, layout, names):
    """By its place alone, a layout that takes something else first would take it for that."""
    (tmp_path / "a file").touch()
    given = {}
    monkeypatch.setattr(module_of(layout), "list_sequences", lambda root, **asked: given.update(asked) or [])
    choices = {"camera": "right", "dataset": "DISFA", "uncoded": 3}
    choices |= {"base": tmp_path} if "base" in names else {}
    list_sequences(layout, tmp_path, **choices)
    assert given == {name: choices[name] for name in names}
