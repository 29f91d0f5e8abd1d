"""D: tells label vectors of the ground truth from R's predictions (Section 3.2)."""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class Noise(nn.Module):
    """Normal noise on D's input, so that hard 0 and 1 alone do not give real vectors away."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std

    def forward(self, y: Tensor) -> Tensor:
        """``y[B, L]`` with noise of standard deviation ``std``, anew at each call."""
        return y + self.std * torch.randn_like(y)


def build_discriminator(
    n_aus: int, hidden: int = 64, noise: float = 0.0, spectral: bool = False
) -> nn.Sequential:
    """Three-layer feedforward network from AU vectors ``[B, L]`` in [0, 1] to logits ``[B, 1]`` of "real".

    The paper gives neither widths nor activation: see ``au_core/PAPER.md``. ``noise`` on the input and
    ``spectral`` normalisation (Miyato et al. 2018) go beyond it.
    """
    widths = ((n_aus, hidden), (hidden, hidden), (hidden, 1))
    first, second, last = (spectral_norm(nn.Linear(*w)) if spectral else nn.Linear(*w) for w in widths)
    layers = [first, nn.LeakyReLU(0.2), second, nn.LeakyReLU(0.2), last]
    return nn.Sequential(*([Noise(noise)] if noise else []), *layers)
