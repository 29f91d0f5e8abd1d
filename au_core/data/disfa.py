"""Layout ``disfa``: one video per subject, one intensity file per AU, 66-point landmarks.

Written against the release that public code reads: ``Videos_LeftCamera/LeftVideoSN001_comp.avi`` (also
``Video_``, ``_Comp``; AU R-CNN, FMAE-IAT, LibreFace), ``ActionUnit_Labels/SN001/SN001_au1.txt`` with lines
``frame,intensity`` from frame 1 (ME-GraphAU, FMAE-IAT), ``Landmark_Points/SN001/tmp_frame_lm``.
"""

import re
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from au_core.data.schema import FrameRows, SequenceRef
from au_core.data.tree import child, children, not_the_layout
from au_core.errors import DatasetError

AUS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
EXPECTED = "Videos_LeftCamera/LeftVideoSN001_comp.avi and ActionUnit_Labels/SN001/SN001_au1.txt"
LEFT_EYE, RIGHT_EYE, CORNERS = slice(36, 42), slice(42, 48), [48, 54]
"""Indices in the 66 points, from 0: iBUG's 68 without the inner mouth corners, which come later."""


def list_sequences(root: Path) -> list[SequenceRef]:
    """One sequence for each folder of labels: the left camera's, or ``right`` where only that is there.

    Raises:
        DatasetError: no video, or no label folder.
    """
    people = children(child(root, "ActionUnit_Labels"), r"SN\d{3}")
    left, right = (child(root, f"Videos?_?{side}Camera") for side in ("Left", "Right"))
    camera, side = (left or right), "left" if left or not right else "right"
    films = {path.stem[-10:-5].upper(): path for path in children(camera, rf"{side}VideoSN\d{{3}}_comp\.\w+")}
    if not people or camera is None or not films:
        raise not_the_layout(root, "disfa", EXPECTED)
    return [_ref(root, person, camera, side, films.get(person.name.upper())) for person in people]


def _ref(root: Path, labels: Path, camera: Path, side: str, film: Path | None) -> SequenceRef:
    subject = labels.name.upper()
    film = film or camera / f"{side.title()}Video{subject}_comp.avi"  # fails by name, does not vanish
    files = {path.name.lower(): path for path in children(labels, r".*\.txt")}
    names = [f"{subject}_au{au}.txt" for au in AUS]
    landmarks = child(root, "Landmark_Points", subject)
    return SequenceRef(
        layout="disfa", dataset="DISFA", subject=subject, sequence=side, root=str(root),
        source=film.relative_to(root).as_posix(),
        labels=tuple(
            files.get(name.lower(), labels / name).relative_to(root).as_posix() for name in names
        ),
        landmarks=landmarks.relative_to(root).as_posix() if landmarks else None,
    )  # fmt: skip


def read_rows(ref: SequenceRef) -> FrameRows:
    """Every coded frame of one subject; line 1 of the labels is the first frame of the video.

    Raises:
        DatasetError: a missing or damaged label file, or files of different lengths.
    """
    root = Path(ref.root)
    columns = [read_intensities(root / label) for label in ref.labels]
    lengths = [len(column) for column in columns]
    if min(lengths) < max(lengths):
        short, long = (ref.labels[lengths.index(n)] for n in (min(lengths), max(lengths)))
        raise DatasetError(
            f"{root}: {short} has {min(lengths)} lines but {long} has {max(lengths)}; expected one each"
        )
    frames, codes = np.arange(1, lengths[0] + 1, dtype=np.int32), np.stack(columns, axis=1)
    points, remarks = read_points(root / ref.landmarks, len(frames)) if ref.landmarks else (None, ())
    return FrameRows(
        ref=ref, aus=AUS, frames=frames, codes=codes, video=root / ref.source, points=points, remarks=remarks
    )


def read_intensities(path: Path) -> np.ndarray:
    """Intensities ``int8[N]`` in 0-5 of one AU's file.

    Raises:
        DatasetError: no such file, or a line that is not the next frame's ``frame,intensity``.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: no readable label file ({error})") from error
    if not lines:
        raise DatasetError(f"{path}: the file is empty; expected lines such as 1,0")
    for number, line in enumerate(lines, start=1):
        match = re.fullmatch(r"\s*(\d+)\s*,\s*([0-5])\s*", line, re.ASCII)
        if not match or int(match[1]) != number:
            raise DatasetError(f"{path}, line {number}: {line[:40]!r}; expected {number},<0 to 5>")
    return np.array([int(line.split(",")[1]) for line in lines], np.int8)


def read_points(folder: Path, n_frames: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """``float32[N, 3, 2]`` from one file per frame, NaN where it is missing; and what was odd.

    Files count from 0 (``SN001_0000_lm.mat``) or from 1 (``l00001_lm.mat``); one subject has a file more
    than the video has frames, and it is the first that is too many.
    """
    names = (
        (path, re.fullmatch(r"(?:SN\d+_|l)(\d+)_lm\.mat", path.name, re.I))
        for path in folder.rglob("*_[lL][mM].mat")
    )
    files = {int(match[1]): path for path, match in names if match}
    first = min(1, *files) if files else 1
    surplus = max(files, default=0) - first + 1 - n_frames
    first += surplus == 1
    points = np.full((n_frames, 3, 2), np.nan, np.float32)
    for number, path in files.items():
        if 0 <= number - first < n_frames:
            points[number - first] = _three_points(path)
    missing = int(np.isnan(points[:, 0, 0]).sum())
    remarks = [f"{missing} frames without landmarks"] * bool(missing)
    remarks += [f"{surplus} landmark files more than frames"] * (surplus > 0)
    return points, tuple(remarks)


def _three_points(path: Path) -> np.ndarray:
    try:
        p = np.asarray(loadmat(path)["pts"], np.float32)
    except Exception:  # scipy raises whatever damaged bytes lead it to; one frame is no reason to lose 4,845
        return np.full((3, 2), np.nan, np.float32)
    if p.shape != (66, 2):
        raise DatasetError(f"{path}: pts is {'x'.join(map(str, p.shape))}; expected 66x2")
    return np.stack([p[LEFT_EYE].mean(0), p[RIGHT_EYE].mean(0), p[CORNERS].mean(0)])
