"""Which AUs go together: a mixture of Gaussian copulas over expressions, with the published rates.

Each event of a face is one of a task's expressions; given the expression, every AU has a latent value,
jointly normal with unit variance: ``z = offset[expression] + sqrt(b) habit[person] + sqrt(1 - b) event``.
An AU is active (intensity 2 or more) where its latent exceeds a threshold, chosen so that its rate over all
tasks is the published one. Habits and events correlate by the published pairs; expressions add what pairs
cannot say. The tests' ``truth.py`` has the resulting probabilities in closed form.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr

from au_core.aus import AU_NAMES, au_column
from au_core.data.facts import load_facts
from au_core.errors import ConfigError

AUS = tuple(AU_NAMES)
COLUMNS = tuple(au_column(au) for au in AUS)
OTHER_RATES = {5: 0.04, 7: 0.1, 9: 0.05, 10: 0.06, 14: 0.08, 15: 0.06, 17: 0.1, 20: 0.035, 25: 0.28, 26: 0.1}
"""Rates of AUs that a dataset shows without publishing them; 0.05 for any other."""
OTHER_PAIRS = ((1, 5), (2, 5), (4, 9), (9, 10), (12, 25), (25, 26), (15, 17), (20, 25))
"""Pairs beyond the published list that occur together, as the anatomy suggests."""
TOGETHER, APART = 0.5, -0.3
"""Latent correlation of pairs that occur together, and of those that exclude each other."""
BETWEEN_PEOPLE = {"BP4D": 0.18, "DISFA": 0.3}
"""Share of a latent's variance that is a person's habit, as much as the published parts differ by."""
SLOPE = 1.8
"""Intensities per standard deviation of the latent."""
ERROR = {1: 0.07, 2: 0.07, 4: 0.06, 7: 0.05, 14: 0.07, 15: 0.09, 17: 0.06, 23: 0.11, 24: 0.11}
"""Share of an AU's events that annotators miss at difficulty 1 (else 0.04); as many they only imagine."""

EXPRESSIONS: dict[str, dict[int, float]] = {
    "rest": {6: -0.5, 7: -0.4, 10: -0.5, 12: -0.6, 25: -0.4},
    "smile": {6: 1.0, 7: 0.5, 10: 0.7, 12: 1.2, 14: 0.2, 15: -0.6, 17: -0.4, 23: -0.4, 24: -0.6, 25: 0.5},
    "embarrassment": {12: 0.8, 14: 0.9, 6: 0.4, 24: 0.2, 1: -0.2, 25: -0.4},
    "sadness": {1: 1.2, 4: 0.8, 15: 1.1, 17: 0.7, 6: -0.4, 12: -1.0, 10: -0.4, 7: -0.3},
    "surprise": {1: 1.3, 2: 1.4, 5: 1.3, 25: 1.0, 26: 1.3, 6: -0.5, 7: -0.6, 24: -0.6},
    "fear": {1: 1.0, 2: 0.6, 4: 0.6, 5: 1.0, 20: 1.4, 25: 0.6, 6: -0.3, 7: -0.3},
    "anger": {4: 1.1, 7: 0.5, 23: 1.4, 15: -0.2, 24: -0.1, 10: -0.3, 12: -0.7},
    "pressed lips": {14: 0.6, 17: 1.0, 24: 1.5, 10: -0.7, 12: -0.6, 23: -0.4, 25: -1.0},
    "disgust": {4: 0.6, 7: 0.4, 9: 1.6, 10: 1.0, 17: -0.1, 25: 0.1},
    "pain": {4: 0.9, 6: 0.7, 7: 0.9, 9: 0.8, 10: 0.7, 20: 0.4, 25: 0.3},
}
"""How far each expression shifts the latents of its AUs, in standard deviations."""

