"""The points of a search space and their scores, for people."""

from math import inf
from statistics import fmean
from typing import Any

Point = tuple[tuple[str, float], ...]
"""Settings with their values, sorted by name."""
Scores = dict[Point, dict[int, float]]
"""Validation F1 of each point, by fold; without those whose training failed."""
CHANCE = "Of one seed: small differences may be chance."
OWN = "Take each fold's own best: the best in the mean is chosen on people whom other folds test."


def point_of(config: dict[str, Any]) -> Point:
    """The settings of a trial; groups such as ``updates`` are taken apart."""
    groups = [
        value if isinstance(value, dict) else {key: value} for key, value in config.items() if key != "fold"
    ]
    return tuple(sorted((key, value) for group in groups for key, value in group.items()))


def text_of(point: Point) -> str:
    """A point for people.

    >>> text_of((("alpha", 0.01), ("label_prior", None)))
    'alpha=0.01 label_prior=None'
    """
    return " ".join(
        f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in point
    )


def best_of(scores: Scores) -> dict[int, Point]:
    """The best point of each fold, among those that have a score there."""
    found = {fold: [point for point in scores if fold in scores[point]] for fold in _folds(scores)}
    return {fold: max(points, key=lambda point: scores[point][fold]) for fold, points in found.items()}


def _folds(scores: Scores) -> list[int]:
    return sorted({fold for found in scores.values() for fold in found})


def table_of(scores: Scores) -> str:
    """The points in per cent, best mean first, and each fold's best; a dash where a trial failed."""
    folds = _folds(scores)
    means = {point: fmean(found.values()) for point, found in scores.items() if len(found) == len(folds) > 0}
    lines = [f"{'validation F1':<24}" + "".join(f" fold {fold}" for fold in folds) + "   mean"]
    for point in sorted(scores, key=lambda point: -means.get(point, -inf)):
        values = [*(scores[point].get(fold) for fold in folds), means.get(point)]
        cells = (f" {'-' if value is None else f'{100 * value:.1f}':>6}" for value in values)
        lines.append(f"{text_of(point):<24}" + "".join(cells))
    lines += [f"best of fold {fold}: {text_of(point)}" for fold, point in best_of(scores).items()]
    return "\n".join([*lines, CHANCE, *([OWN] if len(folds) > 1 else [])])
