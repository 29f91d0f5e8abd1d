"""A training through Ray from the shards against the loop this field publishes, in images per second.

That loop: fp32, contiguous tensors, PIL decoding and torchvision transforms in a DataLoader, and R run
separately on D's batch, on labelled and on unlabelled faces.

    uv run tests/benchmarks/field_loop.py
"""

import argparse
import io
import subprocess
import sys
import tempfile
import time
from itertools import chain, islice, repeat
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from common import CPUS, GPU, WARM, compare, picture, plan, train, write_faces
from PIL import Image
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.models import resnet50

N_AUS, M = 12, 64


class Pictures(Dataset):
    """JPEGs in memory with random labels."""

    def __init__(self, n: int = 512) -> None:
        rng = np.random.default_rng(0)
        self.jpegs = [picture(rng) for _ in range(n)]
        self.labels = torch.from_numpy(rng.integers(0, 2, (n, N_AUS))).float()
        self.transform = transforms.Compose(
            [
                transforms.Pad(13, padding_mode="edge"),
                transforms.RandomCrop(224),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
            ]
        )

    def __len__(self) -> int:
        return len(self.jpegs)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        face: Tensor = self.transform(Image.open(io.BytesIO(self.jpegs[i])).convert("RGB"))  # pyright: ignore
        return face, self.labels[i]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=100 if GPU else 3, help="steps that are timed")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--loop", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.loop:
        print(field_loop(args.steps))
        return
    with tempfile.TemporaryDirectory() as scratch:
        faces = write_faces(Path(scratch) / "faces")
        fold = plan(args.steps + WARM, m=M)

        def field() -> float:
            command = [sys.executable, __file__, "--loop", "--steps", str(args.steps)]
            return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

        compare(
            "training : the field's loop",
            "images/s",
            ">= 2.5",
            args.repetitions,
            training=lambda: train(faces, Path(scratch), fold)["images/s"],
            field=field,
        )


def field_loop(steps: int) -> float:
    """Images per second of R's updates."""
    device = torch.device("cuda" if GPU else "cpu")
    torch.set_num_threads(CPUS)
    R = resnet50()
    R.fc = nn.Linear(R.fc.in_features, N_AUS)
    R.to(device)
    D = nn.Sequential(
        nn.Linear(N_AUS, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
    ).to(device)
    opt_r, opt_d = Adam(R.parameters(), 1e-4), Adam(D.parameters(), 1e-4)
    data, bce = Pictures(), F.binary_cross_entropy_with_logits
    loaders = [
        DataLoader(data, n, shuffle=True, num_workers=CPUS, drop_last=True) for n in (M, M // 2, M // 2)
    ]

    def step(batch: tuple) -> None:
        (x, y_real), (x1, y), (x2, _) = ([part.to(device) for part in pair] for pair in batch)
        opt_d.zero_grad()
        real, fake = D(y_real), D(torch.sigmoid(R(x)).detach())
        (bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))).backward()
        opt_d.step()
        opt_r.zero_grad()
        labelled, unlabelled = R(x1), R(x2)
        fake = D(torch.sigmoid(torch.cat([labelled, unlabelled])))
        supervised = bce(labelled, y, reduction="none").sum(1).mean()
        (0.01 * bce(fake, torch.ones_like(fake)) + 0.99 * supervised).backward()
        opt_r.step()

    batches = zip(*(chain.from_iterable(repeat(loader)) for loader in loaders), strict=True)
    for batch in islice(batches, WARM):
        step(batch)
    started = time.perf_counter()
    for batch in islice(batches, steps):
        step(batch)
    if GPU:
        torch.cuda.synchronize()
    return steps * M / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
