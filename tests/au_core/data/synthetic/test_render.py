import cv2
import numpy as np
import pytest

from au_core.aus import AU_NAMES
from au_core.config import PreprocessConfig
from au_core.data.synthetic.anatomy import ACTIONS, GROUPS, MARKS, Action
from au_core.data.synthetic.geometry import Pose, moved_points
from au_core.data.synthetic.person import MEAN_FACE, draw_person
from au_core.data.synthetic.render import draw_scene, render_face
from au_core.face.detect import load_detector

STRAIGHT = Pose()
UPPER, LOWER = {1, 2, 4, 5, 6, 7}, {10, 12, 14, 15, 17, 20, 23, 24, 25, 26}


def drawn(intensities, name="M003", actions=ACTIONS, pose=STRAIGHT):
    scene = draw_scene(np.random.default_rng(5))
    return render_face(draw_person(name, 0), intensities, pose, scene, np.random.default_rng(0), actions)


def test_every_coded_au_has_its_row():
    assert set(ACTIONS) == set(AU_NAMES)
    for action in ACTIONS.values():
        assert set(action.moves) <= set(GROUPS) and set(action.marks) <= set(MARKS)


@pytest.mark.parametrize("au", ACTIONS)
def test_an_au_changes_its_half_of_the_face_and_more_when_stronger(au):
    rest, weak, strong = (drawn({au: value})[0].astype(int) for value in (0, 2, 5))
    change = np.abs(strong - rest).sum(axis=(1, 2))
    assert change.sum() > 1.3 * np.abs(weak - rest).sum() > 1000
    upper = change[:135].sum() / change.sum()  # the eyes lie at y = 104, the nose's tip at 140
    assert upper > 0.8 if au in UPPER else upper < 0.25 if au in LOWER else 0.2 < upper < 0.9


def test_landmarks_follow_the_head():
    straight, turned = (drawn({}, pose=pose)[1] for pose in (Pose(), Pose(roll=0.2, x=150)))
    eyes = turned[45] - turned[36]
    assert np.degrees(np.arctan2(eyes[1], eyes[0])) == pytest.approx(np.degrees(0.2), abs=2)
    assert turned[:, 0].mean() > straight[:, 0].mean() + 10
    right = drawn({}, pose=Pose(yaw=0.25))[1]
    assert right[30, 0] > straight[30, 0] + 5, "the nose leads a turn to the right"


def test_a_neutral_mean_face_is_symmetric():
    mirrored = MEAN_FACE[[*range(16, -1, -1), *range(26, 16, -1)]] * [-1, 1, 1]
    np.testing.assert_allclose(mirrored, MEAN_FACE[:27], atol=1e-9)


def test_lips_never_cross_whatever_comes_together():
    points = moved_points(draw_person("F001", 0), {17: 5, 24: 5, 23: 5, 10: 5, 12: 5})
    assert (points[[65, 64, 63], 1] >= points[[60, 61, 62], 1] - 1e-9).all()


def test_a_user_adds_an_au_by_a_row():
    wink = Action(au=46, muscle="orbicularis oculi", moves={"lid_upper": (0.0, 0.2)})
    rest, closed = (drawn({46: value}, actions={**ACTIONS, 46: wink})[0] for value in (0, 5))
    assert (rest != closed).any()


def test_the_detector_finds_drawn_people_where_they_are(shared):
    model = shared / "models" / "face_detection_yunet_2023mar.onnx"
    detect = load_detector(str(model), PreprocessConfig())
    names, errors = [f"F{i:03}" for i in range(1, 21)] + [f"M{i:03}" for i in range(1, 19)], []
    for name in names:
        image, p = drawn({12: 2.0, 4: 1.0}, name)
        eyes_and_mouth = np.stack([p[36:42].mean(0), p[42:48].mean(0), p[[48, 54]].mean(0)])
        faces = detect(image)
        assert len(faces) == 1, name
        distance = np.linalg.norm(eyes_and_mouth[0] - eyes_and_mouth[1])
        errors.append(np.linalg.norm(faces[0].points - eyes_and_mouth, axis=1) / distance)
    assert np.mean(errors) < 0.08


def test_pictures_are_pictures():
    image, points = drawn({})
    assert image.shape == (256, 256, 3) and image.dtype == np.uint8 and points.shape == (66, 2)
    assert cv2.Laplacian(image, cv2.CV_64F).var() > 20
