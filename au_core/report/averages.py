"""Averages of scores, and how far single trainings are from them; undefined scores (NaN) are left out."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and sample standard deviation (NaN for a single value) of ``n`` values."""

    mean: float
    sd: float
    n: int

    @property
    def se(self) -> float:
        """Standard error of the mean."""
        return self.sd / np.sqrt(self.n)


def spread(values: Iterable[float]) -> Spread:
    """Mean and spread of the ``values`` that are defined.

    >>> spread([1.0, 3.0, float("nan")])
    Spread(mean=2.0, sd=1.4142135623730951, n=2)
    """
    x = np.array([value for value in values if not np.isnan(value)])
    mean, sd = (x.mean() if len(x) else np.nan), (x.std(ddof=1) if len(x) > 1 else np.nan)
    return Spread(float(mean), float(sd), len(x))


def over_folds(values: Iterable[tuple[int, float]]) -> Spread:
    """Values of single trainings, each with its fold: the mean of the folds' means, the spread of all.

    Folds count alike, however many seeds each has.

    >>> over_folds([(1, 50.0), (1, 52.0), (1, 51.0), (2, 61.0)]).mean
    56.0
    """
    by_fold: dict[int, list[float]] = {}
    for fold, value in values:
        by_fold.setdefault(fold, []).append(value)
    trainings = spread(value for found in by_fold.values() for value in found)
    return replace(trainings, mean=spread(spread(found).mean for found in by_fold.values()).mean)
