"""Equations 3-5, one function each, from logits; what goes beyond the paper is off by default."""

import torch
import torch.nn.functional as F
from torch import Tensor

from au_core.training.workers import per_worker


def discriminator_loss(d_real: Tensor, d_fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """Eq. 3 from D's logits ``d_real[B]``, ``d_fake[B]``: -log D(y_r) - log(1 - D(R(x))).

    With ``smoothing`` s, real vectors are to be called real with probability 1 - s only (one-sided label
    smoothing; Salimans et al. 2016), so that D is never quite sure.
    """
    real = (1 - smoothing) * F.softplus(-d_real) + smoothing * F.softplus(d_real)
    return real.mean() + F.softplus(d_fake).mean()


def adversarial_loss(d_fake: Tensor) -> Tensor:
    """First term of Eq. 4 without its weight, from logits ``d_fake[B]``: -log D(R(x)).

    The non-saturating form, as Section 3.2 advises.
    """
    return F.softplus(-d_fake).mean()


def supervised_loss(logits: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
    """Eq. 5, cross-entropy summed over AUs. ``logits[B, L]``, ``y[B, L]`` in {0, 1, -1} -> scalar.

    Unknown labels (-1) add nothing; the mean is over the faces with any label (m1 in Algorithm 1), those
    of all workers, however they fall. ``weights[2, L]`` are those of absent and present AUs, 1 if None.
    """
    known = y >= 0
    ce = F.binary_cross_entropy_with_logits(logits, y.clamp(min=0).to(logits.dtype), reduction="none")
    if weights is not None:
        ce = ce * torch.where(y > 0, weights[1], weights[0])
    return (ce * known).sum() / per_worker(known.any(dim=1).sum())


def recognizer_loss(adversarial: Tensor | None, supervised: Tensor, alpha: float) -> Tensor:
    """Eq. 4: alpha * adversarial + (1 - alpha) * supervised; for alpha = 0 there is no adversarial term."""
    return supervised if adversarial is None else alpha * adversarial + (1 - alpha) * supervised
