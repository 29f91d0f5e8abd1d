"""Averages of scores, and how far single trainings are from them; undefined scores (NaN) are left out."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and sample standard deviation of ``n`` values, standard error of the mean; NaN where unknown."""

    mean: float
    sd: float
    n: int
    se: float


def spread(values: Iterable[float]) -> Spread:
    """Mean and spread of the ``values`` that are defined.

    >>> spread([1.0, 3.0, float("nan")])
    Spread(mean=2.0, sd=1.4142135623730951, n=2, se=1.0)
    """
    x = np.array([value for value in values if not np.isnan(value)])
    mean, sd = (x.mean() if len(x) else np.nan), (x.std(ddof=1) if len(x) > 1 else np.nan)
    return Spread(float(mean), float(sd), len(x), float(sd / max(1, len(x)) ** 0.5))


def over_folds(values: Iterable[tuple[int, float]]) -> Spread:
    """Values of single trainings, each with its fold: the mean of the folds' means, the spread of all.

    Folds count alike, however many seeds each has. The standard error is of chance in training: from how far
    the seeds of a fold differ, not the folds, which are what they are. Unknown if a fold has one seed.

    >>> over_folds([(1, 50.0), (1, 52.0), (2, 61.0), (2, 61.0)])
    Spread(mean=56.0, sd=5.830951894845301, n=4, se=0.5)
    """
    by_fold: dict[int, list[float]] = {}
    for fold, value in values:
        by_fold.setdefault(fold, []).append(value)
    folds = [found for found in map(spread, by_fold.values()) if found.n]
    se = sum(found.se**2 for found in folds) ** 0.5 / max(1, len(folds))
    trainings = spread(value for found in by_fold.values() for value in found)
    return replace(trainings, mean=spread(found.mean for found in folds).mean, se=se)
