"""Layout ``bp4d``: picture folders, one AU_OCC csv per sequence, 49-point landmarks in MATLAB v7.3 files.

Written against the release that public code reads: ``F001/T1/2440.jpg`` (ME-GraphAU and JAA-Net lists, with
and without zero padding), ``AUCoding/AU_OCC/F001_T1.csv`` with a column for every AU number (ME-GraphAU's
tools; flat ``AUCoding/`` in AU R-CNN), csv named by raw task number (FMAE-IAT), ``2DFeatures/F001_T1.mat``
counting pixels from 1 (JAA-Net).
"""

import csv
import re
from pathlib import Path

import h5py
import numpy as np

from au_core.aus import AU_NAMES, UNKNOWN
from au_core.data.schema import FrameRows, SequenceRef
from au_core.data.video import PICTURES
from au_core.errors import DatasetError

AUS = tuple(AU_NAMES)
"""Columns of every shard, coded in a file or not, so that all shards of a dataset agree."""
RAW_TASKS = {"01": 1, "03": 2, "07": 3, "08": 4, "09": 5, "10": 6, "11": 7, "13": 8}
EXPECTED = "F001/T1/*.jpg (at the top or one folder below) and AUCoding/AU_OCC/F001_T1.csv"
CODES = {"0": 0, "1": 1, "9": UNKNOWN}
LEFT_EYE, RIGHT_EYE, CORNERS = slice(19, 25), slice(25, 31), [31, 37]
"""Indices in the 49 points, from 0 (JAA-Net ``face_transform.py``); left is left in the picture."""


def list_sequences(root: Path) -> list[SequenceRef]:
    """One sequence for each AU_OCC csv.

    Raises:
        DatasetError: no such csv, or no folder of subjects.
    """
    labels = _find(root, "AUCoding/AU_OCC", "AU_OCC", "AUCoding", "AUCoding/AUCoding/AU_OCC")
    found = {name: path for path in sorted(labels.glob("*.csv")) if (name := _name(path))} if labels else {}
    pictures = _pictures_root(root)
    if not found or pictures is None:
        there = ", ".join(sorted(path.name for path in root.iterdir())[:6])
        raise DatasetError(f"{root}: not the bp4d layout; found {there or 'nothing'}; expected {EXPECTED}")
    landmarks = _find(root, "2DFeatures")
    return [_ref(root, pictures, path, name, landmarks) for name, path in found.items()]


def _find(root: Path, *names: str) -> Path | None:
    """The first of some folders that is there, whatever the case of its letters."""
    there = {path.relative_to(root).as_posix().lower(): path for path in root.glob("*") if path.is_dir()}
    there |= {path.relative_to(root).as_posix().lower(): path for path in root.glob("*/*") if path.is_dir()}
    return next((there[name.lower()] for name in names if name.lower() in there), None)


def _name(path: Path) -> tuple[str, str] | None:
    """Subject and task of a label file; raw task numbers become T1 to T8."""
    match = re.fullmatch(r"([FM]\d{3})_(?:T(\d)|(\d\d))", path.stem, re.IGNORECASE)
    if not match or (match[3] and match[3] not in RAW_TASKS):
        return None
    return match[1].upper(), f"T{match[2] or RAW_TASKS[match[3]]}"


def _pictures_root(root: Path) -> Path | None:
    """The folder that holds the subjects' folders: ``root`` or one below (BP4D-training, 2D+3D, ...)."""
    for folder in [root, *sorted(path for path in root.iterdir() if path.is_dir())]:
        if any(re.fullmatch(r"[FM]\d{3}", path.name) and path.is_dir() for path in folder.iterdir()):
            return folder
    return None


def _ref(
    root: Path, pictures: Path, label: Path, name: tuple[str, str], landmarks: Path | None
) -> SequenceRef:
    subject, task = name
    mat = landmarks / f"{subject}_{task}.mat" if landmarks else None
    return SequenceRef(
        layout="bp4d", dataset="BP4D", subject=subject, sequence=task, root=str(root),
        source=(pictures / subject / task).relative_to(root).as_posix(),
        labels=(label.relative_to(root).as_posix(),),
        landmarks=mat.relative_to(root).as_posix() if mat and mat.is_file() else None,
    )  # fmt: skip


