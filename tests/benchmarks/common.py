"""What the training benchmarks share: faces, one plan, a training by Ray, and how two things are compared."""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import pyarrow as pa
import torch
from torch.profiler import ProfilerActivity, profile

from au_core.aus import BP4D
from au_core.config import AdversarialConfig, ScalingConfig, TrainConfig
from au_core.data.faces import fingerprint
from au_core.data.files import write_table
from au_core.data.fold import Sources, further_of
from au_core.data.schema import face_schema
from au_core.fold_plan import FoldPlan
from au_core.run_folder import RunFolder, read_history

SIZE = 224
GPU = torch.cuda.is_available()
CPUS = 8 if GPU else 2
"""Cores of a worker."""
WARM = 50 if GPU else 2
"""Steps before the first report, which are not timed."""


def write_faces(folder: Path, faces: int = 1024, validation: int = 8) -> Path:
    """Shards of the subjects ``train`` and ``val``: smooth pictures with grain, large as video faces."""
    rng = np.random.default_rng(0)
    for subject, n in (("train", faces), ("val", validation)):
        codes = rng.integers(0, 2, (n, len(BP4D.aus))).astype(np.int8)
        columns = {
            "dataset": ["BP4D"] * n,
            "sequence": ["T1"] * n,
            "frame": list(range(n)),
            "face_id": [0] * n,
            "face": [picture(rng) for _ in range(n)],
            "face_found": [True] * n,
            **{name: codes[:, j] for j, name in enumerate(BP4D.columns)},
        }
        write_shard(folder / f"subject={subject}" / "T1.parquet", columns)
    return folder


def write_shard(path: Path, columns: dict) -> None:
    """A face shard of ``columns``; the schema's others are null."""
    schema, n = face_schema(BP4D.aus), len(columns["frame"])
    rest = {field.name: pa.nulls(n, field.type) for field in schema if field.name not in columns}
    write_table(pa.table({**columns, **rest}, schema=schema), path)


def picture(rng: np.random.Generator) -> bytes:
    """A JPEG of quality 95, about 15 kB."""
    smooth = cv2.resize(rng.integers(0, 256, (14, 14, 3)).astype(np.float32), (SIZE, SIZE), None, 0, 0, 2)
    grain = rng.normal(0, 2, (SIZE, SIZE, 3))
    face = np.clip(smooth + grain, 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def plan(steps: int, m: int = 64, workers: int = 1, cpus: int = CPUS, **more) -> FoldPlan:
    """``ours`` with ResNet-50 at 224 pixels, half of the labels hidden; a report every ``WARM`` steps."""
    return FoldPlan(
        method="ours",
        missing_rate=0.5,
        fold=1,
        seed=0,
        spec=BP4D,
        train_subjects=("train",),
        val_subjects=("val",),
        test_subjects=("val",),
        faces="",
        adversarial=AdversarialConfig(m1=m // 2, m2=m // 2, steps=steps),
        train=TrainConfig(report_every=WARM, **more),
        scaling=ScalingConfig(workers=workers, cpus_per_worker=cpus, gpu=GPU),
    )


def train(faces: Path, out: Path, fold: FoldPlan) -> dict[str, float]:
    """Train by Ray, as ``train_fold.py`` does.

    Returns ``images/s`` of R's updates after the first ``WARM`` steps, and ``start``, the seconds until
    step 1 began.
    """
    from pipelines.machinery.cluster import connect
    from pipelines.machinery.group import claim, train_folds

    connect()
    folder, sources = RunFolder(out / uuid4().hex), Sources(coded=faces)
    further = further_of(sources, fold.adversarial, fold.train)
    fold = replace(fold, faces=fingerprint(faces), further=further)
    claim(folder, fold)
    called = time.time()
    train_folds([(fold, folder)], sources, predict=False)
    lines = read_history(folder.history)
    first, last = lines[0], lines[-1]
    images, seconds = fold.adversarial.m * (last["step"] - first["step"]), last["seconds"] - first["seconds"]
    return {
        "images/s": images / seconds if seconds else float("nan"),
        "start": first["time"] - first["seconds"] - called,
    }


def traced(run: Callable[[], object], activity: ProfilerActivity) -> list:
    """What torch's profiler saw of one kind while ``run`` ran."""
    with profile(activities=[activity]) as profiler:
        run()
    assert profiler.profiler is not None and profiler.profiler.kineto_results is not None
    return profiler.profiler.kineto_results.events()


def compare(title: str, unit: str, bar: str, repetitions: int, **sides: Callable[[], float]) -> float:
    """Run both sides in turn, print their figures and the ratio of first to second; returns its median."""
    (first, ours), (second, theirs) = sides.items()
    ratios = []
    for repetition in range(repetitions):
        a, b = ours(), theirs()
        ratios.append(a / b)
        print(f"  {repetition + 1}: {first} {a:.4g}, {second} {b:.4g} {unit}: {a / b:.3f}", flush=True)
    median = statistics.median(ratios)
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
    print(f"{title}: {median:.3f} ({spread} in {repetitions} repetitions; asked: {bar})", flush=True)
    return median
