"""The face shards of a dataset in memory, one row per face, decoded only when a batch asks for them."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from au_core.aus import UNKNOWN, DatasetSpec, au_number
from au_core.config import digest_of
from au_core.errors import DatasetError

_IDENTITY = ["dataset", "sequence", "frame", "face_id"]


@dataclass(frozen=True, slots=True)
class Faces:
    """N found faces in the order of subject, sequence, frame, face; labels already thresholded."""

    subject: np.ndarray
    """``str[N]``"""
    sequence: np.ndarray
    """``str[N]``"""
    frame: np.ndarray
    """``int32[N]``, numbers as in the labels."""
    identity: list[str]
    """``dataset/subject/sequence/frame/face_id``: what decides whether a frame's labels are hidden."""
    labels: np.ndarray
    """``int8[N, L]`` in {0, 1, UNKNOWN}."""
    jpeg: pa.ChunkedArray
    """The encoded faces."""

    def __len__(self) -> int:
        return len(self.frame)

    def share(self, rank: int, world: int) -> "Faces":
        """Every ``world``-th face, from the ``rank``-th on."""
        rows = slice(rank, None, world)
        jpeg = self.jpeg.take(pa.array(np.arange(rank, len(self), world)))
        names = self.subject[rows], self.sequence[rows], self.frame[rows], self.identity[rows]
        return Faces(*names, self.labels[rows], jpeg)

    def decode(self, rows: np.ndarray, size: int, pool: ThreadPoolExecutor | None = None) -> np.ndarray:
        """Pictures ``uint8[B, size, size, 3]`` RGB of ``rows[B]``."""
        jobs = [self.jpeg[int(row)].as_buffer() for row in rows]
        decoded = (pool.map if pool else map)(lambda jpeg: decode_face(jpeg, size), jobs)
        return np.stack(list(decoded)) if jobs else np.empty((0, size, size, 3), np.uint8)


def decode_face(jpeg: pa.Buffer | bytes, size: int) -> np.ndarray:
    """One stored face as ``uint8[size, size, 3]`` RGB."""
    face = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert face is not None, "preprocessing only stores faces it encoded itself"
    return fit_face(face, size)


def fit_face(face: np.ndarray, size: int) -> np.ndarray:
    """``face[H, W, 3]`` resized to the edge R sees; the same filter in training and on video."""
    if face.shape[:2] == (size, size):
        return face
    shrinks = face.shape[0] > size
    return cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def list_subjects(folder: Path) -> list[str]:
    """Subjects that have face shards below ``folder``, sorted."""
    return sorted(unquote(path.name.removeprefix("subject=")) for path in folder.glob("subject=*"))


def list_au_numbers(folder: Path) -> tuple[int, ...]:
    """AUs that the face shards below ``folder`` have columns for."""
    shard = next(iter(sorted(folder.glob("subject=*/*.parquet"))), None)
    columns = pq.read_schema(shard).names if shard else []
    return tuple(au_number(name) for name in columns if name.startswith("AU"))


def load_faces(folder: Path, spec: DatasetSpec, subjects: Iterable[str], all_faces: bool = False) -> Faces:
    """Every found face of ``subjects``; only the main face of a frame unless ``all_faces``.

    AUs a shard has no column for (all of them, for unlabelled video) are UNKNOWN.

    Raises:
        DatasetError: no face at all.
    """
    wanted = set(subjects)
    paths = [p for p in sorted(folder.glob("subject=*/*.parquet")) if _subject(p) in wanted]
    parts = [part for path in paths if len(part := _load_shard(path, spec, all_faces))]
    if not parts:
        raise DatasetError(
            f"{folder}: no face of the subjects {', '.join(sorted(wanted)) or '(none)'}; "
            "see quality.parquet there for what preprocessing found"
        )
    return _concatenate(parts)


def _subject(shard: Path) -> str:
    return unquote(shard.parent.name.removeprefix("subject="))


def _load_shard(path: Path, spec: DatasetSpec, all_faces: bool) -> Faces:
    known = set(pq.read_schema(path).names)
    columns = [column for column in spec.columns if column in known]
    table = pq.ParquetFile(path).read(columns=[*_IDENTITY, "face", "face_found", *columns])
    keep = table["face_found"].to_numpy()
    if not all_faces:
        keep = keep & (table["face_id"].to_numpy() == 0)
    table, subject = table.filter(pa.array(keep)), _subject(path)
    codes = np.full((len(table), len(spec.aus)), UNKNOWN, np.int8)
    for column in columns:
        codes[:, spec.columns.index(column)] = table[column].fill_null(UNKNOWN).to_numpy()
    dataset, sequence, frame, face_id = (table[name].to_pylist() for name in _IDENTITY)
    identity = [
        f"{d}/{subject}/{s}/{f}/{i}" for d, s, f, i in zip(dataset, sequence, frame, face_id, strict=True)
    ]
    names = np.full(len(table), subject, dtype=object), np.array(sequence, dtype=object)
    return Faces(*names, np.array(frame, np.int32), identity, spec.active(codes), table["face"])


def _concatenate(parts: list[Faces]) -> Faces:
    chunks = [chunk for part in parts for chunk in part.jpeg.chunks]
    return Faces(
        subject=np.concatenate([part.subject for part in parts]),
        sequence=np.concatenate([part.sequence for part in parts]),
        frame=np.concatenate([part.frame for part in parts]),
        identity=[key for part in parts for key in part.identity],
        labels=np.concatenate([part.labels for part in parts]),
        jpeg=pa.chunked_array(chunks, type=pa.binary()),
    )


def join_faces(first: Faces, second: Faces | None) -> Faces:
    """Both sets as one; for T2 from other video than T1."""
    return _concatenate([first, second]) if second is not None else first


def fingerprint(*folders: Path) -> str:
    """A short hash of what the face folders were made from and how; changes when a training should."""
    return digest_of(
        [sorted(_provenance(path) for path in folder.glob("subject=*/*.parquet")) for folder in folders]
    )


def _provenance(shard: Path) -> list[str]:
    metadata = pq.read_schema(shard).metadata or {}
    return [
        shard.parent.name,
        shard.name,
        *(metadata.get(k, b"").decode() for k in (b"content_hash", b"settings")),
    ]
