"""What is true of the drawn labels, in closed form: rates and pair probabilities, true and as annotated."""

import numpy as np
from scipy.special import ndtr

from au_core.data.synthetic.expression import LabelModel


def active_rates(model: LabelModel, task: str | None = None) -> np.ndarray:
    """``float64[L]``: how often each AU is really active, in one task or overall."""
    return model.weights(task) @ ndtr(model.offsets - model.thresholds)


def pair_probabilities(model: LabelModel, task: str | None = None, annotated: bool = True) -> np.ndarray:
    """``float64[L, L]``: probability that both AUs of a pair are active in a frame; rates on the diagonal.

    Given the expression, two latents are bivariate normal. With ``annotated`` of the labels as written,
    else of what is really shown; annotators err on each AU independently.
    """
    weights, real = model.weights(task), active_rates(model, task)
    above = model.offsets - model.thresholds  # [E, L]
    both = np.einsum(
        "e,eij->ij", weights, both_positive(above[:, :, None], above[:, None], model.correlation)
    )
    np.fill_diagonal(both, real)
    if not annotated:
        return both
    false, hit = model.seen()
    gain = hit - false  # P(written | shown) = false + gain * shown
    written = (
        np.outer(false, false)
        + np.outer(false, gain * real)
        + np.outer(gain * real, false)
        + np.outer(gain, gain) * both
    )
    np.fill_diagonal(written, false + gain * real)
    return written


def conditional_truth(model: LabelModel, task: str | None = None, annotated: bool = True) -> np.ndarray:
    """``p[i, j] = P(AU_j | AU_i)`` of the generator, ``float64[L, L]``; the diagonal is 1."""
    both = pair_probabilities(model, task, annotated)
    conditional = both / np.diag(both)[:, None]
    np.fill_diagonal(conditional, 1)
    return conditional


def both_positive(a: np.ndarray, b: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """P(X > 0, Y > 0) of unit normals with means ``a``, ``b`` and correlation ``rho``; all broadcast.

    Plackett's integral over the correlation (Drezner & Wesolowsky 1990) with 24 Gauss-Legendre nodes.

    >>> float(both_positive(np.array(0.0), np.array(0.0), np.array(0.5)).round(6))  # 1/4 + asin(rho) / 2 pi
    0.333333
    """
    nodes, weights = np.polynomial.legendre.leggauss(24)
    rho = np.clip(rho, -0.999, 0.999)[..., None]  # the diagonal of a correlation matrix is not asked for
    r = rho * (nodes + 1) / 2
    a, b = np.asarray(a)[..., None], np.asarray(b)[..., None]
    density = np.exp(-(a**2 - 2 * r * a * b + b**2) / (2 * (1 - r**2))) / np.sqrt(1 - r**2)
    return ndtr(a[..., 0]) * ndtr(b[..., 0]) + (density * weights * rho / 2).sum(-1) / (2 * np.pi)
