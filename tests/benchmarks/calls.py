"""How many calls of torch a step makes, against the plain loop of the bare limit.

    uv run tests/benchmarks/calls.py

A GPU that trains ResNet-50 waits for the core that calls its kernels (au_core/SPEED.md), so calls are what a
step costs there; they are counted here without one. In bfloat16, with few and small faces: a count depends
on neither.
"""

import copy
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import torch
import torch.distributed as dist
from bare_limit import N_AUS, plain_step
from common import traced, write_faces
from feeding import sampler
from idle import SameBatch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.profiler import ProfilerActivity

from au_core.config import AdversarialConfig, TrainConfig
from au_core.training.adversarial import step
from au_core.training.game import new_game
from au_core.training.passive import without_statistics
from au_core.training.workers import REPLICATED

CPU = torch.device("cpu")
SIZE, CFG = 32, AdversarialConfig(m1=2, m2=2)


def calls(run: Callable[[], object]) -> int:
    """Calls of torch's operators in one run, those that operators make of each other included."""
    run()
    return sum(event.name().startswith("aten::") for event in traced(run, ProfilerActivity.CPU))


def tell(title: str, ours: Callable[[], object], other: str, theirs: Callable[[], object]) -> None:
    a, b = calls(ours), calls(theirs)
    print(f"{title}: {a}, {other} {b}: {a / b:.3f}")


def main() -> None:
    train = TrainConfig(backbone="resnet50", input_size=SIZE, precision="bf16")
    game = new_game(N_AUS, CFG, train, CPU)
    with tempfile.TemporaryDirectory() as scratch:
        faces = write_faces(Path(scratch), faces=64)
        with closing(sampler(faces, None, CFG, train)) as draw:
            batch = SameBatch(draw)
    plain = plain_step(CPU, True, CFG.m, SIZE)
    tell("a step", lambda: step(game, batch, CFG), "of the plain loop", plain)
    (x, _), R = batch.images(), game.bare_recognizer
    R.bf16 = False
    one_by_one = without_statistics(R)
    R.bf16 = True
    setattr(one_by_one, "bf16", True)  # noqa: B010
    with torch.no_grad():
        tell("a look at R", lambda: game.passive(x), "weights cast one by one", lambda: one_by_one(x))
    with tempfile.TemporaryDirectory() as scratch:
        dist.init_process_group("gloo", init_method=f"file://{scratch}/meet", rank=0, world_size=1)
        ours, usual = (learn(DistributedDataParallel(copy.deepcopy(R), **how), x) for how in (REPLICATED, {}))
        tell("R's gradients, replicated", ours, "as DDP does it unasked", usual)
        tell("R's gradients, replicated", ours, "one worker's", learn(R, x))
        dist.destroy_process_group()


def learn(net: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    """Gradients of ``net`` on the faces ``x``."""

    def run() -> None:
        net.zero_grad(set_to_none=True)
        net(x).square().sum().backward()

    return run


if __name__ == "__main__":
    main()
