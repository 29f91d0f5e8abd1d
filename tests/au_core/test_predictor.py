import cv2
import numpy as np
import pytest

from au_core.aus import BP4D
from au_core.data.video import video_frames
from au_core.errors import FaceError
from au_core.predictor import Predictor


@pytest.fixture(scope="module")
def predictor(model, shared) -> Predictor:
    return Predictor(model, shared / "models" / "face_detection_yunet_2023mar.onnx")


def test_a_picture_in_and_its_faces_with_their_action_units_out(predictor, shared):
    (face,) = predictor(cv2.imread(str(shared / "real_faces" / "astronaut.png")))
    assert face.face_id == 0 and face.detection.confidence > 0.6
    assert tuple(face.probability) == tuple(face.active) == BP4D.columns
    assert face.probability["AU06"] == face.prob[BP4D.columns.index("AU06")] > 0
    assert face.active["AU12"] is True and face.active["AU01"] is False


def test_no_face_is_no_answer(predictor):
    assert predictor(np.zeros((240, 320, 3), np.uint8)) == []


def test_a_video_gives_every_frame_and_keeps_people_apart(predictor, shared):
    clip = shared / "real_faces" / "face-demographics-walking.gif"
    images, faces = zip(*predictor.video(video_frames(clip)), strict=True)
    assert len(images) == len(faces) > 32, "more than one batch"
    assert {face.face_id for found in faces for face in found} == {0, 1}
    alone = predictor(images[0])
    assert [face.detection.confidence for face in alone] == [face.detection.confidence for face in faces[0]]
    np.testing.assert_allclose(
        [face.prob for face in alone], [face.prob for face in faces[0]], atol=1e-5, err_msg="batch by batch"
    )


@pytest.mark.parametrize(
    ("image", "came"),
    [
        (None, "got None, as cv2.imread gives"),
        ("picture.jpg", "got <class 'str'>"),
        (np.zeros((8, 8, 3)), r"got float64\[8, 8, 3\]"),
        (np.zeros((8, 8, 3), np.uint16), r"got uint16\[8, 8, 3\]"),
        (np.zeros((8, 8), np.uint8), r"got uint8\[8, 8\]"),
        (np.zeros((3, 8, 8), np.uint8), r"got uint8\[3, 8, 8\]"),
        (np.zeros((0, 8, 3), np.uint8), r"got uint8\[0, 8, 3\]"),
    ],
)
def test_what_is_no_picture_is_told_and_gives_no_faces(predictor, image, came):
    with pytest.raises(FaceError, match=r"expected a picture uint8\[height, width, 3\] in BGR, " + came):
        predictor(image)
