"""Layout ``disfa``: one video per subject and camera, one intensity file per AU, 66-point landmarks.

Written against the release that public code reads: ``Videos_LeftCamera/LeftVideoSN001_comp.avi`` (also
``Video_``, ``_Comp``; AU R-CNN, FMAE-IAT, LibreFace), or its frames as pictures, counted from 0
(``SN001/0.png``: ME-GraphAU, JAA-Net) or from 1 (``frame_1.jpg``: FMAE-IAT; ``0001.jpg``: LibreFace).
``ActionUnit_Labels/SN001/SN001_au1.txt`` with lines ``frame,intensity`` from frame 1 (ME-GraphAU, FMAE-IAT);
4,845 lines, SN010 has 4,844. ``Landmark_Points/SN001/tmp_frame_lm`` (public readers without a name). Frames
with wrong landmarks: JAA-Net's lists leave them out, and an independent script names the same ranges.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from au_core.aus import DISFA, UNKNOWN
from au_core.data.facts import load_facts
from au_core.data.layouts.tree import (
    child,
    children,
    has_numbered_pictures,
    landmarks_below,
    not_the_layout,
    numbered_pictures,
    one_of_each,
    opened,
    relative,
)
from au_core.data.schema import FrameRows, SequenceRef
from au_core.data.video import VIDEOS
from au_core.errors import DatasetError

AUS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
EXPECTED = "Videos_LeftCamera/LeftVideoSN001_comp.avi and ActionUnit_Labels/SN001/SN001_au1.txt"
MARKS = slice(36, 42), slice(42, 48), [48, 54], [30]
"""Left eye, right eye, mouth corners and nose: indices in the 66 points, from 0 (iBUG's 68 without the inner
mouth corners, which come later)."""
MAX_BYTES = 1_000_000
"""A landmark file of 66 points has 1 KB; one that is far larger is something else."""


def list_sequences(root: Path, camera: str = "left") -> list[SequenceRef]:
    """One sequence for each folder of labels, with the video or the pictures of one ``camera``.

    The landmarks are the left camera's, as public readers use them; the right one needs a detector. Where
    there is no camera's folder, pictures in ``SN001/`` (at the top or one folder below) are taken.

    Raises:
        DatasetError: no video or picture of that camera, no label folder, or two sources of one subject.
    """
    labels = child(root, "ActionUnit_Labels")
    people = children(labels, r"SN\d{3}")
    sides = {side: child(root, f"Videos?_?{side}_?Camera") for side in ("Left", "Right")}
    there = [side.lower() for side, folder in sides.items() if folder]
    if there and camera not in there and people:
        raise DatasetError(f"{root}: no folder of the {camera} camera; --camera {there[0]} is there")
    folder = sides[camera.title()]
    found = one_of_each(_films(folder, camera)) if folder else _picture_folders(root, labels)
    if not people or not found:
        raise not_the_layout(root, "disfa", EXPECTED)
    return [_ref(root, person, camera, found.get(person.name.upper()), folder) for person in people]


def _films(folder: Path, camera: str) -> Iterator[tuple[str, Path]]:
    """(subject, video, or folder of a video's pictures); OpenFace's tables are often beside these."""
    for path in children(folder, rf"(?:{camera}_?Video_?)?SN\d{{3}}(?:_comp)?(?:\.\w+)?"):
        if path.suffix.lower() in VIDEOS or has_numbered_pictures(path):
            yield re.findall(r"SN\d{3}", path.name.upper())[0], path


def _picture_folders(root: Path, labels: Path | None) -> dict[str, Path]:
    """Folders of pictures by subject, at ``root`` or in folders below."""
    others = [p for p in children(root, r"[^.].*") if p != labels and not p.name.startswith("Landmark")]
    people = (path for top in [root, *others] for path in children(top, r"SN\d{3}"))
    return one_of_each((path.name.upper(), path) for path in filter(has_numbered_pictures, people))


def _ref(root: Path, labels: Path, camera: str, source: Path | None, folder: Path | None) -> SequenceRef:
    subject = labels.name.upper()
    source = source or (folder or root) / f"{camera.title()}Video{subject}_comp.avi"  # fails by name
    texts = {path.name.lower(): path for path in children(labels, r".*\.txt")}
    paths = {au: texts.get(f"{subject}_au{au}.txt".lower(), labels / f"{subject}_au{au}.txt") for au in AUS}
    landmarks = child(root, "Landmark_Points", subject) if camera == "left" else None
    return SequenceRef(
        layout="disfa", dataset="DISFA", subject=subject, sequence=camera, root=str(root),
        source=relative(source, root),
        labels=tuple(relative(path, root) for au, path in paths.items() if au in DISFA.aus or path.exists()),
        landmarks=relative(landmarks, root) if landmarks else None,
    )  # fmt: skip


def read_rows(ref: SequenceRef) -> FrameRows:
    """Every coded frame of one subject; line 1 of the labels is the first frame of the video.

    Raises:
        DatasetError: no label file of an AU of the benchmark, a damaged one, or files of different lengths.
    """
    root, source = Path(ref.root), Path(ref.root) / ref.source
    columns = {_au(label): read_intensities(root / label) for label in ref.labels}
    lengths = [len(column) for column in columns.values()]
    if min(lengths) < max(lengths):
        short, long = (ref.labels[lengths.index(n)] for n in (min(lengths), max(lengths)))
        raise DatasetError(
            f"{root}: {short} has {min(lengths)} lines but {long} has {max(lengths)}; expected one each"
        )
    frames, nothing = np.arange(1, lengths[0] + 1, dtype=np.int32), np.full(lengths[0], UNKNOWN, np.int8)
    codes = np.stack([columns.get(au, nothing) for au in AUS], axis=1)
    marks, remarks = read_points(root / ref.landmarks, len(frames)) if ref.landmarks else (None, ())
    if lacking := [str(au) for au in AUS if au not in columns]:
        remarks = (*remarks, f"no label file of AU {', '.join(lacking)}")
    pictures = None
    if source.is_dir():
        found = numbered_pictures(source)
        pictures, remarks = _counted_from_1(found), (*remarks, *_doubtful_count(found, len(frames)))
    return FrameRows(
        ref=ref, aus=AUS, frames=frames, codes=codes, remarks=remarks, kind="intensity",
        pictures=pictures, video=None if source.is_dir() else source, marks=marks,
        bad=np.isin(frames, bad_frames(ref.subject)) if ref.sequence == "left" else None,
    )  # fmt: skip


def _au(label: str) -> int:
    """The AU of a label file.

    >>> _au("ActionUnit_Labels/SN001/SN001_au12.txt")
    12
    """
    return int(re.findall(r"\d+", Path(label).stem)[-1])


def _counted_from_1(pictures: dict[int, Path]) -> dict[int, Path]:
    """The pictures by label frame: the folder does not say where it counts from, its lowest number does."""
    shift = 1 if 0 in pictures else 0
    return {number + shift: path for number, path in pictures.items()}


def _doubtful_count(pictures: dict[int, Path], lines: int) -> list[str]:
    """A remark where the picture 0 may be lost: then every label stands beside its neighbour's picture."""
    if pictures and 0 not in pictures and max(pictures) == lines - 1:
        return [f"the highest of the pictures is {lines - 1} of {lines} labels; taken as counted from 1"]
    return []


def bad_frames(subject: str) -> list[int]:
    """Frames of a subject, counted from 1 as in the labels, whose (left) landmarks are known to be wrong.

    >>> len(bad_frames("SN021")), bad_frames("SN002")[0]
    (3052, 800)
    """
    ranges = load_facts("folds")["DISFA"]["frames_without_good_landmarks_0based"].get(subject, [])
    return [n + 1 for first, last in ranges for n in range(first, last + 1)]


def read_intensities(path: Path) -> np.ndarray:
    """Intensities ``int8[N]`` in 0-5 of one AU's file.

    Raises:
        DatasetError: no such file, or a line that is not the next frame's ``frame,intensity``.
    """
    with opened(path, "label file") as file:
        lines = file.read().rstrip().splitlines()
    if not lines:
        raise DatasetError(f"{path}: the file is empty; expected lines such as 1,0")
    for number, line in enumerate(lines, start=1):
        match = re.fullmatch(r"\s*(\d{1,9})\s*,\s*([0-5])\s*", line, re.ASCII)
        if not match or int(match[1]) != number:
            raise DatasetError(f"{path}, line {number}: {line[:40]!r}; expected {number},<0 to 5>")
    return np.array([int(line.split(",")[1]) for line in lines], np.int8)


def read_points(folder: Path, n_frames: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Eyes, mouth and nose ``float32[N, 4, 2]``, a file per frame, NaN where it is missing; and what was odd.

    Files count from 0 (``SN001_0000_lm.mat``) or from 1 (``l00001_lm.mat``); one subject has a file more
    than the video has frames, and it is the first that is too many; ``l03631_lm.mat`` of SN031 is missing.
    """
    names = (
        (path, re.fullmatch(r"(?:SN\d+_|l)(\d{1,9})_lm\.mat", path.name, re.I))
        for path in landmarks_below(folder)
    )
    found = {int(match[1]): path for path, match in names if match}
    first = min(1, *found) if found else 1
    surplus = max(found, default=0) - first + 1 - n_frames
    if surplus == 1:
        first += 1
    marks = np.full((n_frames, 4, 2), np.nan, np.float32)
    for number, path in found.items():
        if 0 <= number - first < n_frames:
            marks[number - first] = _four_points(path)
    missing = int(np.isnan(marks[:, 0, 0]).sum())
    remarks = [f"{missing} frames without landmarks"] if missing else []
    remarks += [f"{surplus} landmark files more than frames"] if surplus > 0 else []
    return marks, tuple(remarks)


def _four_points(path: Path) -> np.ndarray:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("too large")
        p = np.asarray(loadmat(path, variable_names=["pts"])["pts"], np.float32)
    except Exception:  # scipy raises whatever damaged bytes lead it to; one frame is no reason to lose 4,845
        return np.full((4, 2), np.nan, np.float32)
    if p.shape != (66, 2):
        raise DatasetError(f"{path}: pts is {'x'.join(map(str, p.shape))}; expected 66x2")
    return np.stack([p[part].mean(0) for part in MARKS])
