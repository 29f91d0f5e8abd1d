import numpy as np
import pytest

from au_core.evaluation.distributions import distributions

COLUMNS = ["AU01", "AU02", "AU04"]


def slow(present, y, j, i=None):
    """P(AU_j), or P(AU_j | AU_i), counted face by face."""
    yes = of = 0
    for row, known in zip(present, y >= 0, strict=True):
        if known[j] and (i is None or (known[i] and row[i])):
            of += 1
            yes += bool(row[j])
    return yes / of if of else None


@pytest.mark.parametrize("unknown", [0.0, 0.4])
def test_shares_are_those_counted_face_by_face(rng, unknown):
    y = rng.integers(0, 2, (40, 3)).astype(np.int8)
    y[rng.random(y.shape) < unknown] = -1
    pred = rng.random(y.shape) < 0.3
    found = distributions(pred, y, COLUMNS)
    for j, au in enumerate(COLUMNS):
        assert found["marginal"][au] == pytest.approx(slow(pred, y, j))
        assert found["marginal_true"][au] == pytest.approx(slow(y == 1, y, j))
        for i in range(3):
            apart = abs(slow(pred, y, j, i) - slow(y == 1, y, j, i))
            assert found["conditional"][i][j] == pytest.approx(apart)
    cells = np.array(found["conditional"])
    assert (np.diag(cells) == 0).all() and found["conditional_avg"] == pytest.approx(cells.mean())


def test_right_answers_have_no_difference_and_undefined_ones_are_null():
    y = np.array([[1, 0, -1], [0, 0, -1]], np.int8)
    found = distributions(y == 1, y, COLUMNS)
    assert found["marginal_avg"] == found["conditional_avg"] == 0
    assert found["marginal"] == {"AU01": 0.5, "AU02": 0.0, "AU04": None}
    assert found["conditional"] == [[0.0, 0.0, None], [None] * 3, [None] * 3]
