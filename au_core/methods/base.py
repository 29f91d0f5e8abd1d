"""What a method must offer to be trained by the loop."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from au_core.config import AdversarialConfig, TrainConfig
from au_core.training.adversarial import Draws
from au_core.training.game import Game


class Method(Protocol):
    """Trained by the DDP loop: networks to build, and a step to repeat."""

    cfg: AdversarialConfig
    """Its knobs, after the method has fixed its own (``o_wlc`` has alpha = 0)."""

    def build(
        self, n_aus: int, train: TrainConfig, device: torch.device, wrap: Callable[[nn.Module], nn.Module]
    ) -> Game:
        """Networks for ``n_aus`` AUs, each through ``wrap``, with their optimisers."""
        ...

    def step(self, game: Game, draw: Draws) -> dict[str, Tensor]:
        """One step; returns detached losses by name."""
        ...

    def watch(self, game: Game, labels: np.ndarray) -> dict[str, float]:
        """More numbers for a report, from labels ``int8[N, L]`` of the validation subjects."""
        ...
