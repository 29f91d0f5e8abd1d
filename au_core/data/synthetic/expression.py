"""Which AUs are shown when: a Gaussian copula with the published rates and pair relations, smooth in time.

Each AU has a latent value, standard normal over people and time. It is active (intensity 2 or more) where
the latent exceeds the quantile of its published rate; so marginals hold by construction. Latents correlate
as published: pairs that occur together positively, pairs that exclude each other negatively.
"""

from functools import cache
from importlib.resources import files
from json import loads
from typing import Any

import numpy as np
from scipy.special import ndtri

from au_core.aus import AU_NAMES, au_column

AUS = tuple(AU_NAMES)
OTHER_RATES = {5: 0.04, 9: 0.05, 15: 0.06, 17: 0.1, 20: 0.035, 25: 0.28, 26: 0.1}
"""Rates of AUs that a dataset expresses without publishing them."""
OTHER_PAIRS = ((1, 5), (2, 5), (4, 9), (9, 10), (12, 25), (25, 26), (15, 17), (20, 25))
"""Pairs beyond the published list that occur together, as the anatomy suggests."""
TOGETHER, APART = 0.55, -0.25
"""Latent correlation of published pairs."""
BETWEEN_PEOPLE = 0.15
"""Share of a latent's variance that is a person's habit."""
SLOPE = 1.8
"""Intensities per standard deviation of the latent."""


@cache
def statistics() -> dict[str, Any]:
    """The published AU statistics (see the file's own ``source``)."""
    return loads(files("au_core.data.facts").joinpath("au_statistics.json").read_text())


@cache
def quantiles(dataset: str) -> np.ndarray:
    """``float64[17]``: the latent value from which each AU is active."""
    published = statistics()[dataset]["rate"]
    rates = [published.get(f"AU{au}", OTHER_RATES.get(au, 0.1)) for au in AUS]
    return ndtri(1 - np.array(rates))


@cache
def mixing() -> np.ndarray:
    """``float64[17, 17]`` turning independent normals into latents that correlate as published."""
    relations = statistics()["au_relations_JPML_on_BP4D"]
    correlation = np.eye(len(AUS))
    pairs = [(pair, TOGETHER) for pair in (*relations["positive_correlation"], *OTHER_PAIRS)]
    pairs += [(pair, APART) for pair in relations["negative_competition"]]
    for (a, b), value in pairs:
        i, j = AUS.index(a), AUS.index(b)
        correlation[i, j] = correlation[j, i] = value
    values, vectors = np.linalg.eigh(correlation)  # the nearest matrix that can be a correlation
    root = vectors * np.sqrt(np.clip(values, 1e-3, None))
    return root / np.linalg.norm(root, axis=1, keepdims=True)


def draw_intensities(dataset: str, subject: str, sequence: str, frames: int, seed: int) -> np.ndarray:
    """Intensities ``float64[frames, 17]`` in [0, 5] of every AU in ``AUS``; 2 and more is active."""
    habit = np.random.default_rng([seed, 1, *subject.encode()]).standard_normal(len(AUS))
    rng = np.random.default_rng([seed, 2, *f"{subject}/{sequence}".encode()])
    events = smooth_noise(rng, frames, len(AUS), event_length(frames))
    latent = (np.sqrt(BETWEEN_PEOPLE) * habit + np.sqrt(1 - BETWEEN_PEOPLE) * events) @ mixing().T
    return np.clip(2 + SLOPE * (latent - quantiles(dataset)), 0, 5)


def event_length(frames: int) -> float:
    """Frames from one event to the next: about a second, less in a short sequence so that it has several."""
    return float(np.clip(frames / 8, 3, 25))


def smooth_noise(rng: np.random.Generator, frames: int, n: int, spacing: float) -> np.ndarray:
    """``float64[frames, n]``, standard normal at every frame, independent beyond about ``spacing`` frames."""
    knots = rng.standard_normal((int(frames / spacing) + 3, n))
    t = np.arange(frames) / spacing + rng.random()
    low, part = t.astype(int), (t % 1)[:, None]
    part = part * part * (3 - 2 * part)  # no kinks at the knots: onset, apex, offset
    return (knots[low] * (1 - part) + knots[low + 1] * part) / np.sqrt(part**2 + (1 - part) ** 2)


def coded(intensities: np.ndarray) -> np.ndarray:
    """Intensity codes ``int8[frames, 17]`` in 0-5 as an annotator would write them."""
    return np.floor(intensities).astype(np.int8)


COLUMNS = tuple(au_column(au) for au in AUS)
