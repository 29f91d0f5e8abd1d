"""From faces to probabilities: the one way R is applied, in validation, evaluation and on video."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
import torch

from au_core.aus import UNKNOWN, DatasetSpec
from au_core.data.faces import Faces, fingerprint, fit_face
from au_core.data.files import write_table
from au_core.data.fold import load_split
from au_core.data.schema import prediction_schema
from au_core.errors import DatasetError
from au_core.fold_plan import FoldPlan
from au_core.models.checkpoint import load_recognizer
from au_core.models.device import float32_switches
from au_core.models.recognizer import Recognizer
from au_core.run_folder import RunFolder

BATCH = 64
_ALONE = Lock()


@torch.inference_mode()
def predict_faces(recognizer: Recognizer, faces: Sequence[np.ndarray] | np.ndarray, size: int) -> np.ndarray:
    """Probabilities ``float32[N, L]`` of ``faces[N, H, W, 3]`` uint8 RGB, which R sees at ``size`` pixels.

    Always in float32 and evaluation mode, on R's own device, a batch at a time; R is left as it was.
    """
    parts = [np.empty((0, recognizer.head.out_features), np.float32)]
    with in_float32(recognizer):
        for start in range(0, len(faces), BATCH):
            fitted = np.stack([fit_face(face, size) for face in faces[start : start + BATCH]])
            x = torch.from_numpy(fitted).to(recognizer.mean.device).permute(0, 3, 1, 2)  # [B, 3, S, S]
            parts.append(recognizer(x).sigmoid().cpu().numpy())
    return np.concatenate(parts)


@contextmanager
def in_float32(recognizer: Recognizer) -> Iterator[None]:
    """R as it predicts: not training, no bfloat16, no TF32, whatever the program around it has set.

    These are switches of the whole process, so threads that predict take turns; after them each stands where
    it stood, whatever ``torch.backends.fp32_precision`` is set to later.
    """
    device = recognizer.mean.device
    kinds = float32_switches(device)
    with _ALONE, torch.autocast(device.type, enabled=False):
        was_training, was_bf16 = recognizer.training, recognizer.bf16
        before = [kind.fp32_precision for kind in kinds]
        recognizer.eval().bf16 = False
        try:
            for kind in kinds:
                kind.fp32_precision = "ieee"
            yield
        finally:
            for kind, precision in zip(kinds, before, strict=True):
                kind.fp32_precision = precision
            recognizer.train(was_training).bf16 = was_bf16


def predict_set(
    recognizer: Recognizer, faces: Faces, size: int, pool: ThreadPoolExecutor | None = None
) -> np.ndarray:
    """Probabilities ``float32[N, L]`` of stored faces, a batch at a time."""
    starts = range(0, len(faces) or 1, BATCH)  # of no faces, one empty batch
    batches = (np.arange(start, min(start + BATCH, len(faces))) for start in starts)
    parts = [predict_faces(recognizer, faces.decode(rows, size, pool), size) for rows in batches]
    return np.concatenate(parts)


def predict_run(plan: FoldPlan, folder: RunFolder, faces: Path, device: torch.device) -> None:
    """Write ``predictions.parquet`` of a finished training: the only look at its test subjects.

    Raises:
        DatasetError: ``faces`` are no longer those it was planned for.
    """
    if fingerprint(faces) != plan.faces:
        raise DatasetError(
            f"{faces} has changed since {plan.label} was trained; scores of other faces would stand beside "
            "those of other trainings. Make the faces again as they were, or train again"
        )
    torch.set_num_threads(plan.scaling.cpus_per_worker)
    recognizer, card = load_recognizer(folder.model)
    recognizer.to(device)
    with ThreadPoolExecutor(plan.scaling.cpus_per_worker) as pool:
        tables = [prediction_schema(plan.spec.aus).empty_table()]
        for split in plan.splits:
            part = load_split(plan, faces, split)
            prob = predict_set(recognizer, part, card.input_size, pool)
            tables.append(prediction_rows(part, prob, split, plan.spec))
    write_table(pa.concat_tables(tables), folder.predictions)


def prediction_rows(faces: Faces, prob: np.ndarray, split: str, spec: DatasetSpec) -> pa.Table:
    """The rows of ``predictions.parquet`` for one split, from ``prob[N, L]``."""
    values: list = [faces.subject, faces.sequence, faces.frame, [split] * len(faces)]
    for j in range(len(spec.aus)):
        y = faces.labels[:, j]
        values += [pa.array(y, mask=y == UNKNOWN), pa.array(prob[:, j])]
    schema = prediction_schema(spec.aus)
    arrays = [pa.array(value, field.type) for value, field in zip(values, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