_ELICITED = {
    "T1": {"smile": 6, "rest": 2, "surprise": 1, "embarrassment": 1},
    "T2": {"sadness": 5, "rest": 3, "pressed lips": 2},
    "T3": {"surprise": 5, "smile": 3, "rest": 1, "fear": 1},
    "T4": {"embarrassment": 5, "smile": 3, "rest": 1, "pressed lips": 1},
    "T5": {"fear": 4, "smile": 3, "rest": 2, "surprise": 1},
    "T6": {"pain": 5, "pressed lips": 2, "rest": 2, "smile": 1},
    "T7": {"anger": 5, "pressed lips": 2, "rest": 2, "smile": 1},
    "T8": {"disgust": 5, "smile": 3, "rest": 1, "anger": 1},
}
"""Tenths of the events of each BP4D task: what it was made to elicit, with relief and rest between."""
_WATCHED = {name: 1 for name in EXPRESSIONS if name != "rest"} | {"rest": 6}
"""One DISFA film brings everything, and much rest."""
MIXTURES = {"BP4D": _ELICITED, "DISFA": {"left": _WATCHED}}


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelModel:
    """The joint distribution of L AUs over people, tasks and time."""

    aus: tuple[int, ...]
    rates: np.ndarray
    """``float64[L]``: share of frames in which each AU is active."""
    correlation: np.ndarray
    """``float64[L, L]`` of the latents, given the expression."""
    offsets: np.ndarray
    """``float64[E, L]``: each expression's shift of the latents."""
    mixtures: dict[str, np.ndarray]
    """Task -> ``float64[E]``: probability of each expression."""
    between: float
    """Share of the variance given the expression that is a person's habit."""
    thresholds: np.ndarray
    """``float64[L]``: the latent from which an AU is active."""
    error: np.ndarray
    """``float64[L]``: share of an AU's events that annotators miss; they see as many where there is none."""

    def weights(self, task: str | None = None) -> np.ndarray:
        """``float64[E]``: probabilities of the expressions in a task; overall for none or an unknown one."""
        known = self.mixtures.get(task or "")
        return known if known is not None else np.mean(list(self.mixtures.values()), axis=0)

    def seen(self) -> np.ndarray:
        """``float64[2, L]``: chance that annotators write "active" where an AU is not (0), or is (1)."""
        return np.stack([self.error * self.rates / (1 - self.rates), 1 - self.error])


def build_model(
    dataset: str,
    difficulty: float = 1.0,
    aus: tuple[int, ...] = AUS,
    rates: Mapping[int, float] | None = None,
) -> LabelModel:
    """The model of ``BP4D`` or ``DISFA`` over any ``aus``; ``rates`` overrides the published ones.

    Raises:
        ConfigError: a rate is not in (0, 0.9].
    """
    published = {int(name[2:]): rate for name, rate in load_facts("au_statistics")[dataset]["rate"].items()}
    known = OTHER_RATES | published | dict(rates or {})
    p = np.array([known.get(au, 0.05) for au in aus])
    if not ((p > 0) & (p <= 0.9)).all():
        raise ConfigError(f"rates of AUs must be in (0, 0.9], got {p.min():g} to {p.max():g}")
    offsets = np.array([[shift.get(au, 0.0) for au in aus] for shift in EXPRESSIONS.values()])
    mixtures = {
        task: _shares(np.array([m.get(name, 0) for name in EXPRESSIONS]))
        for task, m in MIXTURES[dataset].items()
    }
    overall = np.mean(list(mixtures.values()), axis=0)
    return LabelModel(
        aus=aus,
        rates=p,
        correlation=_correlation(aus),
        offsets=offsets,
        mixtures=mixtures,
        between=BETWEEN_PEOPLE[dataset],
        thresholds=_thresholds(p, offsets, overall),
        error=np.minimum(np.array([ERROR.get(au, 0.04) for au in aus]) * difficulty, (1 - p) / p),
    )


@cache
def label_model(dataset: str, difficulty: float = 1.0) -> LabelModel:
    """The drawn datasets' own model: all AUs of :data:`AUS`."""
    return build_model(dataset, difficulty)


def _shares(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum()


def _correlation(aus: tuple[int, ...]) -> np.ndarray:
    """The published and anatomical pairs, made positive definite: eigenvalues cut, diagonal restored."""
    relations = load_facts("au_statistics")["au_relations_JPML_on_BP4D"]
    pairs = [(pair, TOGETHER) for pair in (*relations["positive_correlation"], *OTHER_PAIRS)]
    pairs += [(pair, APART) for pair in relations["negative_competition"]]
    matrix = np.eye(len(aus))
    for (a, b), value in pairs:
        if a in aus and b in aus:
            i, j = aus.index(a), aus.index(b)
            matrix[i, j] = matrix[j, i] = value
    values, vectors = np.linalg.eigh(matrix)
    matrix = (vectors * np.clip(values, 0.02, None)) @ vectors.T
    scale = np.sqrt(np.diag(matrix))
    return matrix / np.outer(scale, scale)


def _thresholds(rates: np.ndarray, offsets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``float64[L]`` solving ``sum_e weights[e] P(z_e > threshold) = rates`` by bisection."""
    low, high = np.full(len(rates), -8.0), np.full(len(rates), 8.0)
    for _ in range(60):
        middle = (low + high) / 2
        too_often = weights @ ndtr(offsets - middle) > rates
        low, high = np.where(too_often, middle, low), np.where(too_often, high, middle)
    return (low + high) / 2
