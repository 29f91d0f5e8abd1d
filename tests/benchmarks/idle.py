"""What share of a training the GPU computes nothing, and whether it ever waits for faces.

    uv run tests/benchmarks/idle.py

Algorithm 1 as a worker runs it, ResNet-50 at 224 pixels, from Parquet shards and from the same batches lying
in the GPU's memory. Busy is the time in which some kernel runs, by torch's profiler, which slows the
processor a little; images a second are of R's updates, measured without it. Without a GPU it prints speeds
alone.
"""

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import torch
from common import GPU, SIZE, compare, traced, write_faces
from feeding import sampler
from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity

from au_core.config import AdversarialConfig, TrainConfig
from au_core.data.batches.sampling import Sampler
from au_core.training.adversarial import Coded, Draws, step
from au_core.training.game import new_game

DEVICE = torch.device("cuda" if GPU else "cpu")
WARM = 20 if GPU else 1


class SameBatch(Draws):
    """One batch of each kind, in the device's memory: what feeding without any cost would be."""

    class_weights = None

    def __init__(self, draw: Sampler) -> None:
        self._images, self._real, self._mixed = draw.images(), draw.real_labels(), draw.mixed()

    def images(self) -> tuple[torch.Tensor, Coded]:
        return self._images

    def real_labels(self) -> torch.Tensor:
        return self._real

    def mixed(self) -> tuple[torch.Tensor, torch.Tensor, Coded]:
        return self._mixed


class Training:
    """R and D with one way of drawing."""

    def __init__(self, draw: Draws) -> None:
        self.draw, self.cfg = draw, AdversarialConfig()
        settings = TrainConfig(backbone="resnet50", input_size=SIZE)
        self.game = new_game(12, self.cfg, settings, DEVICE, lambda net: net.to(DEVICE))
        self.run(WARM)

    def run(self, steps: int) -> float:
        """Images per second of R's updates."""
        started = time.perf_counter()
        for _ in range(steps):
            step(self.game, self.draw, self.cfg)
        if GPU:
            torch.cuda.synchronize()
        return steps * self.cfg.m / (time.perf_counter() - started)

    def idle(self, steps: int) -> float:
        """Share of the time from the first kernel to the last in which none runs."""
        events = traced(lambda: self.run(steps), ProfilerActivity.CUDA)
        kernels = [event for event in events if _is_kernel(event)]
        spans = sorted((event.start_ns(), event.start_ns() + event.duration_ns()) for event in kernels)
        busy, until = 0, spans[0][0]
        for start, end in spans:
            busy += max(0, end - max(start, until))
            until = max(until, end)
        return 1 - busy / (until - spans[0][0])


def _is_kernel(event) -> bool:
    """Copies do not count: they run beside kernels."""
    return event.device_type() == DeviceType.CUDA and not event.name().startswith(("Memcpy", "Memset"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=200 if GPU else 2)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--processes", type=int, default=4 if GPU else 0, help="that decode faces, of a kind")
    parser.add_argument("--threads", type=int, default=2, help="that decode them if there are no processes")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(args.threads) as pool:
        with closing(
            sampler(write_faces(Path(scratch)), pool, device=DEVICE, processes=args.processes)
        ) as draw:
            shards, memory = Training(draw), Training(SameBatch(draw))
            compare(
                "from shards : from memory", "images/s", ">= 0.95", args.repetitions,
                shards=lambda: shards.run(args.steps), memory=lambda: memory.run(args.steps),
            )  # fmt: skip
            if GPU:
                print(f"idle from shards {shards.idle(50):.3f}, from memory {memory.idle(50):.3f}")


if __name__ == "__main__":
    main()
