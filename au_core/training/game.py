"""The two players of Algorithm 1 with their optimisers, and how they are saved between steps."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer

from au_core.config import AdversarialConfig, TrainConfig
from au_core.errors import LossError
from au_core.models.device import computes_in_bf16, float32_switches
from au_core.models.discriminator import build_discriminator
from au_core.models.recognizer import Recognizer
from au_core.training.passive import without_statistics
from au_core.training.workers import sum_over_workers, synchronised


@dataclass(frozen=True)
class Game:
    """R and D, each perhaps wrapped for DDP, with an Adam each (Section 3.2)."""

    recognizer: nn.Module
    discriminator: nn.Module
    opt_r: Optimizer
    opt_d: Optimizer

    @property
    def bare_recognizer(self) -> Recognizer:
        """R without its DDP wrapper."""
        net = bare(self.recognizer)
        assert isinstance(net, Recognizer)
        return net

    @cached_property
    def passive(self) -> nn.Module:
        """R as it predicts in training, without learning statistics: D's updates look at it often.

        R's running statistics must come from R's own updates alone, or ``o_wlc``, which has no updates of D,
        would differ in more than alpha. Made when it is first asked for, on R's device at that time.
        """
        return without_statistics(bare(self.recognizer))

    def state(self) -> dict[str, Any]:
        """Everything to go on from, as plain tensors; loads with ``weights_only=True``."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`state`."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, nn.Module | Optimizer]:
        nets = {"recognizer": bare(self.recognizer), "discriminator": bare(self.discriminator)}
        return {**nets, "opt_r": self.opt_r, "opt_d": self.opt_d}


def new_game(
    n_aus: int,
    cfg: AdversarialConfig,
    train: TrainConfig,
    device: torch.device,
    wrap: Callable[[nn.Module], nn.Module] = lambda net: net,
) -> Game:
    """R and D as they are configured, for ``n_aus`` AUs, at their start.

    Both go through ``wrap`` (moved to a device, replicated by DDP).
    """
    bf16 = train.precision == "bf16" or (train.precision == "auto" and computes_in_bf16(device))
    for switch in [] if bf16 else float32_switches(device):
        switch.fp32_precision = "ieee"  # of the whole process, which is a worker's own
    recognizer = Recognizer(train.backbone, n_aus, train.weights, bf16)
    if train.sync_batch_norm:
        synchronised(recognizer)
    r = wrap(recognizer.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
    d = wrap(build_discriminator(n_aus, cfg.hidden, cfg.noise, cfg.spectral))
    opt_r = AdamW(r.parameters(), cfg.lr_r, weight_decay=cfg.weight_decay, fused=True)
    return Game(r, d, opt_r, Adam(d.parameters(), cfg.lr_d, fused=True))


def seed(number: int, device: torch.device) -> None:
    """Seed what draws on the CPU and on ``device``; ``torch.manual_seed`` tries all kinds of devices."""
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(number)


def decay(game: Game, done: float) -> None:
    """Set both learning rates at the share ``done`` of all steps: half a cosine, from full to zero.

    Loshchilov & Hutter 2017, without restarts. Algorithm 1 says nothing of it.
    """
    for optimizer in (game.opt_r, game.opt_d):
        for group in optimizer.param_groups:
            group["lr"] = optimizer.defaults["lr"] * (1 + math.cos(math.pi * done)) / 2


def bare(net: nn.Module) -> nn.Module:
    """A network without its DDP wrapper."""
    return net.module if isinstance(net, nn.parallel.DistributedDataParallel) else net


@contextmanager
def frozen(net: nn.Module) -> Iterator[nn.Module]:
    """The bare network with its weights fixed: gradients pass through it, DDP sees none of them."""
    bare(net).requires_grad_(False)
    try:
        yield bare(net)
    finally:
        bare(net).requires_grad_(True)


def descend(optimizer: Optimizer, loss: Tensor, player: str) -> None:
    """One gradient step of ``player``, R or D; a loss that is no number stops all before weights change.

    Raises:
        LossError: the loss is infinite or NaN, on this worker or another: all stop together.
    """
    total = sum_over_workers(loss)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if not math.isfinite(total()):
        raise LossError(player, total())
    optimizer.step()
