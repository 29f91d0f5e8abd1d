"""A sequence as events, each a sample of the label model with onset, apex and offset; and its annotation."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtri

from au_core.data.facts import load_facts
from au_core.data.synthetic.expression import SLOPE, LabelModel

ACTIVE = 2.0
"""Intensity from which an AU counts as active."""


@dataclass(frozen=True, slots=True)
class Performance:
    """What a face shows and what is written about it, frame by frame."""

    shown: np.ndarray
    """``float64[N, L]``: intensities 0 to 5."""
    codes: np.ndarray
    """``int8[N, L]``: the annotators' intensity codes 0 to 5; 2 and more is active."""


def perform(
    model: LabelModel, dataset: str, subject: str, sequence: str, frames: int, seed: int
) -> Performance:
    """One sequence. Its labels are a sample of ``model`` at every frame: the nearest event's, exactly."""
    rng = np.random.default_rng([seed, 2, *f"{subject}/{sequence}".encode()])
    borders = _borders(rng, frames)
    apex = _apexes(rng, model, dataset, subject, sequence, len(borders) - 1, seed)
    shown = _in_time(apex, borders, frames)
    event = np.clip(np.searchsorted(borders, np.arange(frames) + 0.5) - 1, 0, len(apex) - 1)
    return Performance(shown, _annotated(rng, model, shown, apex >= ACTIVE, event))


def _borders(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Times ``float64[K + 1]`` between K events of about a second, shorter in a short sequence."""
    length = float(np.clip(frames / 8, 3, 30))
    inner = np.arange(1, max(1, round(frames / length)))
    inner = inner + rng.uniform(-0.3, 0.3, len(inner))
    return np.concatenate([[0], inner, [len(inner) + 1]]) * frames / (len(inner) + 1)


def _apexes(
    rng: np.random.Generator, model: LabelModel, dataset: str, subject: str, sequence: str, n: int, seed: int
) -> np.ndarray:
    """Intensities ``float64[n, L]`` at the apex of each event."""
    root = np.linalg.cholesky(model.correlation)
    own = habits(dataset, seed, len(model.aus)).get(subject)
    if own is None:
        own = np.random.default_rng([seed, 1, *subject.encode()]).standard_normal(len(model.aus))
    cumulative = np.cumsum(model.weights(sequence))
    expression = np.searchsorted(cumulative, strata(rng, n, 1)[:, 0]).clip(max=len(cumulative) - 1)
    noise = np.sqrt(model.between) * own + np.sqrt(1 - model.between) * ndtri(strata(rng, n, len(model.aus)))
    latent = model.offsets[expression] + noise @ root.T
    return np.clip(ACTIVE + SLOPE * (latent - model.thresholds), 0, 5)


def strata(rng: np.random.Generator, n: int, dims: int) -> np.ndarray:
    """Latin hypercube ``float64[n, dims]``: uniform in each dimension, and spread evenly over it.

    McKay, Beckman & Conover (1979). So a dataset's rates lie near the model's for its tasks.
    """
    order = rng.permuted(np.tile(np.arange(n), (dims, 1)), axis=1).T
    return np.clip((order + rng.random((n, dims))) / n, 1e-6, 1 - 1e-6)


@cache
def habits(dataset: str, seed: int, n_aus: int) -> dict[str, np.ndarray]:
    """Each named subject's habit ``float64[n_aus]``, independent normals, spread evenly over the people."""
    names = load_facts("folds")[dataset]["subject_ids"]
    values = ndtri(strata(np.random.default_rng([seed, 1]), len(names), n_aus))
    return dict(zip(names, values, strict=True))


def _in_time(apex: np.ndarray, borders: np.ndarray, frames: int) -> np.ndarray:
    """``float64[frames, L]``: held around each apex, moving smoothly to the next.

    An AU that becomes active or inactive passes ``ACTIVE`` at the border: labels are the nearest event's.
    """
    t = np.arange(frames) + 0.5
    low = np.clip(np.searchsorted(borders, t) - 1, 0, len(apex) - 1)
    centre, half = (borders[low] + borders[low + 1]) / 2, np.diff(borders)[low] / 2
    late = t > centre
    other = np.clip(low + np.where(late, 1, -1), 0, len(apex) - 1)
    way = np.clip((np.abs(t - centre) / half - 0.3) / 0.7, 0, 1)[:, None]  # 0 while held, 1 at the border
    here, there = apex[low], apex[other]
    meeting = np.where((here >= ACTIVE) == (there >= ACTIVE), (here + there) / 2, ACTIVE)
    moved = meeting + (here - meeting) * np.cos(np.pi / 2 * way)
    return np.where(here >= ACTIVE, np.maximum(moved, ACTIVE), np.minimum(moved, np.nextafter(ACTIVE, 0)))


def _annotated(
    rng: np.random.Generator, model: LabelModel, shown: np.ndarray, active: np.ndarray, event: np.ndarray
) -> np.ndarray:
    """Codes ``int8[N, L]``; an annotator errs on an AU for a whole event, missing it or seeing one."""
    chance = np.where(active, model.seen()[1], model.seen()[0])
    written = (rng.random(active.shape) < chance)[event]
    codes = np.floor(shown)
    return np.where(written, np.maximum(codes, 2), np.minimum(codes, 1)).astype(np.int8)
