"""Algorithm 1, to be read beside the paper."""

from typing import Protocol

import torch
from torch import Tensor

from au_core.config import AdversarialConfig
from au_core.training.game import Game, descend, frozen, passive
from au_core.training.losses import adversarial_loss, discriminator_loss, recognizer_loss, supervised_loss


class Draws(Protocol):
    """What Algorithm 1 needs from the data; ``au_core.data.sampling.Sampler`` is the real one."""

    def images(self) -> Tensor:
        """Faces from X."""
        ...

    def real_labels(self) -> Tensor:
        """Label vectors from Y^t."""
        ...

    def mixed(self) -> tuple[Tensor, Tensor]:
        """Labelled faces, then unlabelled ones, with their labels."""
        ...


def adversarial_step(game: Game, draw: Draws, cfg: AdversarialConfig) -> dict[str, Tensor]:
    """One pass of Algorithm 1, lines 3-11; the comments carry the paper's line numbers.

    Returns the losses of the last updates, detached: ``loss_d``, ``loss_r``, ``loss_sup``, ``loss_adv``.
    """
    R, D, losses = game.recognizer, game.discriminator, {}
    for _ in range(cfg.h_d if cfg.alpha > 0 else 0):  # line 3
        x, y_real = draw.images(), draw.real_labels()  # lines 4, 5
        with passive(R) as r:
            y_fake = r(x).sigmoid()
        d_real, d_fake = D(torch.cat([y_real, y_fake])).squeeze(1).split([len(y_real), len(y_fake)])
        losses["loss_d"] = discriminator_loss(d_real, d_fake)
        descend(game.opt_d, losses["loss_d"])  # line 6
    for _ in range(cfg.h_r):  # line 8
        x, y = draw.mixed()  # line 9: m1 labelled faces, then m2 whose labels are all -1
        logits = R(x)
        with frozen(D) as d:  # the bare network: DDP must not see D's gradients here
            losses["loss_adv"] = adversarial_loss(d(logits.sigmoid()).squeeze(1))
        losses["loss_sup"] = supervised_loss(logits, y)
        losses["loss_r"] = recognizer_loss(losses["loss_adv"], losses["loss_sup"], cfg.alpha)
        descend(game.opt_r, losses["loss_r"])  # line 10
    return {name: loss.detach() for name, loss in losses.items()}
