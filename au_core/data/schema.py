"""The nouns that travel: a source sequence, its frame rows, a face row, a quality row, a prediction row."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from au_core.aus import UNKNOWN, au_column
from au_core.data.names import quoted, readable


@dataclass(frozen=True, kw_only=True, slots=True)
class SequenceRef:
    """Where one sequence lies; small, so that it can travel to a worker, which reads the rest itself."""

    layout: str
    dataset: str
    subject: str
    sequence: str
    source: str
    """Video file or picture folder, relative to ``root``; shown to people."""
    root: str
    labels: tuple[str, ...] = ()
    """Label files, relative to ``root``, or by their whole paths if elsewhere; empty for unlabelled video."""
    landmarks: str | None = None
    """Landmark file or folder, relative to ``root``; None where the dataset has none."""
    more_sources: tuple[str, ...] = ()
    """Further pictures, relative to ``root``, where they lie in no folder of their own (manifest)."""
    lines: str | None = None
    """Digest of the sequence's own lines where its label files are shared by many; stands for them."""
    uncoded: int = 0
    """Of the frames that nobody coded every so many-th is a row, too; 0 for none."""

    @property
    def quality_key(self) -> dict[str, str]:
        """The columns by which a quality row names the sequence."""
        return {"subject": self.subject, "sequence": self.sequence, "source": readable(self.source)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "SequenceRef":
        """The inverse of ``dataclasses.asdict``, also after a trip through JSON."""
        return cls(**{**values, **{name: tuple(values[name]) for name in ("labels", "more_sources")}})


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameRows:
    """The frame rows of one sequence, still without faces, as every reader hands them on.

    ``frames[N]`` int32 are the numbers the labels use, ascending; ``codes[N, L]`` int8 the raw codes of
    ``aus`` (UNKNOWN where not coded); ``pictures`` maps a frame number to its picture, and is None for a
    video, whose decoded frame ``i`` (from 0) is frame ``i + 1``. ``marks[N, 4, 2]`` float32 are
    picture-left eye, picture-right eye, mouth centre and tip of the nose in source pixels from the dataset's
    own landmarks (NaN where it has none), or None. ``bad[N]`` bool marks the frames whose landmarks are known
    to be wrong. An unlabelled video has no frames listed: every decoded one is a row.
    """

    ref: SequenceRef
    aus: tuple[int, ...]
    frames: np.ndarray
    codes: np.ndarray
    pictures: dict[int, Path] | None = None
    video: Path | None = None
    marks: np.ndarray | None = None
    bad: np.ndarray | None = None
    last_listed: float = math.inf
    """The last frame that a label file lists, where later ones of a video may be asked for; else infinite."""
    kind: str = "occurrence"
    """What the codes are: ``occurrence`` (0, 1) or ``intensity`` (0 to 5)."""
    remarks: tuple[str, ...] = field(default=())
    """What the reader found odd but could live with; ends up in ``quality.parquet``."""

    @property
    def coded(self) -> np.ndarray:
        """``bool[N]``: whether any AU of a frame is coded."""
        return (self.codes != UNKNOWN).any(axis=1)

    @property
    def points(self) -> np.ndarray | None:
        """Eyes and mouth of ``marks``, ``float32[N, 3, 2]``."""
        return None if self.marks is None else self.marks[:, :3]

    @property
    def noses(self) -> np.ndarray | None:
        """Tips of the noses of ``marks``, ``float32[N, 2]``."""
        return None if self.marks is None else self.marks[:, 3]


QUALITY = pa.schema(
    [
        ("subject", pa.string()),
        ("sequence", pa.string()),
        ("source", pa.string()),
        ("frames_coded", pa.int32()),
        ("frames_decoded", pa.int32()),
        ("frames_lost", pa.int32()),
        ("faces_found", pa.int32()),
        ("faces_coded", pa.int32()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("content_hash", pa.string()),
        ("flagged", pa.string()),
        ("signature", pa.string()),
    ]
)
"""``faces/quality.parquet``: one row per source sequence; status is ``ok``, ``partial`` or ``failed``.

``frames_decoded`` and ``faces_found`` count all frames, coded or not, ``faces_coded`` the coded ones with a
face; ``frames_lost`` are those that should be there and could not be decoded, as far as their number is
known. ``flagged`` counts the frames by each word of the face rows' ``flagged``. ``signature`` tells unchanged
files without reading them; it alone changes when the data are copied elsewhere.
"""


def face_schema(aus: Sequence[int]) -> pa.Schema:
    """Columns of ``faces/subject=<id>/*.parquet``; the subject is the folder's name (hive partitioning).

    ``timestamp`` is in seconds from the video's start, null for a folder of pictures; ``face`` is a JPEG.
    ``yaw`` and ``roll`` are degrees, ``brightness`` a grey value in [0, 255], ``sharpness`` the variance of
    the face's Laplacian; ``flagged`` are words of ``au_core.face.judge``, joined by commas, null for none.
    """
    fixed = [
        ("dataset", pa.string()),
        ("sequence", pa.string()),
        ("frame", pa.int32()),
        ("timestamp", pa.float64()),
        ("face_id", pa.int16()),
        ("face", pa.binary()),
        ("face_found", pa.bool_()),
        ("confidence", pa.float32()),
        ("points", pa.list_(pa.float32())),
        ("yaw", pa.float32()),
        ("roll", pa.float32()),
        ("brightness", pa.float32()),
        ("sharpness", pa.float32()),
        ("flagged", pa.string()),
    ]
    return pa.schema(fixed + [(au_column(au), pa.int8()) for au in aus])


def prediction_schema(aus: Sequence[int]) -> pa.Schema:
    """Columns of ``predictions.parquet``: one row per coded face of the validation and test subjects."""
    text = pa.string()
    fixed = [("subject", text), ("sequence", text), ("frame", pa.int32()), ("split", text)]
    pairs = [((f"{au_column(a)}_true", pa.int8()), (f"{au_column(a)}_prob", pa.float32())) for a in aus]
    return pa.schema(fixed + [column for pair in pairs for column in pair])


def shard_path(faces: Path, ref: SequenceRef) -> Path:
    """The one Parquet file of a sequence: ``faces/subject=<id>/<sequence>.parquet``."""
    return faces / f"subject={quoted(ref.subject)}" / f"{quoted(ref.sequence)}.parquet"


def shards(faces: Path) -> list[Path]:
    """Every face shard of a folder, sorted."""
    return sorted(faces.glob("subject=*/*.parquet"))


def subject_of(path: Path) -> str:
    """The subject of a face shard, or of the folder it lies in, from the folder's name."""
    folder = path if path.name.startswith("subject=") else path.parent
    return unquote(folder.name.removeprefix("subject="))
