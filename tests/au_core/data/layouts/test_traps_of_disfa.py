"""What lies in wait in copies of DISFA: each trap set on purpose in a healthy tree."""

import shutil

import cv2
import numpy as np
import pytest

from au_core.aus import UNKNOWN
from au_core.data.layouts.disfa import bad_frames
from au_core.data.readers import list_sequences, read_rows
from au_core.data.video import decode
from au_core.errors import DatasetError
from tests.au_core.data.trees import bend_to_disfa_plus, content, first, pixels, same


def test_the_camera_is_a_choice(disfa):
    plain = content(read_rows(first("disfa", disfa)))
    right = disfa / "Video_RightCamera"
    right.mkdir()
    for film in (disfa / "Videos_LeftCamera").iterdir():
        shutil.copy(film, right / film.name.replace("Left", "Right").replace("_comp", "_Comp"))
    refs = [first("disfa", disfa), first("disfa", disfa, camera="right")]
    assert [ref.sequence for ref in refs] == ["left", "right"]
    assert "LeftVideo" in refs[0].source and "RightVideo" in refs[1].source
    assert refs[1].landmarks is None, "they are the left camera's"
    np.testing.assert_allclose(pixels(read_rows(refs[1])), plain[2], atol=1)
    shutil.rmtree(right)
    with pytest.raises(DatasetError, match="no folder of the right camera; --camera left is there"):
        list_sequences("disfa", disfa, camera="right")


@pytest.mark.parametrize("name", ["{0}.png", "{1}.png", "{1:04}.jpg", "frame_{1}.png"])
def test_disfa_as_pictures_counts_from_0_or_1(disfa, name):
    ref = first("disfa", disfa)
    plain = read_rows(ref)
    folder = disfa / "img" / ref.subject
    folder.mkdir(parents=True)
    for i, (_, image, _) in enumerate(decode(plain)):
        cv2.imwrite(str(folder / name.format(i, i + 1)), image)
    before = content(plain)
    shutil.rmtree(disfa / "Videos_LeftCamera")
    same(read_rows(first("disfa", disfa)), before)


@pytest.mark.parametrize("originals", ["Images", "."])
def test_cropped_copies_of_disfa_are_refused_not_taken(disfa, originals):
    for ref in list_sequences("disfa", disfa):
        for top in {originals, "cropped"}:
            (disfa / top / ref.subject).mkdir(parents=True)
            (disfa / top / ref.subject / "0.png").touch()
    shutil.rmtree(disfa / "Videos_LeftCamera")
    message = r"SN001 and .*SN001: two sources of SN001, of which one may be a copy \(cropped, .*; keep one"
    with pytest.raises(DatasetError, match=message) as refused:
        list_sequences("disfa", disfa)
    assert all(str(disfa / top / "SN001") in str(refused.value) for top in (originals, "cropped"))
    (disfa / "cropped").rename(disfa.parent / "cropped")
    (disfa / "link").symlink_to(disfa / originals)
    assert {(disfa / ref.source).parent for ref in list_sequences("disfa", disfa)} == {disfa / originals}


@pytest.mark.parametrize("name", ["{}_comp.csv", "{}_comp.txt", "{}_comp.hog"])
def test_what_openface_wrote_beside_a_disfa_video_is_not_taken_for_it(disfa, name):
    plain = list_sequences("disfa", disfa)
    for ref in plain:
        (disfa / "Videos_LeftCamera" / name.format(f"LeftVideo{ref.subject}")).touch()
    assert list_sequences("disfa", disfa) == plain


@pytest.mark.parametrize("name", ["LeftVideoSN001_comp.mp4", "SN001"])
def test_two_videos_of_one_person_of_disfa_are_refused(disfa, name):
    """A video encoded anew may have other frames, and the last by name would win."""
    folder = disfa / "Videos_LeftCamera"
    if name == "SN001":
        (folder / name).mkdir()
        assert list_sequences("disfa", disfa), "an empty folder is no source"
        (folder / name / "0.png").touch()
    else:
        shutil.copy(folder / "LeftVideoSN001_comp.avi", folder / name)
    message = rf"LeftVideoSN001_comp\.avi and .*{name}: two sources of SN001, .*encoded anew.*; keep one"
    with pytest.raises(DatasetError, match=message):
        list_sequences("disfa", disfa)


