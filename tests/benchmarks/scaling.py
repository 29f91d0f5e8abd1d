"""How a training would grow to N devices, from this machine's own step, all-reduce and input figures.

    uv run tests/benchmarks/scaling.py

The global batch grows with N, 64 faces a device; a step takes the longer of computing and of its pictures,

    t(N) = max(c + 2 (N - 1) / N * g / b, 2 m / (k d))

with c the time of both updates for a device's m faces, g R's gradients in bytes, b the bandwidth of the
slowest link, k the cores of a device, d the faces a core delivers a second; nothing of the all-reduce is
taken to hide behind the backward pass. c is measured on the GPU where there is one; b between two processes
of this machine, which says nothing of a cluster: give its own by ``--bandwidth``.
"""

import argparse
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import torch
import torch.distributed as dist
from bare_limit import M, loop_rate
from common import GPU, write_faces
from feeding import batch_rate, sampler
from torch.multiprocessing import get_context
from torch.multiprocessing.spawn import spawn
from torchvision.models import resnet50

ROUNDS = 10


def gradient_bytes() -> int:
    """Of ResNet-50 with 12 outputs, in float32."""
    return sum(p.numel() for p in resnet50(num_classes=12).parameters()) * 4


def _reduce(rank: int, size: int, address: str, answer: "SimpleQueue[float]") -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    gradients = torch.ones(size // 4)
    dist.all_reduce(gradients)
    started = time.perf_counter()
    for _ in range(ROUNDS):
        dist.all_reduce(gradients)
    if rank == 0:
        answer.put(ROUNDS * size / (time.perf_counter() - started))
    dist.destroy_process_group()


def link_bandwidth(size: int) -> float:
    """Bytes a second of an all-reduce between two processes here (of two, each sends ``size`` bytes once)."""
    answer = get_context("spawn").SimpleQueue()
    with tempfile.TemporaryDirectory() as scratch:
        spawn(_reduce, (size, f"file://{scratch}/meet", answer), nprocs=2)
    return answer.get()


def core_rate() -> float:
    """Faces a second that one core decodes and stacks."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(1) as pool:
        draw = sampler(write_faces(Path(scratch)), pool)
        batch_rate(draw)
        rate = batch_rate(draw)
    os.sched_setaffinity(0, cores)
    return rate


def step_seconds(n: int, c: float, g: float, b: float, k: float, d: float) -> dict[str, float]:
    """What a step of ``n`` devices waits for: the larger is its time."""
    return {"computing": c + 2 * (n - 1) / n * g / b, "pictures": 2 * M / (k * d)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bandwidth", type=float, help="GB/s of the cluster's slowest link")
    parser.add_argument("--cores", type=float, default=8, help="cores that feed a device")
    parser.add_argument("--threads", type=int, default=2, help="cores that compute, without a GPU")
    parser.add_argument("--steps", type=int, default=100 if GPU else 4)
    args = parser.parse_args()
    d, g = core_rate(), gradient_bytes()
    b = args.bandwidth * 1e9 if args.bandwidth else link_bandwidth(g)
    c = M / loop_rate(args.steps, args.threads, keep_memory=True)
    device = torch.cuda.get_device_name() if GPU else f"{args.threads} cores"
    print(f"a step of {M} faces on {device}: {c:.3f} s; {g / 1e6:.0f} MB of gradients at {b / 1e9:.2f} GB/s;")
    print(f"{args.cores:g} cores deliver {args.cores * d:.0f} faces/s, a device wants {2 * M / c:.0f}")
    alone = max(step_seconds(1, c, g, b, args.cores, d).values())
    for n in (1, 2, 8, 16, 32, 64):
        waits = step_seconds(n, c, g, b, args.cores, d)
        longest = max(waits, key=lambda name: waits[name])
        t = waits[longest]
        print(
            f"{n:3} devices: {n * M / t:8.0f} images/s, {100 * alone / t:3.0f} % of {n} times one ({longest})"
        )


if __name__ == "__main__":
    main()
