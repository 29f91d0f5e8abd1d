"""Algorithm 1, to be read beside the paper."""

from typing import Protocol

import torch
from torch import Tensor

from au_core.config import AdversarialConfig
from au_core.training.game import Game, bare, descend, frozen
from au_core.training.losses import adversarial_loss, discriminator_loss, recognizer_loss, supervised_loss

Losses = dict[str, Tensor]
"""Detached scalars by name: losses of the last updates, and D's accuracies before its update."""


Coded = Tensor | None
"""``bool[m, L]``: AUs that the dataset of each face codes; None: all."""


class Draws(Protocol):
    """What Algorithm 1 needs from the data; ``au_core.data.batches.sampling.Sampler`` is the real one."""

    class_weights: Tensor | None
    """Weights ``[2, L]`` of absent and present AUs in Eq. 5; None: 1, as in the paper."""

    def images(self) -> tuple[Tensor, Coded]:
        """Faces from X."""
        ...

    def real_labels(self) -> Tensor:
        """Label vectors from Y^t, -1 where an AU is not known."""
        ...

    def mixed(self) -> tuple[Tensor, Tensor, Coded]:
        """Labelled faces, then unlabelled ones, with their labels."""
        ...


def step(game: Game, draw: Draws, cfg: AdversarialConfig) -> Losses:
    """One pass of Algorithm 1's outer loop, as the settings have it."""
    return (shared_step if cfg.reuse_batch else adversarial_step)(game, draw, cfg)


def adversarial_step(game: Game, draw: Draws, cfg: AdversarialConfig) -> Losses:
    """One pass of Algorithm 1, lines 3-11; the comments carry the paper's line numbers."""
    R, y_real, losses = game.recognizer, None, {}
    for _ in range(cfg.h_d if cfg.alpha > 0 else 0):  # line 3
        (x, coded), y_real = draw.images(), draw.real_labels()  # lines 4, 5
        with torch.no_grad():
            logits = game.passive(x)
        losses |= update_discriminator(game, y_real, logits, known_by_both(y_real, coded), cfg)  # line 6
    for _ in range(cfg.h_r):  # line 8
        x, y, coded = draw.mixed()  # line 9: m1 labelled faces, then m2 whose labels are all -1
        shared = None if y_real is None else known_by_both(y_real, coded)
        losses |= update_recognizer(game, R(x), y, shared, cfg, draw.class_weights)  # line 10
    return losses


def shared_step(game: Game, draw: Draws, cfg: AdversarialConfig) -> Losses:
    """Algorithm 1 with one batch for both players (H_D = H_R = 1): R looks at faces once, not twice.

    D learns from the faces of line 9, m1 of them labelled, where line 4 draws from X at large.
    """
    (x, y, coded), shared, losses = draw.mixed(), None, {}
    logits = game.recognizer(x)
    if cfg.alpha > 0:
        y_real = draw.real_labels()
        shared = known_by_both(y_real, coded)
        losses = update_discriminator(game, y_real, logits.detach(), shared, cfg)
    return losses | update_recognizer(game, logits, y, shared, cfg, draw.class_weights)


def update_discriminator(
    game: Game, y_real: Tensor, logits: Tensor, shared: Tensor, cfg: AdversarialConfig
) -> Losses:
    """Line 6: D learns to tell ``y_real[m, L]`` from R's predictions with ``logits[m, L]`` (Eq. 3).

    ``shared``, ``bool[m, L]``, are the AUs by which it may.
    """
    vectors = torch.cat([blanked(y_real.to(logits.dtype), shared), blanked(as_vectors(logits, cfg), shared)])
    d_real, d_fake = game.discriminator(vectors).squeeze(1).chunk(2)
    loss = discriminator_loss(d_real, d_fake, cfg.label_smoothing)
    descend(game.opt_d, loss, "D")
    right = {"d_real": d_real > 0, "d_fake": d_fake < 0}
    return {"loss_d": loss.detach(), **{name: share.float().mean() for name, share in right.items()}}


def update_recognizer(
    game: Game,
    logits: Tensor,
    y: Tensor,
    shared: Tensor | None,
    cfg: AdversarialConfig,
    weights: Tensor | None,
) -> Losses:
    """Line 10: R learns labels ``y[m, L]`` and to pass for real before D (Eq. 4), from ``logits[m, L]``.

    D looks at the AUs ``shared``, ``bool[m, L]``; None where it plays no part (alpha = 0).
    """
    losses, adversarial = {"loss_sup": supervised_loss(logits, y, weights)}, None
    if shared is not None:
        with frozen(game.discriminator) as d:  # the bare network: DDP must not see D's gradients here
            adversarial = adversarial_loss(d(blanked(as_vectors(logits, cfg), shared)).squeeze(1))
        losses["loss_adv"] = adversarial
    losses["loss_r"] = recognizer_loss(adversarial, losses["loss_sup"], cfg.alpha)
    descend(game.opt_r, losses["loss_r"], "R")
    return {name: loss.detach() for name, loss in losses.items()}


@torch.no_grad()
def accuracy_on_real(game: Game, y_real: Tensor) -> float:
    """How often D is right on real label vectors ``y_real[N, L]``; D stays as it is."""
    D = bare(game.discriminator)
    device = next(D.parameters()).device
    vectors = blanked(y_real.float(), y_real >= 0).to(device)
    right = D.eval()(vectors) > 0  # in training mode spectral norm goes on to estimate
    D.train()
    return right.float().mean().item()


def as_vectors(logits: Tensor, cfg: AdversarialConfig) -> Tensor:
    """R's predictions ``[B, L]`` as D sees them: probabilities, or samples that gradients flow through.

    Probabilities are Eq. 3 as written; relaxed Bernoulli samples (Maddison et al. 2017; Jang et al. 2017)
    lie near 0 and 1, ``hard`` ones are 0 or 1, as labels are, with the gradients of the relaxed ones.
    """
    if not cfg.relaxed:
        return logits.sigmoid()
    noise = torch.rand_like(logits).logit(torch.finfo(logits.dtype).eps)  # logistic, without its far tails
    soft = ((logits + noise) / cfg.relaxed).sigmoid()
    return (soft > 0.5) + (soft - soft.detach()) if cfg.hard else soft


def known_by_both(y_real: Tensor, coded: Coded) -> Tensor:
    """``bool[m, L]``: known in ``y_real[m, L]``, and coded by the dataset of the face beside it (``coded``).

    Where datasets are mixed a vector's blanks tell which one it is of, and AUs are more frequent in one than
    in another: D would tell it from the best answer to a face of another dataset.
    """
    return y_real >= 0 if coded is None else (y_real >= 0) & coded


def blanked(vectors: Tensor, shared: Tensor) -> Tensor:
    """``vectors[B, L]`` with 0.5 for all AUs but the ``shared`` ones: D compares what is known.

    Real and fake vectors are blanked alike, so the blanks themselves tell D nothing.
    """
    return torch.where(shared, vectors, 0.5)