def read_rows(ref: SequenceRef) -> FrameRows:
    """The coded frames of one sequence; frame numbers are the pictures' names, padded or not.

    Raises:
        DatasetError: a damaged csv or mat, or no picture at all.
    """
    root = Path(ref.root)
    frames, codes = read_occurrence(root / ref.labels[0])
    pictures = numbered_pictures(root / ref.source)
    if not pictures:
        raise DatasetError(f"{root / ref.source}: no numbered picture; expected such as {frames[0]}.jpg")
    points = _points(root / ref.landmarks, frames, sorted(pictures)) if ref.landmarks else None
    return FrameRows(ref=ref, aus=AUS, frames=frames, codes=codes, pictures=pictures, points=points)


def read_occurrence(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Frame numbers ``int32[N]`` and codes ``int8[N, 17]`` of an AU_OCC csv, its columns found by header.

    Raises:
        DatasetError: no AU in the header, a line of another length, a code other than 0, 1, 9.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header, *lines = [line for line in csv.reader(file, strict=True) if line] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: no readable csv ({error})") from error
    where = {name.strip(): column for column, name in enumerate(header) if column > 0}
    columns = [where.get(str(au)) for au in AUS]
    if not any(columns):
        raise DatasetError(f"{path}: header {','.join(header)[:60]!r}; expected 0,1,2,3,... (AU numbers)")
    if not lines:
        raise DatasetError(f"{path}: no line below the header; expected one for each coded frame")
    rows = [_line(path, number, line, header, columns) for number, line in enumerate(lines, start=2)]
    frames = np.array([frame for frame, _ in rows], np.int32)
    order = np.argsort(frames, kind="stable")
    if (np.diff(frames[order]) == 0).any():
        raise DatasetError(f"{path}: a frame is coded twice; expected one line for each")
    return frames[order], np.array([codes for _, codes in rows], np.int8)[order]


def _line(
    path: Path, number: int, line: list[str], header: list[str], columns: list[int | None]
) -> tuple[int, list[int]]:
    if len(line) != len(header):
        raise DatasetError(f"{path}, line {number}: {len(line)} values; expected {len(header)} as above")
    if not line[0].strip().isdigit():
        raise DatasetError(f"{path}, line {number}: frame {line[0]!r}; expected a whole number")
    for column in columns:
        if column is not None and line[column].strip() not in CODES:
            raise DatasetError(
                f"{path}, line {number}: code {line[column]!r} for AU {header[column]}; "
                "expected 0, 1 or 9 (not coded)"
            )
    return int(line[0]), [UNKNOWN if c is None else CODES[line[c].strip()] for c in columns]


def numbered_pictures(folder: Path) -> dict[int, Path]:
    """The pictures of a folder by the number that is their name."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return {int(p.stem): p for p in paths if p.stem.isdigit() and p.suffix.lower() in PICTURES}


def _points(path: Path, frames: np.ndarray, pictures: list[int]) -> np.ndarray:
    """``float32[N, 3, 2]`` for ``frames``; the file has an entry for each picture, or for each number."""
    landmarks = read_landmarks(path)
    if len(landmarks) == len(pictures):
        row = {number: index for index, number in enumerate(pictures)}
    elif len(landmarks) >= frames.max():
        row = {number: number - 1 for number in range(1, len(landmarks) + 1)}
    else:
        raise DatasetError(
            f"{path}: {len(landmarks)} frames of landmarks for {len(pictures)} pictures up to number "
            f"{pictures[-1]}; expected one for each"
        )
    points = np.full((len(frames), 3, 2), np.nan, np.float32)
    for i, frame in enumerate(frames.tolist()):
        if frame in row:
            points[i] = landmarks[row[frame]]
    return points


def read_landmarks(path: Path) -> np.ndarray:
    """Eye and mouth centres ``float32[F, 3, 2]`` of a ``2DFeatures`` file, NaN where tracking failed.

    Raises:
        DatasetError: no HDF5 file with ``fit/pred``.
    """
    try:
        with h5py.File(path, "r") as file:
            references = np.asarray(file["fit/pred"]).ravel()
            return np.stack([_three_points(np.asarray(file[reference])) for reference in references])
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path}: no landmark file (MATLAB v7.3 with fit/pred): {error}") from error


def _three_points(stored: np.ndarray) -> np.ndarray:
    if stored.shape != (2, 49):  # MATLAB writes an empty array where tracking failed
        return np.full((3, 2), np.nan, np.float32)
    p = stored.T - 1  # MATLAB counts pixels from 1
    return np.stack([p[LEFT_EYE].mean(0), p[RIGHT_EYE].mean(0), p[CORNERS].mean(0)]).astype(np.float32)
