from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np

from au_core.aus import BP4D
from au_core.data.batches.feeding import BatchRequest, Prefetch, begin_filling
from au_core.data.faces import load_faces
from tests.toy import write_toy_faces


def test_the_coming_answers_are_begun_before_they_are_asked_for():
    begun = []

    def begin(number):
        begun.append(number)
        return lambda: number * 10

    ahead = Prefetch(begin, 2)
    assert ahead(0) == 0 and begun == [0, 1, 2]
    assert ahead(1) == 10 and begun == [0, 1, 2, 3], "each is begun once"
    assert ahead(7) == 70 and begun[4:] == [7, 8, 9], "after a jump"


def test_while_a_step_computes_the_next_batch_is_made():
    made = [Event(), Event(), Event()]
    with ThreadPoolExecutor(1) as pool:
        ahead = Prefetch(lambda number: pool.submit(made[number].set).result, 1)
        ahead(0)
        assert made[1].wait(30), "in the step, before it is asked for"


def test_a_batch_holds_the_faces_of_its_rows(tmp_path):
    faces = load_faces(write_toy_faces(tmp_path, subjects=["F001", "M001"]), BP4D, ["F001", "M001"])
    rows = np.random.default_rng(0).permutation(24)
    request = BatchRequest(rows, faces.start[rows], faces.length[rows], None)
    with ThreadPoolExecutor(3) as pool:
        for threads in (None, pool):
            pictures = np.zeros((24, 32, 32, 3), np.uint8)
            begin_filling(pictures, faces.pictures, request, threads)()
            np.testing.assert_array_equal(pictures, faces.decode(rows, 32))
