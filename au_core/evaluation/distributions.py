"""How often AUs are present, alone and together, in labels and in predictions (the paper's Fig. 5 and 6)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from au_core.evaluation.metrics import average, number, ratio


def distributions(present: np.ndarray, y: np.ndarray, columns: Sequence[str]) -> dict[str, Any]:
    """Marginal and conditional distributions of ``present[N, L]`` beside those of labels ``y[N, L]``.

    ``present`` is answers (bool), or probabilities: the distributions are then those expected of answers
    that are drawn by them, one AU apart from another. At a cut of 0.5 right probabilities are off, too, the
    more the less sure they are.

    Over the faces where the AU, or both AUs, are coded; null where there are none. The average of the
    conditional differences is over all L x L cells that are defined, the zero diagonal too, as in the paper;
    an AU that is never answered has none, so to compare methods take the cells that both have.

    Returns:
        ``marginal_true`` and ``marginal``, P(AU) by AU; ``conditional``, rows of
        ``|P(AU_j | AU_i) - true P(AU_j | AU_i)|`` in the order of ``columns``, i by row; of both the mean
        absolute difference, ``marginal_avg`` and ``conditional_avg``.
    """
    known = y >= 0
    true, ours = marginals(y == 1, known), marginals(present, known)
    apart = np.abs(conditionals(present, known) - conditionals(y == 1, known))
    return {
        "marginal_true": dict(zip(columns, map(number, true), strict=True)),
        "marginal": dict(zip(columns, map(number, ours), strict=True)),
        "marginal_avg": average(np.abs(ours - true)),
        "conditional": [[number(cell) for cell in row] for row in apart],
        "conditional_avg": average(apart),
    }


def marginals(present: np.ndarray, known: np.ndarray) -> np.ndarray:
    """P(AU) ``float64[L]`` from ``present[N, L]``, 0 to 1, where ``known[N, L]``; NaN if an AU never is.

    >>> marginals(np.array([[1, 0], [0, 0]]), np.array([[1, 0], [1, 0]]) > 0)
    array([0.5, nan])
    """
    return ratio(_shares(present, known).sum(0), known.sum(0))


def conditionals(present: np.ndarray, known: np.ndarray) -> np.ndarray:
    """P(AU_j | AU_i) ``float64[L, L]``, i by row; NaN where AU_i is never present while AU_j is known.

    >>> conditionals(np.array([[1, 0], [1, 1], [0, 1]]), np.ones((3, 2), bool))
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    shares = _shares(present, known)
    found = ratio(shares.T @ shares, shares.T @ known)
    return np.where(np.eye(len(found)) * found > 0, 1.0, found)  # an AU is sure given itself


def _shares(present: np.ndarray, known: np.ndarray) -> np.ndarray:
    return np.where(known, present, np.float64(0))
