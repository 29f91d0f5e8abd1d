"""D: tells label vectors of the ground truth from R's predictions (Section 3.1)."""

from torch import nn


def build_discriminator(n_aus: int, hidden: int = 64) -> nn.Sequential:
    """Three-layer feedforward network from AU vectors ``[B, L]`` in [0, 1] to logits ``[B, 1]`` of "real".

    The paper gives neither widths nor activation: see ``au_core/PAPER.md``.
    """
    return nn.Sequential(
        nn.Linear(n_aus, hidden),
        nn.LeakyReLU(0.2),
        nn.Linear(hidden, hidden),
        nn.LeakyReLU(0.2),
        nn.Linear(hidden, 1),
    )
