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


def slow_soft(prob, y, j, i):
    """P(AU_j | AU_i) expected of answers drawn by ``prob``, one AU apart from another."""
    known = [row for row, code in zip(prob, y, strict=True) if code[i] >= 0 and code[j] >= 0]
    return 1 if i == j else sum(row[i] * row[j] for row in known) / sum(row[i] for row in known)


@pytest.mark.parametrize("unknown", [0.0, 0.4])
def test_probabilities_are_expected_face_by_face(rng, unknown):
    y = rng.integers(0, 2, (40, 3)).astype(np.int8)
    y[rng.random(y.shape) < unknown] = -1
    prob = rng.random(y.shape).astype(np.float32)
    found = distributions(prob, y, COLUMNS)
    for j, au in enumerate(COLUMNS):
        mean = np.mean([row[j] for row, code in zip(prob, y, strict=True) if code[j] >= 0])
        assert found["marginal"][au] == pytest.approx(mean)
        for i in range(3):
            apart = abs(slow_soft(prob, y, j, i) - slow(y == 1, y, j, i))
            assert found["conditional"][i][j] == pytest.approx(apart, abs=1e-6)


def test_right_probabilities_are_off_at_a_cut_of_half_alone(rng):
    """Never sure enough to answer, they still know how often AUs are present."""
    prob = rng.uniform(0.05, 0.45, (20_000, 3))
    y = (rng.random(prob.shape) < prob).astype(np.int8)
    assert distributions(prob >= 0.5, y, COLUMNS)["marginal_avg"] > 0.2
    soft = distributions(prob, y, COLUMNS)
    assert soft["marginal_avg"] < 0.01 and soft["conditional_avg"] < 0.02


def test_many_faces_lose_no_digit(rng):
    """In float32 a sum over 100,000 of them would."""
    prob = rng.random((100_000, 3)).astype(np.float32)
    found = distributions(prob, np.ones(prob.shape, np.int8), COLUMNS)["marginal"]["AU01"]
    assert found == pytest.approx(prob[:, 0].astype(np.float64).mean(), rel=1e-12)


def test_right_answers_have_no_difference_and_undefined_ones_are_null():
    y = np.array([[1, 0, -1], [0, 0, -1]], np.int8)
    found = distributions(y == 1, y, COLUMNS)
    assert found["marginal_avg"] == found["conditional_avg"] == 0
    assert found["marginal"] == {"AU01": 0.5, "AU02": 0.0, "AU04": None}
    assert found["conditional"] == [[0.0, 0.0, None], [None] * 3, [None] * 3]
