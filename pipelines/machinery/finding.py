"""From a listed dataset to its face shards: what is new is made, all is accounted for and told."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from au_core.config import PreprocessConfig
from au_core.data.files import raise_if_full, write_bytes
from au_core.data.locks import held_alone
from au_core.data.provenance import read_quality, write_quality
from au_core.data.schema import SequenceRef
from au_core.errors import DatasetError
from au_core.face.prepare import Status, finished
from pipelines.machinery.datasets import Dataset, orphans
from pipelines.machinery.sequences import prepare_all

TOLD = 5
"""Problems that are told at once; all are in ``quality.parquet``."""
SAVE_EVERY = 30
"""Seconds between two writings of ``quality.parquet``."""


def find_faces(dataset: Dataset) -> pa.Table:
    """Write the face shards and ``quality.parquet`` of a dataset; returns the quality rows.

    Sequences whose files and settings have not changed are passed over; failed ones are tried again.

    Raises:
        AuError: every sequence failed, the disk is full, or another command is at it.
    """
    refs, faces = dataset.refs, dataset.faces
    status = _finished(refs, dataset.cfg, faces)
    todo = [ref for ref in refs if ref not in status]
    with held_alone(faces) if todo else nullcontext():  # trainings that read them need not end for nothing
        table = _prepare(todo, status, dataset)
    _tell(table, len(todo), orphans(refs, faces), faces)
    return table


def _prepare(todo: list[SequenceRef], status: dict[SequenceRef, Status], dataset: Dataset) -> pa.Table:
    """Make the shards of ``todo``; ``quality.parquet`` has what is ready at any time."""

    def save() -> pa.Table:
        rows = [status[ref] for ref in dataset.refs if ref in status]
        return write_quality(rows, len(dataset.refs), dataset.faces)

    table, saved = save(), time.monotonic()
    if not todo:
        return table
    cfg = with_detector_beside(dataset.cfg, dataset.faces)
    try:
        for ref, row in prepare_all(todo, cfg, dataset.faces):
            status[ref] = row
            if time.monotonic() - saved > SAVE_EVERY:
                save()
                saved = time.monotonic()
    finally:
        table = save()
    return table


def _finished(refs: list[SequenceRef], cfg: PreprocessConfig, faces: Path) -> dict[SequenceRef, Status]:
    """Quality rows of what an earlier run made of the same files with the same settings."""
    last = {(row["subject"], row["sequence"]): row for row in read_quality(faces)}
    with ThreadPoolExecutor(8) as pool:
        done = pool.map(lambda ref: finished(ref, cfg, faces, last.get((ref.subject, ref.sequence))), refs)
        return {ref: row for ref, row in zip(refs, done, strict=True) if row}


def with_detector_beside(cfg: PreprocessConfig, faces: Path) -> PreprocessConfig:
    """The detector's file copied to where all nodes see it: this machine's cache is no other's."""
    if cfg.detector == "dataset":
        return cfg
    content, path = Path(cfg.detector).read_bytes(), faces.absolute() / ".detector.onnx"
    if not path.exists() or path.read_bytes() != content:
        write_bytes(content, path)
    return replace(cfg, detector=str(path))


def _tell(table: pa.Table, n_new: int, left: list[Path], faces: Path) -> None:
    """Say in a few lines what came of it.

    Raises:
        FullDiskError: some failed for want of room.
        DatasetError: every sequence failed.
    """
    rows = table.to_pylist()
    bad = [row for row in rows if row["status"] != "ok"]
    failed = sum(row["status"] == "failed" for row in bad)
    found, decoded, lost = (
        sum(row[key] for row in rows) for key in ("faces_found", "frames_decoded", "frames_lost")
    )
    print(
        f"faces: {len(rows)} sequences ({n_new} new), {decoded:,} frames, a face in {found:,}, "
        f"{lost:,} lost; "
        f"{len(bad)} with problems ({failed} failed), listed in {faces / 'quality.parquet'}",
        file=sys.stderr,
    )
    for row in bad[:TOLD]:
        name = " ".join(dict.fromkeys([row["subject"], row["sequence"]]))  # of a loose file both are its name
        print(f"  {row['status']}: {name}: {row['reason']}", file=sys.stderr)
    if bad[TOLD:]:
        print(f"  and {len(bad) - TOLD} more", file=sys.stderr)
    if left:
        print(
            f"  {len(left)} shards are of sequences that are not in this dataset, such as "
            f"{left[0]}; remove them if they are no longer wanted",
            file=sys.stderr,
        )
    raise_if_full(row["reason"] for row in bad)
    if rows and failed == len(rows):
        raise DatasetError(f"each of {len(rows)} sequences failed, the first: {rows[0]['reason']}")
