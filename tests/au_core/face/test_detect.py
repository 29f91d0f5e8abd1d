import cv2
import numpy as np
import pytest

from au_core.config import PreprocessConfig
from au_core.errors import FaceError
from au_core.face.detect import Detection, load_detector
from au_core.face.track import LARGEST, Tracker


@pytest.fixture
def astronaut(shared):
    return cv2.imread(str(shared / "real_faces" / "astronaut.png"))


def test_the_face_is_found_with_its_points(yunet, astronaut):
    (face,) = load_detector(PreprocessConfig(detector=str(yunet)))(astronaut)
    left, right, mouth = face.points
    assert left[0] < mouth[0] < right[0] and mouth[1] > max(left[1], right[1]) + 20
    x, y, w, h = face.box
    assert all(x < px < x + w and y < py < y + h for px, py in face.points) and face.confidence > 0.9


def test_points_are_in_source_pixels_whatever_size_is_searched(yunet, astronaut):
    big = cv2.resize(astronaut, None, fx=3, fy=3)
    (small,) = load_detector(PreprocessConfig(detector=str(yunet)))(astronaut)
    (large,) = load_detector(PreprocessConfig(detector=str(yunet), detect_side=320))(big)
    np.testing.assert_allclose(large.points / 3, small.points, atol=4)


def test_the_main_face_comes_first(yunet, astronaut):
    both = np.concatenate([cv2.resize(astronaut, None, fx=0.4, fy=0.4)] * 2)
    both = cv2.copyMakeBorder(both, 0, astronaut.shape[0] - both.shape[0], 0, 0, cv2.BORDER_CONSTANT)
    faces = load_detector(PreprocessConfig(detector=str(yunet)))(np.concatenate([both, astronaut], 1))
    assert len(faces) == 3 and faces[0].box[2] > 1.5 * faces[1].box[2]


def test_no_face_is_an_empty_list(yunet):
    assert load_detector(PreprocessConfig(detector=str(yunet)))(np.zeros((90, 120, 3), np.uint8)) == []


def test_what_is_no_model_is_named(tmp_path):
    with pytest.raises(FaceError, match=r"no such file; expected 'dataset', 'yunet', or the path"):
        load_detector(PreprocessConfig(detector=str(tmp_path / "none.onnx")))
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(FaceError, match=r"broken.onnx: OpenCV cannot use it as a YuNet model"):
        load_detector(PreprocessConfig(detector=str(tmp_path / "broken.onnx")))


def test_where_there_are_no_landmark_files_dataset_is_not_what_is_expected():
    with pytest.raises(
        FaceError, match=r"detector 'dataset': .* video alone does not have; expected 'yunet', or"
    ):
        load_detector(PreprocessConfig(detector="dataset"))


def at(x: float, width: float = 50) -> Detection:
    return Detection(np.array([x, 20, width, width], np.float32), np.zeros((3, 2), np.float32), 0.9)


def test_ids_stay_with_people_whatever_the_order_of_detections():
    tracker = Tracker()
    assert tracker.update([at(10), at(300)]) == [0, 1]
    assert tracker.update([at(310), at(20)]) == [1, 0]
    assert tracker.update([at(320)]) == [1], "one is out of sight"
    assert tracker.update([at(330), at(25), at(600)]) == [1, 0, 2]


def test_a_face_far_away_or_of_another_size_is_another_person():
    tracker = Tracker()
    assert [tracker.update([face]) for face in (at(10), at(200), at(205, 140))] == [[0], [1], [2]]


def test_numbers_of_a_crowd_fit_their_column():
    tracker = Tracker()
    tracker.next_id = LARGEST
    faces = [
        Detection(np.array([x, 0, 10, 10], np.float32), np.zeros((3, 2), np.float32), 0.9) for x in (0, 900)
    ]
    assert tracker.update(faces) == [LARGEST, 1]
