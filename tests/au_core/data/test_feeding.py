import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from au_core.aus import BP4D
from au_core.data.faces import load_faces
from au_core.data.feeding import Ahead, Look, begin_filling, changed, draw_looks, draw_tones
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
    with ThreadPoolExecutor(3) as pool:
        for threads in (None, pool):
            pictures = np.zeros((24, 32, 32, 3), np.uint8)
            begin_filling(pictures, faces, rows, None, threads)()
            np.testing.assert_array_equal(pictures, faces.decode(rows, 32))


@pytest.mark.parametrize("move", [(0, 0, 0), (0, 2, -3), (1, 0, 0), (1, -1, 3)])
def test_a_move_shifts_then_mirrors_and_repeats_the_edge(move, rng):
    face = rng.integers(0, 256, (50, 50, 3), dtype=np.uint8)
    flip, down, right = move
    at = np.clip(np.arange(50) - down, 0, 49)[:, None], np.clip(np.arange(50) - right, 0, 49)[None]
    expected = face[at][:, ::-1] if flip else face[at]
    np.testing.assert_array_equal(changed(face, Look(*move, np.eye(3, 4, dtype=np.float32))), expected)
    tones = np.array([[2, 0, 0, -9], [0, 1, 0, 0], [0, 0, 0.5, 30]], np.float32)
    relit = np.clip(np.rint(expected * np.array([2, 1, 0.5]) + [-9, 0, 30]), 0, 255)
    np.testing.assert_array_equal(changed(face, Look(*move, tones)), relit)


def test_looks_mirror_half_and_shift_up_to_six_percent(rng):
    flips, *shifts, _ = zip(*draw_looks(rng, 4000, 50), strict=True)
    assert set(flips) == {0, 1} and abs(np.mean(flips) - 0.5) < 0.05
    assert [set(shift) for shift in shifts] == [set(range(-3, 4))] * 2


def test_tones_turn_about_the_middle_grey_and_tint_each_colour(rng):
    tones = draw_tones(rng, 4000)
    contrast = tones[:, range(3), range(3)]
    assert 0.6 < contrast.min() and contrast.max() < 1.6 and (contrast.std(axis=1) > 0.01).mean() > 0.95
    grey = contrast * 127.5 + tones[:, :, 3]
    assert abs(grey.mean() - 127.5) < 2 and 20 < grey.std() < 30
    others = tones[:, ~np.eye(3, 4, dtype=bool)].reshape(-1, 9)
    assert np.count_nonzero(others.any(axis=0)) == 3, "colours do not mix"
