import numpy as np
import pytest

from au_core.data.batches.augmentation import Augmentation, augmented, draw_shifts, draw_tones, draw_turns

STAY = np.eye(2, 3)
SAME = np.eye(3, 4, dtype=np.float32)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(("right", "down"), [(0, 0), (-3, 2), (3, -1)])
def test_a_face_is_taken_from_its_place_and_its_edge_repeated(mirror, right, down, rng):
    face = rng.integers(0, 256, (50, 50, 3), dtype=np.uint8)
    place = np.array([[-1, 0, 49 + right] if mirror else [1, 0, right], [0, 1, down]], float)
    columns = np.arange(50)[::-1] if mirror else np.arange(50)
    at = np.clip(np.arange(50) + down, 0, 49)[:, None], np.clip(columns + right, 0, 49)[None]
    np.testing.assert_array_equal(augmented(face, Augmentation(place, SAME)), face[at])


def test_tones_change_each_colour_by_its_row(rng):
    face = rng.integers(0, 256, (50, 50, 3), dtype=np.uint8)
    tones = np.array([[2, 0, 0, -9], [0, 1, 0, 0], [0, 0, 0.5, 30]], np.float32)
    relit = np.clip(np.rint(face * np.array([2, 1, 0.5]) + [-9, 0, 30]), 0, 255)
    np.testing.assert_array_equal(augmented(face, Augmentation(STAY, tones)), relit)


def test_a_turned_face_is_the_turned_scene():
    """Not only shifted: by a quarter turn about the middle rows become columns."""
    face = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    quarter = np.array([[0, -1, 15 + 3], [1, 0, 0]], float)
    seen = np.rot90(face, -1, (1, 0))[np.clip(np.arange(16) - 3, 0, 15)]
    np.testing.assert_array_equal(augmented(face, Augmentation(quarter, SAME)), seen)


def test_half_a_pixel_is_half_a_pixel():
    face = np.repeat(np.arange(0, 160, 10, dtype=np.uint8)[None, :, None], 16, 0).repeat(3, 2)
    moved = augmented(face, Augmentation(np.array([[1, 0, 0.5], [0, 1, 0]]), SAME))
    assert (moved[:, :-1] == face[:, :-1] + 5).all()


def test_shifts_mirror_half_and_move_by_whole_pixels_up_to_six_percent(rng):
    warps = draw_shifts(rng, 4000, 50)
    mirrored = warps[:, 0, 0] < 0
    assert abs(mirrored.mean() - 0.5) < 0.05
    assert set(warps[:, 1, 2]) == set(warps[~mirrored, 0, 2]) == set(range(-3, 4))
    assert set(warps[mirrored, 0, 2]) == set(range(46, 53)), "mirrored about the middle"


def test_turns_mirror_half_turn_zoom_and_shift_a_little(rng):
    linear, shift = np.split(draw_turns(rng, 4000, 50, 8.0, 0.1), [2], axis=2)
    signs, zooms = np.sign(np.linalg.det(linear)), np.sqrt(abs(np.linalg.det(linear)))
    assert set(signs) == {-1, 1} and abs(signs.mean()) < 0.05
    assert 0.904 < zooms.min() < 0.91 and 1.1 < zooms.max() < 1.106
    angles = np.degrees(np.arctan2(-linear[:, 0, 1], linear[:, 1, 1]))
    assert -8 <= angles.min() < -7.9 and 7.9 < angles.max() <= 8
    middle = linear @ np.full((2, 1), 24.5) + shift - 24.5
    assert 2.9 < abs(middle).max() <= 3.0 and abs(middle.mean()) < 0.1, "the middle moves by 6 % at most"


def test_tones_turn_about_the_middle_grey_and_tint_each_colour(rng):
    tones = draw_tones(rng, 4000)
    contrast = tones[:, range(3), range(3)]
    assert 0.6 < contrast.min() and contrast.max() < 1.6 and (contrast.std(axis=1) > 0.01).mean() > 0.95
    grey = contrast * 127.5 + tones[:, :, 3]
    assert abs(grey.mean() - 127.5) < 2 and 20 < grey.std() < 30
    others = tones[:, ~np.eye(3, 4, dtype=bool)].reshape(-1, 9)
    assert np.count_nonzero(others.any(axis=0)) == 3, "colours do not mix"
