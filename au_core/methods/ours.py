"""The paper's method: R against D by Algorithm 1."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from au_core.config import AdversarialConfig, TrainConfig
from au_core.models.discriminator import build_discriminator
from au_core.models.recognizer import Recognizer, computes_in_bf16
from au_core.training.adversarial import Draws, accuracy_on_real, adversarial_step, shared_step
from au_core.training.game import Game, build_game
from au_core.training.workers import synchronised


class Adversarial:
    """Eq. 3-5 with the weight alpha; alpha = 0 is O-wlc."""

    def __init__(self, cfg: AdversarialConfig) -> None:
        self.cfg = cfg

    def build(
        self, n_aus: int, train: TrainConfig, device: torch.device, wrap: Callable[[nn.Module], nn.Module]
    ) -> Game:
        """R with the configured backbone, D with the configured width."""
        bf16 = train.precision == "bf16" or (train.precision == "auto" and computes_in_bf16(device))
        recognizer, cfg = Recognizer(train.backbone, n_aus, train.weights, bf16), self.cfg
        if train.sync_batch_norm:
            synchronised(recognizer)
        discriminator = build_discriminator(n_aus, cfg.hidden, cfg.noise, cfg.spectral)
        return build_game(recognizer, discriminator, cfg.lr_r, cfg.lr_d, wrap)

    def step(self, game: Game, draw: Draws) -> dict[str, Tensor]:
        """One pass of Algorithm 1's outer loop."""
        step = shared_step if self.cfg.reuse_batch else adversarial_step
        return step(game, draw, self.cfg)

    def watch(self, game: Game, labels: np.ndarray) -> dict[str, float]:
        """``val/d_real``: how often D is right on real vectors it has never learned from."""
        if self.cfg.alpha == 0:
            return {}
        y = torch.from_numpy(labels[(labels >= 0).any(axis=1)])
        return {"val/d_real": accuracy_on_real(game, y)}
