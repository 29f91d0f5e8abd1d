import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from au_core.aus import BP4D
from au_core.data.faces import load_faces
from au_core.data.feeding import (
    Ahead,
    Look,
    Order,
    begin_filling,
    changed,
    draw_shifts,
    draw_tones,
    draw_turns,
)
from tests.toy import write_toy_faces


def test_the_coming_answers_are_begun_before_they_are_asked_for():
    begun = []

    def begin(number):
        begun.append(number)
        return lambda: number * 10

    ahead = Ahead(begin, 2)
    assert ahead(0) == 0 and begun == [0, 1, 2]
    assert ahead(1) == 10 and begun == [0, 1, 2, 3], "each is begun once"
    assert ahead(7) == 70 and begun[4:] == [7, 8, 9], "after a jump"


def test_while_a_step_computes_the_next_batch_is_made():
    with ThreadPoolExecutor(1) as pool:
        ahead = Ahead(lambda number: pool.submit(time.sleep, 0.1).result, 1)
        ahead(0)
        time.sleep(0.15)  # the step
        started = time.perf_counter()
        ahead(1)
        assert time.perf_counter() - started < 0.05


def test_a_batch_holds_the_faces_of_its_rows(tmp_path):
    faces = load_faces(write_toy_faces(tmp_path, subjects=["F001", "M001"]), BP4D, ["F001", "M001"])
    rows = np.random.default_rng(0).permutation(24)
    order = Order(rows, faces.start[rows], faces.length[rows], None)
    with ThreadPoolExecutor(3) as pool:
        for threads in (None, pool):
            pictures = np.zeros((24, 32, 32, 3), np.uint8)
            begin_filling(pictures, faces.pictures, order, threads)()
            np.testing.assert_array_equal(pictures, faces.decode(rows, 32))


STAY = np.eye(2, 3)
SAME = np.eye(3, 4, dtype=np.float32)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(("right", "down"), [(0, 0), (-3, 2), (3, -1)])
def test_a_face_is_taken_from_its_place_and_its_edge_repeated(mirror, right, down, rng):
    face = rng.integers(0, 256, (50, 50, 3), dtype=np.uint8)
    place = np.array([[-1, 0, 49 + right] if mirror else [1, 0, right], [0, 1, down]], float)
    columns = np.arange(50)[::-1] if mirror else np.arange(50)
    at = np.clip(np.arange(50) + down, 0, 49)[:, None], np.clip(columns + right, 0, 49)[None]
    np.testing.assert_array_equal(changed(face, Look(place, SAME)), face[at])


def test_tones_change_each_colour_by_its_row(rng):
    face = rng.integers(0, 256, (50, 50, 3), dtype=np.uint8)
    tones = np.array([[2, 0, 0, -9], [0, 1, 0, 0], [0, 0, 0.5, 30]], np.float32)
    relit = np.clip(np.rint(face * np.array([2, 1, 0.5]) + [-9, 0, 30]), 0, 255)
    np.testing.assert_array_equal(changed(face, Look(STAY, tones)), relit)


def test_a_turned_face_is_the_turned_scene():
    """Not only shifted: by a quarter turn about the middle rows become columns."""
    face = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    quarter = np.array([[0, -1, 15 + 3], [1, 0, 0]], float)
    seen = np.rot90(face, -1, (1, 0))[np.clip(np.arange(16) - 3, 0, 15)]
    np.testing.assert_array_equal(changed(face, Look(quarter, SAME)), seen)


def test_half_a_pixel_is_half_a_pixel():
    face = np.repeat(np.arange(0, 160, 10, dtype=np.uint8)[None, :, None], 16, 0).repeat(3, 2)
    moved = changed(face, Look(np.array([[1, 0, 0.5], [0, 1, 0]]), SAME))
    assert (moved[:, :-1] == face[:, :-1] + 5).all()


def test_shifts_mirror_half_and_move_by_whole_pixels_up_to_six_percent(rng):
    places = draw_shifts(rng, 4000, 50)
    mirrored = places[:, 0, 0] < 0
    assert abs(mirrored.mean() - 0.5) < 0.05
    assert set(places[:, 1, 2]) == set(places[~mirrored, 0, 2]) == set(range(-3, 4))
    assert set(places[mirrored, 0, 2]) == set(range(46, 53)), "mirrored about the middle"


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
