"""A training through Ray from the shards against the bare limit, in images per second of R's updates.

The limit: the same networks, precision and updates of Algorithm 1 in a plain loop over random tensors that
lie in memory, in a process without Ray and without data. What the ratio lacks to 1 bounds the share of time
in which the processor, or the GPU where there is one, waits for anything but these updates.

    uv run tests/benchmarks/bare_limit.py
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from common import CPUS, GPU, SIZE, WARM, compare, plan, train, write_faces
from torch import nn
from torch.optim import Adam
from torchvision.models import resnet50

from au_core.models.device import computes_in_bf16
from pipelines.machinery.group import KEEP_MEMORY

N_AUS, M = 12, 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=200 if GPU else 4, help="steps that are timed")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--keep-memory", action="store_true", help="the workers' glibc settings for the loop")
    parser.add_argument("--loop", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.loop:
        print(plain_loop(args.steps, args.threads))
        return
    with tempfile.TemporaryDirectory() as scratch:
        faces = write_faces(Path(scratch) / "faces")
        fold = plan(args.steps + WARM, m=M)
        compare(
            "training : bare limit",
            "images/s",
            ">= 0.95" if GPU else ">= 0.93",
            args.repetitions,
            training=lambda: train(faces, Path(scratch), fold)["images/s"],
            bare=lambda: loop_rate(args.steps, CPUS, args.keep_memory),
        )


def loop_rate(steps: int, threads: int, keep_memory: bool) -> float:
    """Images per second of :func:`plain_loop` in a process of its own."""
    command = [sys.executable, __file__, "--loop", "--steps", str(steps), "--threads", str(threads)]
    settings = {**os.environ, **(KEEP_MEMORY if keep_memory else {})}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=settings)
    return float(done.stdout)


def plain_loop(steps: int, threads: int) -> float:
    """Images per second of Algorithm 1 on random tensors."""
    device = torch.device("cuda" if GPU else "cpu")
    torch.set_num_threads(threads)
    step = plain_step(device, computes_in_bf16(device), M, SIZE)

    def done() -> float:
        if GPU:
            torch.cuda.synchronize()
        return time.perf_counter()

    for _ in range(WARM):
        step()
    started = done()
    for _ in range(steps):
        step()
    return steps * M / (done() - started)


def plain_step(device: torch.device, bf16: bool, m: int, size: int) -> Callable[[], None]:
    """Both updates of Algorithm 1 on ``m`` random faces of ``size`` pixels, as anyone would write them."""
    R = resnet50()
    R.fc = nn.Linear(R.fc.in_features, N_AUS)
    R.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    D = nn.Sequential(
        nn.Linear(N_AUS, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
    ).to(device)
    opt_r, opt_d = Adam(R.parameters(), 1e-4, fused=True), Adam(D.parameters(), 1e-4, fused=True)
    x = torch.randn(m, 3, size, size, device=device).to(memory_format=torch.channels_last)
    y = torch.randint(0, 2, (m // 2, N_AUS), device=device).float()
    y_real, one, zero = y.repeat(2, 1), torch.ones(m, 1, device=device), torch.zeros(m, 1, device=device)
    bce = F.binary_cross_entropy_with_logits

    def recognize() -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            return R(x).float()

    def step() -> None:
        with torch.no_grad():
            y_fake = recognize().sigmoid()
        opt_d.zero_grad()
        (bce(D(y_real), one) + bce(D(y_fake), zero)).backward()
        opt_d.step()
        opt_r.zero_grad()
        logits = recognize()
        supervised = bce(logits[: m // 2], y, reduction="none").sum(1).mean()
        (0.01 * bce(D(logits.sigmoid()), one) + 0.99 * supervised).backward()
        opt_r.step()

    return step


if __name__ == "__main__":
    main()
