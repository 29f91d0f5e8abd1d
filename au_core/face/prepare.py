"""One sequence from its source to its Parquet shard; whatever goes wrong becomes a line, never a crash."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from au_core.aus import UNKNOWN, au_column
from au_core.config import PreprocessConfig
from au_core.data.files import replace_atomically
from au_core.data.provenance import content_hash, shard_metadata, signature
from au_core.data.readers import read_rows
from au_core.data.schema import FrameRows, SequenceRef, face_schema, shard_path
from au_core.data.video import decode, open_video
from au_core.errors import AuError, DatasetError, FaceError
from au_core.face.align import align
from au_core.face.detect import Detection, Detector, detector_identity
from au_core.face.track import Tracker

ROW_GROUP = 256
"""Faces held in memory at a time."""
TOLERANCE = 0.05
"""Containers of healthy videos declare up to this share more frames than they hold."""

Status = dict[str, Any]
"""A row of ``quality.parquet``."""


def prepare_sequence(
    ref: SequenceRef, detector: Detector | None, cfg: PreprocessConfig, folder: Path
) -> Status:
    """Write the shard of ``ref`` below ``folder``, or find that it is there; returns its quality row.

    ``detector`` finds the faces; where it is None, the dataset's own landmarks say where they are.
    """
    try:
        digest = content_hash(ref)
        old = shard_metadata(shard_path(folder, ref))
        if old.get("content_hash") == digest and old.get("settings") == settings_of(cfg):
            return json.loads(old["status"])
        return _prepare(ref, detector, cfg, folder, digest)
    except Exception as error:
        shard_path(folder, ref).unlink(missing_ok=True)  # made from files that are no longer there
        return failed(ref, str(error) if isinstance(error, AuError) else f"{type(error).__name__}: {error}")


def failed(ref: SequenceRef, reason: str) -> Status:
    """The quality row of a sequence that gave no face row."""
    counts = {"frames_coded": None, "frames_decoded": 0, "faces_found": 0}
    names = {"subject": ref.subject, "sequence": ref.sequence, "source": ref.source}
    return {**names, **counts, "status": "failed", "reason": reason, "content_hash": None}


def finished(ref: SequenceRef, cfg: PreprocessConfig, folder: Path) -> Status | None:
    """The quality row of a shard made with these settings from unchanged files; reads no source."""
    old = shard_metadata(shard_path(folder, ref))
    same = old.get("settings") == settings_of(cfg) and old.get("signature") == signature(ref)
    return json.loads(old["status"]) if same else None


def settings_of(cfg: PreprocessConfig) -> str:
    """The settings as they stand in a shard; the pinned model is the same wherever its file lies."""
    detector = detector_identity(cfg.detector)
    return json.dumps({**asdict(cfg), "detector": detector}, sort_keys=True)


def _prepare(
    ref: SequenceRef, detector: Detector | None, cfg: PreprocessConfig, folder: Path, digest: str
) -> Status:
    rows = read_rows(replace(ref, landmarks=None) if detector else ref)
    if detector is None and rows.points is None:
        raise DatasetError(f"{ref.subject} {ref.sequence}: no landmark file; use --detector yunet")
    counts = Counts(rows)
    schema = face_schema(rows.aus).with_metadata(
        {"settings": settings_of(cfg), "au_codes": "intensity" if ref.layout == "disfa" else "occurrence"}
    )
    status: Status = {}

    def write(temporary: Path) -> None:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            found = _face_rows(rows, detector, cfg, counts)
            while group := list(islice(found, ROW_GROUP)):
                writer.write_table(pa.Table.from_pylist(group, schema))
            status.update(counts.status(digest))
            notes = {"status": json.dumps(status), "content_hash": digest, "signature": signature(ref)}
            writer.add_key_value_metadata(notes)

    replace_atomically(shard_path(folder, ref), write)
    return status


class Counts:
    """Accounts for every frame of one sequence."""

    def __init__(self, rows: FrameRows) -> None:
        self.rows, self.decoded, self.faces = rows, set[int](), 0

    def status(self, digest: str) -> Status:
        """The quality row.

        Raises:
            DatasetError: not one frame could be decoded.
        """
        rows, ref = self.rows, self.rows.ref
        if not self.decoded:
            raise DatasetError(f"{Path(ref.root) / ref.source}: not one frame could be decoded")
        lost = sorted(set(rows.frames.tolist()) - self.decoded)
        short = self._missing_tail()
        reasons = [f"frames {ranges(lost)} could not be decoded"] * bool(lost) + [*rows.remarks, *short]
        return {
            "subject": ref.subject,
            "sequence": ref.sequence,
            "source": ref.source,
            "frames_coded": len(rows.frames),
            "frames_decoded": len(self.decoded),
            "faces_found": self.faces,
            "status": "partial" if lost or short else "ok",
            "reason": "; ".join(reasons),
            "content_hash": digest,
        }

    def _missing_tail(self) -> list[str]:
        """A remark if an unlabelled video ended long before the length its container declares."""
        if self.rows.video is None or len(self.rows.frames):
            return []
        declared = open_video(self.rows.video).declared_frames
        if len(self.decoded) >= (1 - TOLERANCE) * declared:
            return []
        return [f"{len(self.decoded)} frames could be decoded of {declared} declared; truncated?"]


def ranges(numbers: list[int]) -> str:
    """Sorted numbers for people.

    >>> ranges([3, 4, 5, 9])
    '3-5, 9'
    """
    if not numbers:
        return ""
    cuts = np.flatnonzero(np.diff(numbers) > 1) + 1
    runs = np.split(np.array(numbers), cuts)
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _face_rows(
    rows: FrameRows, detector: Detector | None, cfg: PreprocessConfig, counts: Counts
) -> Iterator[dict[str, Any]]:
    """Face rows of every decoded frame; one without a face has a row that says so."""
    tracker, index = Tracker(), {frame: i for i, frame in enumerate(rows.frames.tolist())}
    for frame, image in decode(rows):
        if image is None:
            continue
        counts.decoded.add(frame)
        i = index.get(frame)
        faces = detector(image) if detector else _coded_face(rows, i)
        ids = tracker.update(faces) if cfg.all_faces else [0] * len(faces)
        codes = {au_column(au): _code(rows, i, j) for j, au in enumerate(rows.aus)}
        known = {"dataset": rows.ref.dataset, "sequence": rows.ref.sequence, "frame": frame, **codes}
        found = [row for face, k in zip(faces, ids, strict=True) if (row := _found(image, face, k, cfg))]
        found = found if cfg.all_faces else found[:1]
        counts.faces += bool(found)
        for row in found or [{"face_id": 0, "face_found": False}]:
            yield {**known, **row}


def _coded_face(rows: FrameRows, i: int | None) -> list[Detection]:
    """The face as the dataset's own landmarks have it."""
    if rows.points is None or i is None or not np.isfinite(rows.points[i]).all():
        return []
    points = rows.points[i]
    box = np.concatenate([points.min(0), np.ptp(points, axis=0)]).astype(np.float32)
    return [Detection(box, points, float("nan"))]


def _code(rows: FrameRows, i: int | None, j: int) -> int | None:
    code = UNKNOWN if i is None else int(rows.codes[i, j])
    return None if code == UNKNOWN else code


def _found(image: np.ndarray, face: Detection, face_id: int, cfg: PreprocessConfig) -> dict[str, Any] | None:
    """The columns of a found face, None if its points are no face."""
    try:
        aligned = align(image, face.points, cfg.size)
    except FaceError:
        return None
    jpeg = cv2.imencode(".jpg", aligned, [cv2.IMWRITE_JPEG_QUALITY, cfg.jpeg_quality])[1].tobytes()
    confidence = None if np.isnan(face.confidence) else face.confidence
    points = face.points.ravel().tolist()
    return {"face_id": face_id, "face": jpeg, "face_found": True, "confidence": confidence, "points": points}
