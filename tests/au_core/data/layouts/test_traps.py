"""Every trap of the real trees, on trees of the twin bent into them: what is read must stay the same."""

import shutil

import cv2
import h5py
import numpy as np
import pytest

from au_core.data.readers import list_sequences, read_rows
from au_core.data.video import decode
from au_core.errors import DatasetError
from tests.au_core.data.trees import bend_to_plus, content, first, pixels, same


def test_intensities_beside_occurrence_are_not_taken_for_it(bp4d):
    plain = content(read_rows(first("bp4d", bp4d)))
    folder = bp4d / "AUCoding" / "AU_INT" / "AU06"
    folder.mkdir(parents=True)
    (folder / "F001_T1_AU06.csv").write_text("1,5\n2,5\n")
    (bp4d / "AUCoding" / "AU-Intensity-Codes3.0").mkdir()
    assert len(list_sequences("bp4d", bp4d)) == 6
    same(read_rows(first("bp4d", bp4d)), plain)


def test_a_header_may_say_au_before_the_numbers(bp4d):
    ref = first("bp4d", bp4d)
    plain, label = read_rows(ref), bp4d / ref.labels[0]
    header, *lines = label.read_text().splitlines()
    for word in ("AU", "au0"):
        frame, *numbers = header.split(",")
        label.write_text("\n".join([",".join([frame, *(f"{word}{number}" for number in numbers)]), *lines]))
        np.testing.assert_array_equal(read_rows(ref).codes, plain.codes)


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


def bend_to_videos(bp4d, first_label=1):
    """The first sequence as 2F01_T1.avi, its labels from ``first_label`` on; the other pictures go."""
    ref = first("bp4d", bp4d)
    plain, label = read_rows(ref), bp4d / ref.labels[0]
    header, *lines = label.read_text().splitlines()
    label.write_text(
        "\n".join([header, *(f"{i},{line.split(',', 1)[1]}" for i, line in enumerate(lines, first_label))])
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
    return before


@pytest.mark.parametrize("layout", ["bp4d", "bp4d_plus"])
def test_bp4d_as_videos_counts_frames_from_1(bp4d, layout):
    before = bend_to_videos(bp4d)
    rows = read_rows(first(layout, bp4d))
    same(rows, before)
    assert rows.video is not None and rows.frames.tolist() == [1, 2, 3, 4]


def test_landmarks_of_another_length_than_the_video_are_refused_and_not_shifted(bp4d):
    codes, points, _ = bend_to_videos(bp4d, first_label=3)
    rows = read_rows(first("bp4d", bp4d))
    assert rows.frames.tolist() == [3, 4, 5, 6] and (rows.codes == codes).all()
    np.testing.assert_allclose(rows.points[:2], points[2:])
    assert np.isnan(rows.points[2:]).all(), "the video has four frames"
    with h5py.File(bp4d / "2DFeatures" / "F001_T1.mat", "a") as file:
        references = file["fit/pred"][:3]
        del file["fit/pred"]
        file["fit/pred"] = references
    with pytest.raises(DatasetError, match="landmarks of 3 frames for 4 pictures up to number 4"):
        read_rows(first("bp4d", bp4d))


def test_two_label_files_of_one_bp4d_sequence_are_refused(bp4d):
    label = bp4d / first("bp4d", bp4d).labels[0]
    again = label.with_name("F001_01.csv")
    again.symlink_to(label)
    before = list_sequences("bp4d", bp4d)
    assert len(before) == 6, "a link is no second one"
    again.unlink()
    again.write_text(label.read_text().replace(",1", ",0"))
    with pytest.raises(
        DatasetError, match=r"F001_01.csv and .*F001_T1.csv: two sources of F001_T1, whose codes"
    ):
        list_sequences("bp4d", bp4d)


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
