"""Batches from the shards, decoded, moved and stacked, against bare JPEG decoding, both on one core.

uv run tests/benchmarks/feeding.py
"""

import argparse
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from common import SIZE, compare, write_faces

from au_core.aus import BP4D, UNKNOWN
from au_core.config import AdversarialConfig, TrainConfig
from au_core.data.batches.sampling import Sampler
from au_core.data.faces import Faces, load_faces
from au_core.data.fold import TrainingSet

BATCHES = 40


def sampler(
    folder: Path,
    pool: ThreadPoolExecutor | None,
    cfg: AdversarialConfig | None = None,
    train: TrainConfig | None = None,
    **more,
) -> Sampler:
    """A sampler over the faces of ``folder``, half of them labelled; ``more`` are the sampler's own."""
    faces, train = load_faces(folder, BP4D, ["train"]), train or TrainConfig(input_size=SIZE)
    labels = np.where(np.arange(len(faces))[:, None] % 2 == 0, faces.labels, UNKNOWN)
    return Sampler(TrainingSet(faces, labels), cfg or AdversarialConfig(), train, 0, pool=pool, **more)


def batch_rate(draw: Sampler) -> float:
    """Faces a second in batches of both kinds."""
    started = time.perf_counter()
    for _ in range(BATCHES // 2):
        draw.images()
        draw.mixed()
    return BATCHES * draw.cfg.m / (time.perf_counter() - started)


def decode_rate(faces: Faces) -> float:
    """Faces a second by OpenCV alone."""
    jpegs = [np.frombuffer(faces.jpeg(row), np.uint8) for row in range(len(faces))]
    n, started = BATCHES * AdversarialConfig().m, time.perf_counter()
    for k in range(n):
        cv2.imdecode(jpegs[k % len(jpegs)], cv2.IMREAD_COLOR_RGB)
    return n / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--turn", type=float, default=0.0, help="turn faces as well (TrainConfig.turn)")
    parser.add_argument("--zoom", type=float, default=0.0, help="zoom faces as well (TrainConfig.zoom)")
    args = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(1) as pool:
        train = TrainConfig(input_size=SIZE, turn=args.turn, zoom=args.zoom)
        draw = sampler(write_faces(Path(scratch)), pool, train=train)
        faces = draw.faces
        print(f"{len(faces)} faces, {faces.length.mean() / 1000:.1f} kB each")
        batch_rate(draw)
        compare(
            "batches : bare decode", "faces/s", ">= 0.8", 7,
            batches=lambda: batch_rate(draw), bare=lambda: decode_rate(faces),
        )  # fmt: skip


if __name__ == "__main__":
    main()
