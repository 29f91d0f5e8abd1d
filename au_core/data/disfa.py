"""Layout ``disfa``: one left-camera video per subject, one intensity file per AU, 66-point landmarks.

Written against the release that public code reads: ``Videos_LeftCamera/LeftVideoSN001_comp.avi`` (also
``Video_``, ``_Comp``; AU R-CNN, FMAE-IAT, LibreFace), ``ActionUnit_Labels/SN001/SN001_au1.txt`` with lines
``frame,intensity`` from frame 1 (ME-GraphAU, FMAE-IAT), ``Landmark_Points/SN001/tmp_frame_lm``.
"""

import re
from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from au_core.data.schema import FrameRows, SequenceRef
from au_core.errors import DatasetError

AUS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
EXPECTED = "Videos_LeftCamera/LeftVideoSN001_comp.avi and ActionUnit_Labels/SN001/SN001_au1.txt"
LEFT_EYE, RIGHT_EYE, CORNERS = slice(36, 42), slice(42, 48), [48, 54]
"""Indices in the 66 points, from 0: iBUG's 68 without the inner mouth corners, which come later."""


def list_sequences(root: Path) -> list[SequenceRef]:
    """One sequence, ``left``, for each left-camera video.

    Raises:
        DatasetError: no such video, or no label folder.
    """
    folders = [path for path in root.iterdir() if path.is_dir()]
    cameras = [path for path in folders if re.fullmatch(r"videos?_?leftcamera", path.name, re.IGNORECASE)]
    labels = next((path for path in folders if path.name.lower() == "actionunit_labels"), None)
    films = [film for camera in cameras for film in sorted(camera.iterdir()) if _subject(film)]
    if not films or labels is None:
        there = ", ".join(sorted(path.name for path in root.iterdir())[:6])
        raise DatasetError(f"{root}: not the disfa layout; found {there}; expected {EXPECTED}")
    return [_ref(root, film, labels) for film in films]


def _subject(film: Path) -> str | None:
    match = re.fullmatch(r"leftvideo(sn\d{3})_comp\.\w+", film.name, re.IGNORECASE)
    return match[1].upper() if match else None


def _ref(root: Path, film: Path, labels: Path) -> SequenceRef:
    subject = _subject(film) or ""
    landmarks = root / "Landmark_Points" / subject
    return SequenceRef(
        layout="disfa", dataset="DISFA", subject=subject, sequence="left", root=str(root),
        source=film.relative_to(root).as_posix(),
        labels=tuple((labels / subject / f"{subject}_au{au}.txt").relative_to(root).as_posix() for au in AUS),
        landmarks=landmarks.relative_to(root).as_posix() if landmarks.is_dir() else None,
    )  # fmt: skip


def read_rows(ref: SequenceRef) -> FrameRows:
    """Every coded frame of one subject; line 1 of the labels is the first frame of the video.

    Raises:
        DatasetError: a missing or damaged label file, or files of different lengths.
    """
    root = Path(ref.root)
    columns = [read_intensities(root / label) for label in ref.labels]
    lengths = {label: len(column) for label, column in zip(ref.labels, columns, strict=True)}
    if len(set(lengths.values())) > 1:
        (short, n), (long, m) = min(lengths.items(), key=_length), max(lengths.items(), key=_length)
        raise DatasetError(f"{root}: {short} has {n} lines but {long} has {m}; expected one a frame in each")
    frames = np.arange(1, len(columns[0]) + 1, dtype=np.int32)
    points = _points(root / ref.landmarks, len(frames)) if ref.landmarks else None
    codes = np.stack(columns, axis=1)
    return FrameRows(ref=ref, aus=AUS, frames=frames, codes=codes, video=root / ref.source, points=points)


def _length(item: tuple[str, int]) -> int:
    return item[1]


def read_intensities(path: Path) -> np.ndarray:
    """Intensities ``int8[N]`` in 0-5 of one AU's file.

    Raises:
        DatasetError: no such file, or a line that is not the next frame's ``frame,intensity``.
    """
    try:
        lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: no readable label file ({error})") from error
    if not lines:
        raise DatasetError(f"{path}: the file is empty; expected lines such as 1,0")
    for number, line in enumerate(lines, start=1):
        match = re.fullmatch(r"\s*(\d+)\s*,\s*([0-5])\s*", line)
        if not match or int(match[1]) != number:
            raise DatasetError(f"{path}, line {number}: {line[:40]!r}; expected {number},<0 to 5>")
    return np.array([int(line.split(",")[1]) for line in lines], np.int8)


def _points(folder: Path, n_frames: int) -> np.ndarray:
    """``float32[N, 3, 2]`` from a file per frame, counted from 0 (``SN..._0000_lm``) or 1 (``l00001_lm``)."""
    points = np.full((n_frames, 3, 2), np.nan, np.float32)
    for path in sorted(folder.rglob("*_lm.mat")):
        match = re.fullmatch(r"(sn\d+_|l)(\d+)_lm\.mat", path.name, re.IGNORECASE)
        index = int(match[2]) - (match[1].lower() == "l") if match else -1
        if 0 <= index < n_frames:
            points[index] = _three_points(path)
    return points


def _three_points(path: Path) -> np.ndarray:
    try:
        p = np.asarray(loadmat(path)["pts"], np.float32)
    except (OSError, KeyError, ValueError, TypeError, MatReadError) as error:
        raise DatasetError(f"{path}: no landmark file (MATLAB v5 with pts): {error}") from error
    if p.shape != (66, 2):
        raise DatasetError(f"{path}: pts is {'x'.join(map(str, p.shape))}; expected 66x2")
    return np.stack([p[LEFT_EYE].mean(0), p[RIGHT_EYE].mean(0), p[CORNERS].mean(0)])
