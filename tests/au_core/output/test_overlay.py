import numpy as np
import pytest

from au_core.aus import DatasetSpec
from au_core.face.detect import Detection
from au_core.models.card import ModelCard
from au_core.output.overlay import COLOURS, draw_overlay

WIDTH = 640
CARD = ModelCard(
    backbone="resnet10",
    spec=DatasetSpec(name="manifest", aus=(1, 12), active_from=1),
    input_size=32,
    face_size=224,
    thresholds={"AU01": 0.5, "AU12": 0.5},
)


def face_at(x: float) -> Detection:
    box = np.array([x - 40, 200, 80, 80], np.float32)
    points = np.array([[x - 10, 230], [x + 10, 230], [x, 260]], np.float32)
    return Detection(box, points, 0.9)


@pytest.mark.parametrize("width", range(16, 90, 2))
def test_a_list_is_drawn_on_the_smallest_picture(width):
    """Where there is no room on the far side it stands on the near one."""
    image = np.zeros((64, width, 3), np.uint8)
    assert draw_overlay(image, [(0, face_at(width / 4), np.array([0.2, 0.9]))], CARD).any()


@pytest.mark.parametrize(
    ("places", "left", "right"),
    [
        ([100], None, 0),  # at the edge farther from the face
        ([500], 0, None),
        ([100, 500], 0, 1),  # of two, each at its own
        ([500, 100], 1, 0),
        ([100, 500, 300], 0, 1),
        ([], None, None),
    ],
)
def test_lists_of_action_units_stand_where_they_hide_no_face(places, left, right):
    faces = [(k, face_at(x), np.array([0.2, 0.9])) for k, x in enumerate(places)]
    image = np.zeros((360, WIDTH, 3), np.uint8)
    drawn = draw_overlay(image, faces, CARD)
    assert not image.any(), "a copy"
    edges = drawn[20, :8], drawn[20, WIDTH - 200 : WIDTH]
    for edge, face in zip(edges, (left, right), strict=True):
        found = {k for k, colour in enumerate(COLOURS) if (edge == colour).all(axis=1).any()}
        assert found == ({face} if face is not None else set())
