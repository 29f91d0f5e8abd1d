"""F1, AUC and accuracy of each AU over the faces where it is coded (Section 4.1), and thresholds."""

import numpy as np

COUNTS = "tp", "fp", "fn"
"""True positives, false positives and false negatives, in the order of :func:`counts_per_au`."""


def f1_per_au(pred: np.ndarray, y: np.ndarray) -> np.ndarray:
    """F1 of each AU over the faces where it is coded; NaN for an AU that never occurs in them.

    Args:
        pred: ``[N, L]`` bool, or in {0, 1}.
        y: ``[N, L]`` in {0, 1, -1}; -1 is left out.

    Returns:
        ``float64[L]``.

    >>> f1_per_au(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [0, -1]])).round(3)
    array([0.667,   nan])
    """
    return f1_of(*counts_per_au(pred, y))


def counts_per_au(pred: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``COUNTS`` of each AU, ``int64[3, L]``, over the faces where it is coded.

    Counts of people can be added up, their F1 cannot.

    >>> counts_per_au(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [0, -1]]))
    array([[1, 0],
           [1, 0],
           [0, 0]])
    """
    yes, no = pred == 1, pred == 0
    return np.stack([(yes & (y == 1)).sum(0), (yes & (y == 0)).sum(0), (no & (y == 1)).sum(0)])


def f1_of(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> np.ndarray:
    """F1 from counts of any one shape; NaN where the AU never occurs.

    Whether it is defined depends on the labels alone: were one false alarm enough to make it 0, averages of
    two models, or of two epochs, would be over different AUs.
    """
    occurs = tp + fn > 0
    return ratio(2 * tp, occurs * (2 * tp + fp + fn))


def accuracy_per_au(pred: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Share of right answers ``float64[L]`` over the faces where the AU is coded; NaN if it never is.

    >>> accuracy_per_au(np.array([[1, 0], [1, 1]]), np.array([[1, -1], [0, -1]]))
    array([0.5, nan])
    """
    known = y >= 0
    return ratio((known & (pred == y)).sum(0), known.sum(0))


def ratio(part: np.ndarray, of: np.ndarray) -> np.ndarray:
    """``part / of``, two arrays of one shape; NaN where ``of`` is 0.

    >>> ratio(np.array([1, 0]), np.array([2, 0]))
    array([0.5, nan])
    """
    return np.divide(part, of, out=np.full(of.shape, np.nan), where=of > 0)


def auc_per_au(prob: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Area under the ROC curve ``float64[L]`` over the coded faces; NaN where all are of one class.

    >>> auc_per_au(np.array([[0.9, 0.5], [0.1, 0.5]]), np.array([[1, 1], [0, 1]]))
    array([ 1., nan])
    """
    return np.array([_auc(prob[:, j], y[:, j]) for j in range(y.shape[1])])


def _auc(prob: np.ndarray, y: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score  # seconds to import, and a training worker needs none of it

    known = y >= 0
    return float(roc_auc_score(y[known], prob[known])) if len(np.unique(y[known])) == 2 else np.nan


def number(value: float) -> float | None:
    """A score as JSON has it: None where it is undefined (NaN)."""
    return None if np.isnan(value) else float(value)


def average(values: np.ndarray) -> float | None:
    """Mean over the AUs where ``values[L]`` is defined; None where it nowhere is.

    >>> average(np.array([0.25, np.nan, 0.75]))
    0.5
    """
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else None


def best_thresholds(prob: np.ndarray, y: np.ndarray) -> np.ndarray:
    """For each AU the probability ``float64[L]`` from which "active" gives the highest F1.

    Every candidate is a probability that occurs, so comparing is exact; among equals the one nearest
    0.5 is taken, and 0.5 itself where the AU never occurs.

    >>> best_thresholds(np.array([[0.2], [0.4], [0.7]]), np.array([[0], [1], [1]]))
    array([0.4])
    """
    return np.array([_best_threshold(prob[:, j], y[:, j]) for j in range(y.shape[1])])


def _best_threshold(prob: np.ndarray, y: np.ndarray) -> float:
    prob, y = prob[y >= 0], y[y >= 0]
    if not y.any():
        return 0.5
    order = np.argsort(-prob, kind="stable")
    prob, tp = prob[order], np.cumsum(y[order])
    f1 = 2 * tp / (np.arange(1, len(prob) + 1) + tp[-1])  # [n], when the first 1..n faces are called active
    f1[:-1][prob[:-1] == prob[1:]] = -1  # equal probabilities cannot be told apart
    best = prob[f1 == f1.max()]
    return float(best[np.abs(best - 0.5).argmin()])
