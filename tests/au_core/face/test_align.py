import cv2
import numpy as np
import pytest

from au_core.errors import FaceError
from au_core.face.align import align, similarity_from_points, template


def moved(points, scale, degrees, shift):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * points @ turn.T + shift


@pytest.mark.parametrize(("scale", "degrees"), [(1.0, 0), (3.7, 25), (0.4, -80), (1.5, 170)])
def test_a_similarity_is_recovered_exactly(scale, degrees):
    dst = template(224)
    matrix = similarity_from_points(moved(dst, scale, degrees, [40, -7]), dst)
    np.testing.assert_allclose(np.linalg.svd(matrix[:, :2])[1], 1 / scale, rtol=1e-9)
    restored = moved(dst, scale, degrees, [40, -7]) @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(restored, dst, atol=1e-6)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.3, 6.0])
def test_eyes_and_mouth_come_to_lie_on_the_template(scale):
    points = moved(template(100), scale, 12, [150 * scale, 40 * scale])
    image = np.zeros((int(400 * scale), int(500 * scale), 3), np.uint8)
    for x, y in points:
        cv2.circle(image, (round(x), round(y)), max(2, round(4 * scale)), (255, 255, 255), -1)
    face = align(image, points, 100)
    for x, y in template(100):
        yy, xx = np.nonzero(face[round(y) - 9 : round(y) + 10, round(x) - 9 : round(x) + 10, 0] > 127)
        assert np.hypot(xx.mean() - 9, yy.mean() - 9) < 0.7 + 0.75 / scale, "dots sit on whole pixels"


def test_fine_texture_is_averaged_away_and_not_aliased():
    image = np.indices((1200, 1200)).sum(0) % 2 * 255
    image = np.repeat(image[..., None], 3, axis=2).astype(np.uint8)
    face = align(image, moved(template(64), 8, 0, [300, 300]), 64)
    assert face.std() < 5 and abs(face.mean() - 127.5) < 5


def test_a_near_profile_keeps_its_shape():
    points = template(200).copy()
    points[0, 0], points[1, 0] = 95, 105  # eyes almost one behind the other
    matrix = similarity_from_points(points, template(200))
    a, b = np.linalg.svd(matrix[:, :2])[1]
    assert a == pytest.approx(b)


@pytest.mark.parametrize(("points", "message"), [
    ([[np.nan, 0], [1, 1], [2, 2]], "are no face"),
    ([[5, 5], [5, 5], [5, 5]], "are no face"),
    ([[900, 900], [950, 900], [925, 960]], "outside the picture of 200x100"),
])  # fmt: skip
def test_points_that_are_no_face_are_refused(points, message):
    with pytest.raises(FaceError, match=message):
        align(np.zeros((100, 200, 3), np.uint8), np.array(points, np.float32), 64)
