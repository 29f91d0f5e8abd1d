"""R applied to faces that were found and stored before: a shard in, the CSV of its video out."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from au_core.data.faces import decode_face
from au_core.data.files import whole
from au_core.evaluation.predict import BATCH, predict_faces
from au_core.models.card import ModelCard
from au_core.models.recognizer import Recognizer
from au_core.output.openface import CsvRows

_COLUMNS = ["frame", "timestamp", "face_id", "face", "face_found", "confidence", "points"]


def predict_shard(
    shard: Path,
    recognizer: Recognizer,
    card: ModelCard,
    table: Path,
    alive: Callable[[], object] = lambda: None,
) -> int:
    """Write the CSV of a shard's video; returns how many faces it has.

    Whole or absent. The rows are those of ``pipelines/predict_video.py``, but that the person who is the main
    face of most frames has id 0. ``alive`` is called before each batch.

    Raises:
        FullDiskError: no room for the table.
        Exception: whatever reading a damaged shard leads to.
    """
    faces = 0
    with whole(table) as temporary, temporary.open("w", newline="") as file:
        writer = CsvRows(file, card)
        for rows in _batches(shard):
            alive()
            faces += _write_batch(writer, rows, recognizer, card)
    return faces


def _batches(shard: Path) -> Iterator[list[dict]]:
    with pq.ParquetFile(shard) as file:
        for batch in file.iter_batches(BATCH, columns=_COLUMNS):
            yield batch.to_pylist()


def _write_batch(writer: CsvRows, rows: list[dict], recognizer: Recognizer, card: ModelCard) -> int:
    """Write a batch of face rows; returns how many have a face."""
    faces = [decode_face(row["face"], card.input_size) for row in rows if row["face_found"]]
    prob = iter(card.answers(predict_faces(recognizer, faces, card.input_size)))
    for row in rows:
        when = row["frame"], row["timestamp"]
        if row["face_found"]:
            points = np.array(row["points"], np.float32).reshape(3, 2)
            writer.face(*when, row["face_id"], points, row["confidence"], next(prob))
        else:
            writer.no_face(*when)
    return len(faces)
