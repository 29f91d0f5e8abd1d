"""Every trap of the real trees, on trees of the twin bent into them: what is read must stay the same."""

import shutil

import cv2
import numpy as np
import pytest

from au_core.data.layouts.disfa import bad_frames
from au_core.data.readers import list_sequences, read_rows
from au_core.data.video import decode
from au_core.errors import DatasetError
from tests.au_core.data.trees import BP4D, DISFA, bend_to_disfa_plus, bend_to_plus, draw, first, pixels


@pytest.fixture
def bp4d(tmp_path):
    return draw(BP4D, tmp_path / "data")


@pytest.fixture
def disfa(tmp_path):
    return draw(DISFA, tmp_path / "data")


def content(rows):
    """What must not change: codes, points, and the pictures in their order."""
    return rows.codes, rows.points, pixels(rows)


def same(rows, before):
    codes, points, values = before
    np.testing.assert_array_equal(rows.codes, codes)
    np.testing.assert_allclose(rows.points, points)
    found = np.array(pixels(rows))
    np.testing.assert_allclose(found, values, atol=2)  # a video's colours differ a little from a picture's
    np.testing.assert_allclose(found - found.mean(), values - np.mean(values), atol=0.05)  # frames do more


def test_intensities_beside_occurrence_are_not_taken_for_it(bp4d):
    plain = content(read_rows(first("bp4d", bp4d)))
    folder = bp4d / "AUCoding" / "AU_INT" / "AU06"
    folder.mkdir(parents=True)
    (folder / "F001_T1_AU06.csv").write_text("1,5\n2,5\n")
    (bp4d / "AUCoding" / "AU-Intensity-Codes3.0").mkdir()
    assert len(list_sequences("bp4d", bp4d)) == 6
    same(read_rows(first("bp4d", bp4d)), plain)


def test_code_9_is_unknown_and_never_a_label(bp4d):
    ref = first("bp4d", bp4d)
    label = bp4d / ref.labels[0]
    header, line, *rest = label.read_text().splitlines()
    cells = line.split(",")
    cells[12] = "9"
    label.write_text("\n".join([header, ",".join(cells), *rest]))
    rows = read_rows(ref)
    assert rows.codes[0, rows.aus.index(12)] == -1 and rows.codes.max() == 1


def test_landmarks_of_another_length_are_refused_and_not_shifted(bp4d):
    ref = first("bp4d", bp4d)
    plain = read_rows(ref)
    lowest = min(plain.pictures)
    extra = bp4d / ref.source / f"{lowest - 1}.jpg"
    shutil.copy(plain.pictures[lowest], extra)
    with pytest.raises(DatasetError, match="landmarks of 4 frames for 5 pictures"):
        read_rows(ref)


@pytest.mark.parametrize("lost", [[0], [1], [3], [0, 2]])
def test_a_missing_picture_is_one_frame_and_its_landmarks_shift_no_other(bp4d, lost):
    ref = first("bp4d", bp4d)
    plain = read_rows(ref)
    for i in lost:
        plain.pictures[int(plain.frames[i])].unlink()
    rows = read_rows(ref)
    np.testing.assert_allclose(rows.points, plain.points)
    assert [i for i, value in enumerate(pixels(rows)) if value is None] == lost


def test_landmarks_that_fit_two_ways_of_counting_are_refused(bp4d):
    ref = first("bp4d", bp4d)
    label, plain = bp4d / ref.labels[0], read_rows(ref)
    header, *lines = label.read_text().splitlines()
    label.write_text(
        "\n".join([header, *(f"{i},{line.split(',', 1)[1]}" for i, line in enumerate(lines, 3))])
    )
    for i, frame in enumerate(plain.frames.tolist(), 3):  # 3 to 6, coded; 4 entries: for 3-6, or for 1-4?
        plain.pictures[frame].rename(bp4d / ref.source / f"{i}.jpg")
    for i in (5, 6):
        (bp4d / ref.source / f"{i}.jpg").unlink()
    with pytest.raises(DatasetError, match="landmarks of 4 frames for 2 pictures up to number 4"):
        read_rows(ref)


