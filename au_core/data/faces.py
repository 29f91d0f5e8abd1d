"""The faces of a dataset, one row each; their pictures stay on disk until a batch asks for them."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from au_core.aus import UNKNOWN, DatasetSpec, au_columns, au_number
from au_core.compare import digest_of
from au_core.config import PreprocessConfig
from au_core.data.provenance import made_with, notes_of, shard_metadata
from au_core.data.schema import shards, subject_of
from au_core.data.store import Pictures, open_store, read_jpeg
from au_core.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Faces:
    """N found faces in the order of subject, sequence, frame, face; labels already thresholded.

    About 60 bytes a face: equal names are one object, pictures are read when a batch is decoded.
    """

    dataset: np.ndarray
    """``str[N]``"""
    subject: np.ndarray
    """``str[N]``"""
    sequence: np.ndarray
    """``str[N]``"""
    frame: np.ndarray
    """``int32[N]``, numbers as in the labels."""
    face_id: np.ndarray
    """``int16[N]``, 0 where a frame has one face."""
    labels: np.ndarray
    """``int8[N, L]`` in {0, 1, UNKNOWN}."""
    start: np.ndarray
    """``int64[N]``, where the JPEG begins in ``pictures``, counted through all of them."""
    length: np.ndarray
    """``int32[N]``, its bytes."""
    pictures: tuple[Pictures, ...]
    """The files of the encoded faces."""

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, rows: slice | np.ndarray) -> "Faces":
        """Some of the faces."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        pictures = columns.pop("pictures")
        return Faces(**{name: column[rows] for name, column in columns.items()}, pictures=pictures)

    @property
    def identities(self) -> Iterator[str]:
        """``dataset/subject/sequence/frame/face_id`` of each: what decides whether its labels are hidden."""
        columns = self.dataset, self.subject, self.sequence, self.frame, self.face_id
        return ("/".join(map(str, names)) for names in zip(*columns, strict=True))

    @property
    def edge(self) -> int:
        """Edge of the stored faces in pixels, the same for all."""
        return _decoded(self.jpeg(0)).shape[0]

    def jpeg(self, row: int) -> bytes:
        """The encoded face of a row."""
        return read_jpeg(self.pictures, int(self.start[row]), int(self.length[row]))

    def decode(self, rows: np.ndarray, size: int, pool: ThreadPoolExecutor | None = None) -> np.ndarray:
        """Pictures ``uint8[B, size, size, 3]`` RGB of ``rows[B]``."""
        decoded = (pool.map if pool else map)(lambda row: decode_face(self.jpeg(row), size), rows)
        return np.stack(list(decoded)) if len(rows) else np.empty((0, size, size, 3), np.uint8)


def decode_face(jpeg: bytes, size: int) -> np.ndarray:
    """One stored face as ``uint8[size, size, 3]`` RGB."""
    return fit_face(_decoded(jpeg), size)


def _decoded(jpeg: bytes) -> np.ndarray:
    face = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    if face is None:  # preprocessing only stores what it encoded itself
        raise DatasetError(
            "a stored face is damaged; remove OUT/faces/.store, and if that is no help, OUT/faces"
        )
    return face


def fit_face(face: np.ndarray, size: int) -> np.ndarray:
    """``face[H, W, 3]`` resized to the edge R sees; the same filter in training and on video."""
    if face.shape[:2] == (size, size):
        return face
    shrinks = face.shape[0] > size
    return cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def list_subjects(folder: Path) -> list[str]:
    """Subjects that have face shards below ``folder``, sorted."""
    return sorted({subject_of(shard) for shard in shards(folder)})


def list_uncoded(folder: Path) -> set[str]:
    """Subjects below ``folder`` of whose faces none has a code of any AU."""
    coded, everyone = set(), set()
    for shard in shards(folder):
        subject = subject_of(shard)
        everyone.add(subject)
        if subject not in coded:
            file = pq.ParquetFile(shard)
            codes = file.read(columns=au_columns(file.schema_arrow.names))
            if any(column.null_count < len(codes) for column in codes.columns):
                coded.add(subject)
    return everyone - coded


def list_au_numbers(folder: Path) -> tuple[int, ...]:
    """AUs that the face shards below ``folder`` have columns for."""
    shard = next(iter(shards(folder)), None)
    return tuple(map(au_number, au_columns(pq.read_schema(shard).names if shard else [])))


def load_faces(folder: Path, spec: DatasetSpec, subjects: Iterable[str], all_faces: bool = False) -> Faces:
    """Every found face of ``subjects``; only the main face of a frame unless ``all_faces``.

    AUs a shard has no column for (all of them, for unlabelled video) are UNKNOWN.

    Raises:
        DatasetError: no face at all.
    """
    wanted = sorted(set(subjects))
    asked = pc.field("subject").isin(pa.array(wanted, pa.string()))
    store = open_store(folder, asked if all_faces else asked & (pc.field("face_id") == 0))
    rows = store.rows
    if not len(rows):
        raise DatasetError(
            f"{folder}: no face of the subjects {', '.join(wanted) or '(none)'}; "
            "see quality.parquet there for what preprocessing found"
        )
    dataset, subject, sequence = (_names(rows, name) for name in ("dataset", "subject", "sequence"))
    frame, face_id, start, length = (
        rows[name].to_numpy() for name in ("frame", "face_id", "start", "length")
    )
    labels = _labels(rows, spec)
    return Faces(dataset, subject, sequence, frame, face_id, labels, start, length, (store.pictures,))


def _names(rows: pa.Table, column: str) -> np.ndarray:
    """A column of names as ``str[N]`` objects, one for all equal ones."""
    encoded = rows[column].dictionary_encode().combine_chunks()
    assert isinstance(encoded, pa.DictionaryArray)
    return np.array(encoded.dictionary.to_pylist(), dtype=object)[encoded.indices.to_numpy()]


def _labels(rows: pa.Table, spec: DatasetSpec) -> np.ndarray:
    codes = np.full((len(rows), len(spec.aus)), UNKNOWN, np.int8)
    for j, column in enumerate(spec.columns):
        if column in rows.column_names:
            codes[:, j] = rows[column].fill_null(UNKNOWN).to_numpy()
    return spec.active(codes)


def join_faces(first: Faces, second: Faces) -> Faces:
    """Both sets as one."""
    offset = sum(pictures.size for pictures in first.pictures)
    second = replace(second, start=second.start + offset)
    names = [field.name for field in fields(first) if field.name != "pictures"]
    joined = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    return Faces(**joined, pictures=first.pictures + second.pictures)


def are_drawn(folder: Path) -> bool:
    """Whether the faces below ``folder`` are the twin's, not people's."""
    return "drawn" in notes_of(folder)


def are_intensities(folder: Path) -> bool:
    """Whether the codes below ``folder`` go from 0 to 5, not only to 1."""
    return notes_of(folder).get("au_codes") == "intensity"


def jpeg_quality(folder: Path) -> int:
    """Quality of the stored faces below ``folder``."""
    return made_with(folder).get("jpeg_quality", PreprocessConfig().jpeg_quality)


def fingerprint(*folders: Path) -> str:
    """A short hash of what the face folders were made from and how; changes when a training should."""
    return digest_of([sorted(_provenance(path) for path in shards(folder)) for folder in folders])


def _provenance(shard: Path) -> list[str]:
    notes = shard_metadata(shard)
    return [shard.parent.name, shard.name, *(notes.get(key, "") for key in ("content_hash", "settings"))]
