"""Toy faces: each AU is a bright patch, so that a tiny network learns them in seconds."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
from torch import Tensor

from au_core.aus import BP4D, UNKNOWN
from au_core.data.batches.sampling import Sampler
from au_core.data.files import write_table
from au_core.data.schema import face_schema
from au_core.models.card import ModelCard, save_thresholds
from au_core.models.checkpoint import save_recognizer
from au_core.models.recognizer import Recognizer

CARD = ModelCard(backbone="resnet10", spec=BP4D, input_size=32, face_size=224)
PEOPLE = ("F001", "F002", "F003", "F004", "F005", "F006", "F008", "F011", "F012", "M001", "M002", "M003")
"""Four subjects of each of BP4D's three parts."""


def toy_face(
    labels: np.ndarray, rng: np.random.Generator, size: int = 32, coloured: bool = False
) -> np.ndarray:
    """``uint8[size, size, 3]`` with patch ``j`` of a 4 x 4 grid bright where label ``j`` is 1.

    Bright in one of the three colours if ``coloured``, every third patch in the same.
    """
    face = rng.integers(40, 90, (size, size, 3), dtype=np.uint8)
    for j in np.flatnonzero(labels == 1):
        y, x = divmod(int(j), 4)
        face[y * 8 : y * 8 + 8, x * 8 : x * 8 + 8, [j % 3] if coloured else slice(3)] += 120
    return face


def write_toy_faces(
    folder: Path,
    subjects: Sequence[str] = PEOPLE,
    frames: int = 12,
    aus: Sequence[int] = BP4D.aus,
    unknown: float = 0.0,
    lost: int = 0,
    dataset: str = "BP4D",
    coloured: bool = False,
) -> Path:
    """Face shards of ``subjects`` in ``folder``; some labels unknown, the last ``lost`` faces not found."""
    for subject in subjects:
        rng = np.random.default_rng(list(subject.encode()))
        labels = rng.integers(0, 2, (frames, len(aus))).astype(np.int8)
        labels[rng.random(labels.shape) < unknown] = UNKNOWN
        shard = toy_shard(labels, rng, aus, lost, dataset, coloured)
        write_table(shard, folder / f"subject={subject}" / "T1.parquet")
    return folder


def toy_shard(
    labels: np.ndarray,
    rng: np.random.Generator,
    aus: Sequence[int],
    lost: int,
    dataset: str,
    coloured: bool = False,
) -> pa.Table:
    n = len(labels)
    found = [i < n - lost for i in range(n)]
    jpegs = [cv2.imencode(".jpg", toy_face(row, rng, coloured=coloured))[1].tobytes() for row in labels]
    columns = {
        "dataset": [dataset] * n,
        "sequence": ["T1"] * n,
        "frame": list(range(100, 100 + n)),
        "face_id": [0] * n,
        "face": [jpeg if ok else None for jpeg, ok in zip(jpegs, found, strict=True)],
        "face_found": found,
        "confidence": [0.9] * n,
        "points": [[1.0] * 6] * n,
    }
    codes = {f"AU{au:02d}": pa.array(labels[:, j], mask=labels[:, j] < 0) for j, au in enumerate(aus)}
    schema, known = face_schema(aus), {**columns, **codes}
    return pa.table({name: known.get(name, [None] * n) for name in schema.names}, schema=schema)


def stream_of(draw: Sampler, steps: int) -> list[Tensor]:
    """All that is drawn for so many steps."""
    return [
        tensor for _ in range(steps) for tensor in (draw.images()[0], draw.real_labels(), *draw.mixed()[:2])
    ]


def write_untrained_model(run: Path) -> Path:
    """A run folder with an untrained network; AU12 is always active, AU01 never."""
    save_recognizer(Recognizer("resnet10", 12), CARD, run / "model")
    save_thresholds({**dict.fromkeys(BP4D.columns, 0.5), "AU12": 0.0, "AU01": 1.01}, run / "model")
    return run