def test_bp4d_as_videos_counts_frames_from_1(bp4d):
    ref = first("bp4d", bp4d)
    plain, label = read_rows(ref), bp4d / ref.labels[0]
    header, *lines = label.read_text().splitlines()
    label.write_text(
        "\n".join([header, *(f"{i},{line.split(',', 1)[1]}" for i, line in enumerate(lines, 1))])
    )
    (bp4d / "Video").mkdir()
    film = cv2.VideoWriter(
        str(bp4d / "Video" / "2F01_T1.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (256, 256)
    )
    for _, image, _ in decode(plain):
        film.write(image)
    film.release()
    before = content(plain)
    for person in {ref.subject for ref in list_sequences("bp4d", bp4d)}:
        shutil.rmtree(bp4d / person)
    rows = read_rows(first("bp4d", bp4d))
    same(rows, before)
    assert rows.video is not None and rows.frames.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("first_picture", [0, 1])
def test_bp4d_plus_counts_labels_from_1_and_pictures_from_0(bp4d, first_picture):
    plain = content(read_rows(first("bp4d", bp4d)))
    bend_to_plus(bp4d, first_picture)
    ref = first("bp4d_plus", bp4d)
    rows = read_rows(ref)
    same(rows, plain)
    assert rows.frames.tolist() == [1, 2, 3, 4] and ref.dataset == "BP4D+"


@pytest.mark.parametrize(("first_picture", "first_label", "remark"), [
    (486, 486, "the lowest picture is 486; taken as counted like the labels"),
    (485, 486, "the lowest picture is 485; taken as counted from 0"),
    (0, 1, None), (1, 1, None), (0, 0, None),
])  # fmt: skip
def test_bp4d_plus_pictures_that_begin_with_the_labels_are_not_shifted(
    bp4d, first_picture, first_label, remark
):
    plain = content(read_rows(first("bp4d", bp4d)))
    bend_to_plus(bp4d, first_picture)
    ref = first("bp4d_plus", bp4d)
    label = bp4d / ref.labels[0]
    header, *lines = label.read_text().splitlines()
    rest = [line.split(",", 1)[1] for line in lines]
    label.write_text("\n".join([header, *(f"{i},{line}" for i, line in enumerate(rest, first_label))]))
    rows = read_rows(ref)
    same(rows, plain)
    assert rows.remarks == ((remark,) if remark else ())


@pytest.mark.parametrize("layout", ["bp4d", "bp4d_plus"])
def test_cropped_copies_beside_the_originals_are_refused_not_taken(bp4d, layout):
    """The alphabet would choose: BP4D-cropped comes before BP4D-training, and landmarks are of the latter."""
    (bp4d / "BP4D-training").mkdir()
    for person in {ref.subject for ref in list_sequences("bp4d", bp4d)}:
        shutil.move(bp4d / person, bp4d / "BP4D-training" / person)
    (bp4d / ".trash" / "F001").mkdir(parents=True)
    shutil.copytree(bp4d / "BP4D-training" / "F001" / "T1", bp4d / ".trash" / "F001" / "T1")
    (bp4d / "pictures").symlink_to(bp4d / "BP4D-training")  # the same ones
    before = list_sequences(layout, bp4d)
    assert before[0].source == "BP4D-training/F001/T1"
    shutil.copytree(bp4d / "BP4D-training", bp4d / "BP4D-cropped")
    message = r"BP4D-cropped/F001 and .*BP4D-training/F001: two sources of F001, .*; keep one, or"
    with pytest.raises(DatasetError, match=message):
        list_sequences(layout, bp4d)
    (bp4d / "BP4D-cropped").rename(bp4d.parent / "BP4D-cropped")
    assert list_sequences(layout, bp4d) == before


def test_people_in_several_folders_are_all_found(bp4d, disfa):
    before = list_sequences("bp4d", bp4d)
    for person in {ref.subject for ref in before}:
        (bp4d / person[0]).mkdir(exist_ok=True)
        shutil.move(bp4d / person, bp4d / person[0] / person)
    assert [f"{ref.subject[0]}/{ref.source}" for ref in before] == [
        ref.source for ref in list_sequences("bp4d", bp4d)
    ]
    people = [ref.subject for ref in list_sequences("disfa", disfa)]
    shutil.rmtree(disfa / "Videos_LeftCamera")
    for disk, person in enumerate(people):
        (disfa / f"disk{disk}" / person).mkdir(parents=True)
        (disfa / f"disk{disk}" / person / "0.png").touch()
    found = [ref.source for ref in list_sequences("disfa", disfa)]
    assert found == [f"disk{disk}/{person}" for disk, person in enumerate(people)]


def test_bp4d_plus_thermal_pictures_are_no_second_source(bp4d):
    bend_to_plus(bp4d, 0)
    before = list_sequences("bp4d_plus", bp4d)
    shutil.copytree(bp4d / "2D+3D", bp4d / "Thermal")
    assert list_sequences("bp4d_plus", bp4d) == before


@pytest.mark.parametrize("other", ["copies/2F01_T1.avi", "2F01_T1.mp4"])
def test_two_videos_of_one_bp4d_sequence_are_refused(bp4d, other):
    for person in {ref.subject for ref in list_sequences("bp4d", bp4d)}:
        shutil.rmtree(bp4d / person)
    (bp4d / "2F01_T1.avi").touch()
    assert first("bp4d", bp4d).source == "2F01_T1.avi"
    (bp4d / other).parent.mkdir(exist_ok=True)
    (bp4d / other).touch()
    with pytest.raises(DatasetError, match=r"2F01_T1.* and .*2F01_T1.*: two sources of 2F01_T1, of which"):
        list_sequences("bp4d", bp4d)


def test_bp4d_plus_of_unequal_lengths_lists_what_is_missing_and_zips_are_named(bp4d):
    bend_to_plus(bp4d, 0)
    ref = first("bp4d_plus", bp4d)
    plain, label = read_rows(ref), bp4d / ref.labels[0]
    (bp4d / ref.source / "0003.jpg").unlink()
    np.testing.assert_allclose(read_rows(ref).points, plain.points)
    text = label.read_text()
    label.write_text("\n".join(text.splitlines()[:-1]))
    with pytest.raises(DatasetError, match="landmarks of 4 frames for 3 pictures"):
        read_rows(ref)
    label.write_text(text)
    shutil.rmtree(bp4d / "2DFeatures")
    assert [value is None for value in pixels(read_rows(first("bp4d_plus", bp4d)))] == [False] * 3 + [True]
    for person in (bp4d / "2D+3D").iterdir():
        shutil.rmtree(person)
        person.with_suffix(".zip").write_bytes(b"PK")
    with pytest.raises(DatasetError, match=r"F001.zip: the pictures are still packed; unpack"):
        list_sequences("bp4d_plus", bp4d)


def test_bp4d_plus_says_what_it_expects_and_what_is_still_packed(bp4d):
    bend_to_plus(bp4d, 0)
    ref = first("bp4d_plus", bp4d)
    shutil.rmtree(bp4d / ref.source)
    with pytest.raises(DatasetError, match=r"T1: no numbered picture; expected such as 0000\.jpg$"):
        read_rows(ref)
    shutil.rmtree((bp4d / ref.source).parent)
    (bp4d / "2D+3D" / f"{ref.subject}.zip").write_bytes(b"PK")
    with pytest.raises(DatasetError, match=f"such as 0000.jpg; {ref.subject}.zip is still packed, unpack it"):
        read_rows(first("bp4d_plus", bp4d))
    shutil.rmtree(bp4d / "AUCoding")
    with pytest.raises(
        DatasetError, match=r"not the bp4d_plus layout; .* expected 2D\+3D/F001/T1/0000.jpg and"
    ):
        list_sequences("bp4d_plus", bp4d)


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