def marks_of(root, ref):
    return sorted((root / ref.landmarks).rglob("*.mat"))


def test_the_missing_landmark_file_is_one_frame_without_landmarks(disfa):
    ref = first("disfa", disfa)
    plain = read_rows(ref)
    marks_of(disfa, ref)[2].unlink()
    rows = read_rows(ref)
    assert np.isnan(rows.points[2]).all() and rows.remarks == ("1 frames without landmarks",)
    np.testing.assert_allclose(rows.points[[0, 1, 3]], plain.points[[0, 1, 3]])


def test_of_one_landmark_file_too_many_the_first_is_dropped(disfa):
    ref = first("disfa", disfa)
    plain = content(read_rows(ref))
    for mat in reversed(marks_of(disfa, ref)):
        mat.rename(mat.with_name(f"l{int(mat.stem.split('_')[1]) + 2:05}_lm.mat"))
    shutil.copy(marks_of(disfa, ref)[-1], marks_of(disfa, ref)[0].with_name("l00001_lm.mat"))
    rows = read_rows(ref)
    same(rows, plain)
    assert rows.remarks == ("1 landmark files more than frames",)


def test_a_subject_with_a_line_less_has_a_frame_less(disfa):
    ref = first("disfa", disfa)
    for label in ref.labels:
        text = (disfa / label).read_text().splitlines()
        (disfa / label).write_text("\n".join(text[:3]) + "\n")
    assert read_rows(ref).frames.tolist() == [1, 2, 3] and len(pixels(read_rows(ref))) == 3


def test_the_wrong_landmarks_are_those_the_field_leaves_out():
    subjects = [f"SN{i:03}" for i in range(1, 33)]
    assert sum(len(bad_frames(subject)) for subject in subjects) == 4670
    assert sum(bool(bad_frames(subject)) for subject in subjects) == 13
    assert len(bad_frames("SN021")) == 3052 and bad_frames("SN029") == list(range(4090, 4544))


def test_disfa_plus_is_read_by_picture_names(bp4d):
    plain = bend_to_disfa_plus(bp4d)
    ref = first("disfa_plus", bp4d)
    rows = read_rows(ref)
    assert (ref.subject, ref.sequence, rows.kind) == ("SN001", "A1_AU1_TrailNo_1", "intensity")
    assert rows.frames.tolist() == [0, 1, 2, 3] and rows.codes[:, rows.aus.index(12)].tolist() == [5, 4, 0, 0]
    assert (rows.codes[:, rows.aus.index(4)] == -1).all(), "no file, not coded"
    np.testing.assert_allclose(pixels(rows), pixels(plain))
    label = bp4d / ref.labels[1]
    label.write_text(label.read_text().replace("001.jpg     4\n", ""))
    with pytest.raises(DatasetError, match=r"AU12.txt lists other pictures"):
        read_rows(ref)
    label.write_text("000.jpg 0\n001.jpg 7\n")
    with pytest.raises(DatasetError, match=r"'001.jpg 7' or a picture listed twice"):
        read_rows(ref)


def test_aus_beside_the_benchmarks_may_lack_their_label_files(disfa):
    plain = read_rows(first("disfa", disfa))
    for au in (5, 20):
        (disfa / "ActionUnit_Labels" / "SN001" / f"SN001_au{au}.txt").unlink()
    rows = read_rows(first("disfa", disfa))
    assert "no label file of AU 5, 20" in rows.remarks
    lacking = np.isin(rows.aus, (5, 20))
    assert (rows.codes[:, lacking] == UNKNOWN).all()
    np.testing.assert_array_equal(rows.codes[:, ~lacking], plain.codes[:, ~lacking])
    (disfa / "ActionUnit_Labels" / "SN001" / "SN001_au9.txt").unlink()
    with pytest.raises(DatasetError, match=r"SN001_au9.txt: no readable label file"):
        read_rows(first("disfa", disfa))
