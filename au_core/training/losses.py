"""Equations 3-5, one function each, from logits."""

import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(d_real: Tensor, d_fake: Tensor) -> Tensor:
    """Eq. 3 from D's logits ``d_real[B]``, ``d_fake[B]``: -log D(y_r) - log(1 - D(R(x)))."""
    return F.softplus(-d_real).mean() + F.softplus(d_fake).mean()


def adversarial_loss(d_fake: Tensor) -> Tensor:
    """First term of Eq. 4 without its weight, from logits ``d_fake[B]``: -log D(R(x)).

    The non-saturating form, as Section 3.2 advises.
    """
    return F.softplus(-d_fake).mean()


def supervised_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Eq. 5, cross-entropy summed over AUs. ``logits[B, L]``, ``y[B, L]`` in {0, 1, -1} -> scalar.

    Unknown labels (-1) add nothing; the mean is over faces with any label (m1 in Algorithm 1).
    """
    known = y >= 0
    ce = F.binary_cross_entropy_with_logits(logits, y.clamp(min=0).to(logits.dtype), reduction="none")
    return (ce * known).sum() / known.any(dim=1).sum().clamp(min=1)


def recognizer_loss(adversarial: Tensor, supervised: Tensor, alpha: float) -> Tensor:
    """Eq. 4: alpha * adversarial + (1 - alpha) * supervised."""
    return alpha * adversarial + (1 - alpha) * supervised
