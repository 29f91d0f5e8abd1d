"""One sequence from its source to its Parquet shard; whatever goes wrong becomes a line, never a crash."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from au_core.config import PreprocessConfig
from au_core.data.files import whole
from au_core.data.layouts import LAYOUTS
from au_core.data.names import readable
from au_core.data.provenance import content_hash, shard_metadata, signature
from au_core.data.readers import read_rows
from au_core.data.schema import FrameRows, SequenceRef, face_schema, shard_path
from au_core.data.synthetic import TWIN_CARD
from au_core.errors import DatasetError, words_of
from au_core.face.detect import Detector
from au_core.face.rows import FaceRows, Row
from au_core.face.yunet import detector_identity

FORMAT = 4
"""Raised when face rows get other columns or meanings: shards of another format are made anew."""
ROW_GROUP = 256
"""Faces held in memory at a time."""

Status = dict[str, Any]
"""A row of ``quality.parquet``."""


def prepare_sequence(
    ref: SequenceRef,
    detector: Detector | None,
    cfg: PreprocessConfig,
    folder: Path,
    alive: Callable[[], object] = lambda: None,
) -> Status:
    """Write the shard of ``ref`` below ``folder``, or find that it is there; returns its quality row.

    ``detector`` finds the faces; where it is None, the dataset's own landmarks say where they are. ``alive``
    is called before each frame, and while the files are read.
    """
    coded, shard = None if ref.labels else 0, shard_path(folder, ref)
    try:
        before, digest = signature(ref), content_hash(ref, alive)
        status = _known(shard_metadata(shard), settings_of(cfg, ref.layout), digest)
        if status is None:
            shard.unlink(missing_ok=True)  # made from other files or with other settings
            rows = _read(ref, detector)
            coded = int(rows.coded.sum())
            status = _prepare(rows, detector, cfg, shard, digest, alive)
        return {**status, "signature": before}
    except Exception as error:
        with suppress(OSError):  # of an earlier one nobody knows whether it is of these files
            shard.unlink(missing_ok=True)
        return failed(ref, words_of(error), coded)


def failed(ref: SequenceRef, reason: str, coded: int | None = None) -> Status:
    """The quality row of a sequence that gave no face row; ``coded`` frames, if that much is known."""
    counts = {"frames_coded": coded, "frames_decoded": 0, "frames_lost": coded or 0}
    counts |= {"faces_found": 0, "faces_coded": 0}
    nothing = {"content_hash": None, "flagged": "", "signature": None}
    return {**ref.quality_key, **counts, "status": "failed", "reason": _one_line(reason), **nothing}


def _one_line(reason: str) -> str:
    return " ".join(readable(reason).split())


def finished(ref: SequenceRef, cfg: PreprocessConfig, folder: Path, last: Status | None) -> Status | None:
    """The quality row ``last`` of ``ref`` if files and settings are those of its shard; reads no source."""
    if last is None or last["status"] == "failed":
        return None
    notes = shard_metadata(shard_path(folder, ref))
    same = _known(notes, settings_of(cfg, ref.layout), last["content_hash"])
    try:
        return last if same and last["signature"] == signature(ref) else None
    except OSError:  # a file that can no longer be read: its worker says so
        return None


def _known(notes: dict[str, str], settings: str, digest: str) -> Status | None:
    """The quality row a shard carries, if it was made from this content with these settings."""
    same = notes.get("content_hash") == digest and notes.get("settings") == settings
    return json.loads(notes["status"]) if same else None


def settings_of(cfg: PreprocessConfig, layout: str) -> str:
    """The settings as they stand in a shard; the pinned model is the same wherever its file lies.

    A detector needs no landmarks: with one, DISFA's frames with wrong ones are kept whatever ``cfg`` says.
    """
    detector = detector_identity(cfg.detector)
    kept = cfg.keep_bad_landmarks or (layout == "disfa" and detector != "dataset")
    uncoded = cfg.uncoded if LAYOUTS[layout].uncoded else 0
    words = {**asdict(cfg), "detector": detector, "keep_bad_landmarks": kept, "uncoded": uncoded}
    words["format"] = FORMAT
    return json.dumps(words, sort_keys=True)


def _prepare(
    rows: FrameRows,
    detector: Detector | None,
    cfg: PreprocessConfig,
    shard: Path,
    digest: str,
    alive: Callable[[], object],
) -> Status:
    words = {"settings": settings_of(cfg, rows.ref.layout), "au_codes": rows.kind}
    words |= {"drawn": "yes"} if (Path(rows.ref.root) / TWIN_CARD).exists() else {}
    words["active_from"] = str(LAYOUTS[rows.ref.layout].active_from)
    schema = face_schema(rows.aus).with_metadata(words)
    faces = FaceRows(rows, detector, cfg, alive)
    with whole(shard) as temporary:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for table in _tables(faces, schema):
                writer.write_table(table)
            account = faces.account()
            status = {**account, "reason": _one_line(account["reason"]), "content_hash": digest}
            writer.add_key_value_metadata({"status": json.dumps(status), "content_hash": digest})
        if main := faces.tracker.main:  # known after the last frame
            give_id_0(main, temporary)
    return status


def _read(ref: SequenceRef, detector: Detector | None) -> FrameRows:
    """Frame rows with landmarks to take the faces from, or to compare a detector's with."""
    if detector is None:
        rows = read_rows(ref)
        if rows.points is None:
            raise DatasetError(f"{ref.subject} {ref.sequence}: no landmark file; use --detector yunet")
        return rows
    try:
        return read_rows(ref)
    except DatasetError as error:
        if not ref.landmarks:
            raise
        rows = read_rows(replace(ref, landmarks=None))  # raises again if it was not the landmarks
        return replace(rows, remarks=(*rows.remarks, f"landmarks not compared: {error}"))


def _tables(rows: Iterable[Row], schema: pa.Schema) -> Iterator[pa.Table]:
    found = iter(rows)
    while group := list(islice(found, ROW_GROUP)):
        yield pa.Table.from_pylist(group, schema)


def give_id_0(main: int, shard: Path) -> None:
    """Give the ``main`` person of a shard the id 0, and that person's id to who had it; a group at a time."""
    with pq.ParquetFile(shard) as file, whole(shard) as temporary:
        with pq.ParquetWriter(temporary, file.schema_arrow.remove_metadata(), compression="zstd") as writer:
            for group in range(file.num_row_groups):
                writer.write_table(_swapped(main, file.read_row_group(group)))
            writer.add_key_value_metadata(shard_metadata(shard))


def _swapped(main: int, rows: pa.Table) -> pa.Table:
    ids, found = rows["face_id"].to_numpy(), rows["face_found"].to_numpy()  # 0 where nobody is
    swapped = np.where(found & (ids == 0), main, np.where(ids == main, 0, ids)).astype(np.int16)
    where = rows.column_names.index("face_id")
    return rows.set_column(where, rows.field("face_id"), pa.array(swapped))
