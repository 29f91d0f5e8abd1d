"""What a folder of face shards holds, counted shard by shard, with a few faces of each person to look at."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from au_core.aus import au_columns
from au_core.data.provenance import shard_metadata
from au_core.data.schema import shards, subject_of
from au_core.errors import DatasetError

SAMPLES = 12
"""Faces shown of each person."""
EDGE = 80
"""Edge of a shown face in pixels."""
BINS = {
    "confidence": np.linspace(0.3, 1.0, 71),
    "yaw": np.linspace(-90, 90, 61),
    "roll": np.linspace(-90, 90, 61),
    "brightness": np.linspace(0, 255, 52),
    "sharpness": np.geomspace(1, 2000, 60),
}
"""Edges of the histograms; what lies beyond counts in the outermost."""


@dataclass(slots=True)
class Person:
    """One subject's counts, and some of the faces."""

    name: str
    frames: int = 0
    found: int = 0
    active: Counter[str] = field(default_factory=Counter)
    """Frames in which each AU is active."""
    coded: Counter[str] = field(default_factory=Counter)
    """Frames in which each AU is coded."""
    faces: list[np.ndarray] = field(default_factory=list)
    """Up to SAMPLES main faces ``uint8[EDGE, EDGE, 3]`` BGR, evenly spaced."""


@dataclass(slots=True)
class Survey:
    """All that the page shows."""

    quality: list[dict]
    people: list[Person]
    settings: dict
    active_from: int
    """The lowest code that means active."""
    histograms: dict[str, np.ndarray]
    """Counts of main faces by BINS."""
    flags: Counter[str]
    """Frames with each flag."""

    @property
    def aus(self) -> list[str]:
        """AU columns that are coded at all."""
        return sorted({au for person in self.people for au in person.coded})


def survey(folder: Path) -> Survey:
    """Count everything below ``folder``; one shard in memory at a time.

    Raises:
        DatasetError: there is no ``quality.parquet`` or no shard.
    """
    path, subjects = folder / "quality.parquet", sorted(folder.glob("subject=*"))
    first = next(iter(shards(folder)), None)
    if not path.is_file() or first is None:
        raise DatasetError(
            f"{folder}: no quality.parquet or no face shard; expected what preprocess.py writes"
        )
    notes = shard_metadata(first)
    found = Survey(
        quality=pq.ParquetFile(path).read().to_pylist(),
        people=[],
        settings=json.loads(notes.get("settings", "{}")),
        active_from=int(notes.get("active_from", 2 if notes.get("au_codes") == "intensity" else 1)),
        histograms={name: np.zeros(len(edges) - 1, int) for name, edges in BINS.items()},
        flags=Counter(),
    )
    for subject in subjects:
        found.people.append(_person(subject, found))
    return found


def _person(subject: Path, total: Survey) -> Person:
    person, files = Person(subject_of(subject)), sorted(subject.glob("*.parquet"))
    wanted = -(-SAMPLES // len(files)) if files else 0
    for shard in files:
        with pq.ParquetFile(shard) as file:
            _count(file, person, total)
            if len(person.faces) < SAMPLES:
                person.faces += _samples(file, min(wanted, SAMPLES - len(person.faces)))
    return person


def _count(file: pq.ParquetFile, person: Person, total: Survey) -> None:
    names = [
        name for name in file.schema_arrow.names if name not in ("face", "points", "dataset", "sequence")
    ]
    table = file.read(columns=names)
    main = table.filter(pa.array(table["face_id"].to_numpy() == 0))
    frames, found = table["frame"].to_numpy(), table["face_found"].to_numpy()
    person.frames += len(np.unique(frames))
    person.found += len(np.unique(frames[found]))  # anyone's face, as quality.parquet counts
    for name, edges in BINS.items():
        values = main[name].drop_null().to_numpy()
        values = values[np.isfinite(values)].clip(edges[0], edges[-1])
        total.histograms[name] += np.histogram(values, edges)[0]
    for flags in main["flagged"].drop_null().to_pylist():
        total.flags.update(flags.split(","))
    for au in au_columns(names):
        codes = main[au].drop_null().to_numpy()
        if len(codes):
            person.coded[au] += len(codes)
            person.active[au] += int((codes >= total.active_from).sum())


def _samples(file: pq.ParquetFile, wanted: int) -> list[np.ndarray]:
    """``wanted`` main faces, evenly spaced; reads only the row groups they are in."""
    table = file.read(columns=["face_id", "face_found"])
    rows = np.flatnonzero(table["face_found"].to_numpy() & (table["face_id"].to_numpy() == 0))
    picked = rows[np.unique(np.linspace(0, len(rows) - 1, wanted).round().astype(int))] if len(rows) else rows
    starts = np.cumsum([0, *(file.metadata.row_group(g).num_rows for g in range(file.num_row_groups))])
    faces = []
    for group in np.unique(np.searchsorted(starts, picked, side="right") - 1).tolist():
        stored = file.read_row_group(group, columns=["face"])["face"]
        inside = picked[(picked >= starts[group]) & (picked < starts[group + 1])] - starts[group]
        for row in inside.tolist():
            face = cv2.imdecode(np.frombuffer(stored[row].as_buffer(), np.uint8), cv2.IMREAD_COLOR)
            if face is not None:
                faces.append(cv2.resize(face, (EDGE, EDGE), interpolation=cv2.INTER_AREA))
    return faces
