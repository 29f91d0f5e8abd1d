"""Batches from the shards, decoded, moved and stacked, against bare JPEG decoding, both on one core.

uv run tests/benchmarks/feeding.py
"""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from common import SIZE, compare, write_faces

from au_core.aus import BP4D, UNKNOWN
from au_core.config import AdversarialConfig
from au_core.data.faces import load_faces
from au_core.data.sampling import Sampler

BATCHES = 40


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(1) as pool:
        faces = load_faces(write_faces(Path(scratch)), BP4D, ["train"])
        cfg = AdversarialConfig()
        labels = np.where(np.arange(len(faces))[:, None] % 2 == 0, faces.labels, UNKNOWN)
        draw = Sampler(faces, labels, cfg, size=SIZE, seed=0, augment=True, pool=pool)
        jpegs = [np.frombuffer(faces.jpeg(row), np.uint8) for row in range(len(faces))]
        print(f"{len(faces)} faces, {faces.length.mean() / 1000:.1f} kB each")

        def batches() -> float:
            started = time.perf_counter()
            for _ in range(BATCHES // 2):
                draw.images()
                draw.mixed()
            return BATCHES * cfg.m / (time.perf_counter() - started)

        def bare() -> float:
            started = time.perf_counter()
            for k in range(BATCHES * cfg.m):
                cv2.imdecode(jpegs[k % len(jpegs)], cv2.IMREAD_COLOR_RGB)
            return BATCHES * cfg.m / (time.perf_counter() - started)

        batches()
        compare("batches : bare decode", "faces/s", ">= 0.8", 7, batches=batches, bare=bare)


if __name__ == "__main__":
    main()
