"""Layout ``bp4d``: picture folders, one AU_OCC csv per sequence, 49-point landmarks in MATLAB v7.3 files.

Written against the release that public code reads: ``F001/T1/2440.jpg`` (ME-GraphAU and JAA-Net lists, with
and without zero padding) or ``2F01_T1.avi``, whose first frame is number 1 (FMAE-IAT);
``AUCoding/AU_OCC/F001_T1.csv`` with a column for every AU number (ME-GraphAU's tools; flat ``AUCoding/`` in
AU R-CNN), csv named by raw task number (FMAE-IAT), ``2DFeatures/F001_T1.mat`` counting pixels from 1
(JAA-Net). Occurrence is read, never the intensities that lie in ``AU_INT`` beside it. Some 450 frames of a
sequence are coded, the others and whole tasks (of BP4D+ six of ten) are not.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from au_core.aus import AU_NAMES, BP4D, OCCURRENCE, UNKNOWN
from au_core.data.layouts.tree import (
    child,
    children,
    has_numbered_pictures,
    no_numbered_picture,
    not_the_layout,
    numbered_pictures,
    one_of_each,
    opened,
    relative,
)
from au_core.data.schema import FrameRows, SequenceRef
from au_core.data.uncoded import numbers_of, with_uncoded
from au_core.data.video import open_video
from au_core.errors import DatasetError

AUS = tuple(AU_NAMES)
"""Columns of every shard, coded in a file or not, so that all shards of a dataset agree."""
RAW_TASKS = {"01": "T1", "03": "T2", "07": "T3", "08": "T4", "09": "T5", "10": "T6", "11": "T7", "13": "T8"}
FILM = r"2[FM]\d\d_T\d\.(?:avi|mp4|mkv|mov)"
EXPECTED = "F001/T1/*.jpg (at the top or one folder below) and AUCoding/AU_OCC/F001_T1.csv"
MARKS = slice(19, 25), slice(25, 31), [31, 37], [13]
"""Left eye, right eye, mouth corners and nose: indices in the 49 points, from 0 (JAA-Net
``face_transform.py``); left is left in the picture."""
MAX_FRAMES = 1_000_000
"""A landmark file that claims more is damaged."""


def list_sequences(
    root: Path, layout: str = "bp4d", expected: str = EXPECTED, uncoded: int = 0
) -> list[SequenceRef]:
    """One sequence for each AU_OCC csv; one without pictures will fail by name, not vanish.

    With ``uncoded`` also one for each task that has none. A release laid out alike says by ``layout`` and
    ``expected`` what it is called and should have.

    Raises:
        DatasetError: no such csv, no folder of subjects, or labels, pictures or a video in two places.
    """
    coding = child(root, "AUCoding")
    folders = [child(coding, "AU_OCC"), child(root, "AU_OCC"), coding, root]
    found = next((labels for folder in folders if (labels := _label_files(folder))), {})
    pictures = child(root, r"2D\+3D")  # BP4D+ has thermal ones, too
    places = [pictures] if pictures else [root, *children(root, r"[^.].*")]
    tops = [place for place in places if children(place, r"[FM]\d{3}")]
    people = one_of_each((path.name.upper(), path) for top in tops for path in _with_pictures(top))
    top = next(iter(people.values())).parent if people else next(iter(tops), root)
    films = one_of_each((path.stem.upper(), path) for place in places for path in children(place, FILM))
    if not found or not (tops or films):
        raise not_the_layout(root, layout, expected)
    filmed = {_named_film(name): path for name, path in films.items()}
    mats = {path.stem.upper(): path for path in children(child(root, "2DFeatures"), r".*\.mat")}
    others = {*filmed, *_tasks(people)} - {*found} if uncoded else set[str]()
    return [
        SequenceRef(
            layout=layout, dataset="BP4D", subject=subject, sequence=task, root=str(root), uncoded=uncoded,
            source=relative(
                child(people.get(subject), task) or filmed.get(name) or top / subject / task, root
            ),
            labels=(relative(found[name], root),) if name in found else (),
            landmarks=relative(mats[name], root) if name in mats else None,
        )
        for name in [*found, *sorted(others)] for subject, task in [name.split("_")]
    ]  # fmt: skip


def _named_film(stem: str) -> str:
    """A film's sequence as label files call it: ``2F01_T5`` is ``F001_T5``."""
    return f"{stem[1]}0{stem[2:]}"


def _tasks(people: dict[str, Path]) -> Iterator[str]:
    """The sequences of ``people``'s folders that have pictures."""
    for subject, folder in people.items():
        tasks = filter(has_numbered_pictures, children(folder, r"T\d+"))
        yield from (f"{subject}_{task.name.upper()}" for task in tasks)


def _with_pictures(top: Path) -> list[Path]:
    """Subjects' folders that hold pictures: ``Physiology`` has folders of that name, too."""
    people = children(top, r"[FM]\d{3}")
    return [person for person in people if any(map(has_numbered_pictures, children(person, r"T\d+")))]


def _label_files(folder: Path | None) -> dict[str, Path]:
    """Label files by subject and task (``F001_T1``); raw task numbers become T1 to T8.

    Raises:
        DatasetError: a sequence has two.
    """
    paths = children(folder, r"[FM]\d{3}_(T\d|\d\d)\.csv")
    named = ((path.stem.upper().split("_"), path) for path in paths)
    tasks = ((f"{subject}_{RAW_TASKS.get(task, task)}", path) for (subject, task), path in named)
    return one_of_each(tasks, "whose codes may differ")


def read_rows(ref: SequenceRef) -> FrameRows:
    """The frames of one sequence, coded or asked for; their numbers are the pictures' names, padded or not.

    Raises:
        DatasetError: a damaged csv, or as :func:`rows_of`.
    """
    source = Path(ref.root) / ref.source
    frames, codes = read_codes(ref)
    pictures = None if source.is_file() else numbered_pictures(source)
    return rows_of(ref, frames, codes, pictures)


def read_codes(ref: SequenceRef) -> tuple[np.ndarray, np.ndarray]:
    """What :func:`read_occurrence` finds in the label file of a sequence; N is 0 where it has none.

    Raises:
        DatasetError: a damaged csv.
    """
    for label in ref.labels:
        return read_occurrence(Path(ref.root) / label)
    return np.empty(0, np.int32), np.empty((0, len(AUS)), np.int8)


def rows_of(
    ref: SequenceRef, frames: np.ndarray, codes: np.ndarray, pictures: dict[int, Path] | None
) -> FrameRows:
    """The coded ``frames[N]`` of one sequence with ``codes[N, 17]``, and what uncoded ones ``ref`` asks for.

    ``pictures`` are numbered as in the labels; None for a video, whose first frame is number 1.

    Raises:
        DatasetError: a damaged mat, one of another length, or no picture at all.
    """
    source, marks = Path(ref.root) / ref.source, None
    if pictures == {}:
        raise no_numbered_picture(source, f"{next(iter(frames), 1)}.jpg")
    needed = ref.landmarks or ref.uncoded
    there = sorted(pictures or numbers_of(open_video(source).declared_frames, frames)) if needed else []
    rows, codes = with_uncoded(frames, codes, there, ref.uncoded)
    if not len(rows):
        raise DatasetError(f"{source}: the video does not say how many frames it has, and none is coded")
    if ref.landmarks:
        marks = _marks(Path(ref.root) / ref.landmarks, rows, frames, there)
    return FrameRows(
        ref=ref, aus=AUS, frames=rows, codes=codes, pictures=pictures,
        video=source if pictures is None else None, marks=marks, last_listed=max(frames.tolist(), default=0),
    )  # fmt: skip


def read_occurrence(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Frame numbers ``int32[N]`` and codes ``int8[N, 17]`` of an AU_OCC csv, its columns found by header.

    Raises:
        DatasetError: an AU of the benchmark is not in the header, a line of another length, a code other
            than 0, 1, 9, a frame twice.
    """
    with opened(path, "csv") as file:
        header, *lines = [line for line in csv.reader(file, strict=True) if line] or [[]]
    names = (re.sub(r"^AU0*", "", name.strip(), flags=re.IGNORECASE) for name in header)
    where = {name: column for column, name in enumerate(names) if column > 0}
    if missing := [str(au) for au in BP4D.aus if str(au) not in where]:
        raise DatasetError(
            f"{path}: no column for AU {', '.join(missing)} in the header {','.join(header)[:60]!r}; "
            "expected 0,1,2,3,... (the frame, then AU numbers, with or without AU before them)"
        )
    if not lines:
        raise DatasetError(f"{path}: no line below the header; expected one for each coded frame")
    columns = [where.get(str(au)) for au in AUS]
    rows = [_line(path, number, line, header, columns) for number, line in enumerate(lines, start=2)]
    frames, first = np.unique(np.array([frame for frame, _ in rows], np.int32), return_index=True)
    if len(frames) < len(rows):
        raise DatasetError(f"{path}: {len(rows)} lines for {len(frames)} frames; expected one for each")
    return frames, np.array([codes for _, codes in rows], np.int8)[first]


def _line(
    path: Path, number: int, line: list[str], header: list[str], columns: list[int | None]
) -> tuple[int, list[int]]:
    if len(line) != len(header):
        raise DatasetError(
            f"{path}, line {number}: {len(line)} values; expected {len(header)} as in the header"
        )
    if not re.fullmatch(r"\s*\d{1,9}\s*", line[0], re.ASCII):
        raise DatasetError(f"{path}, line {number}: frame {line[0]!r}; expected a whole number")
    for column in columns:
        if column is not None and line[column].strip() not in OCCURRENCE:
            raise DatasetError(
                f"{path}, line {number}: code {line[column]!r} for AU {header[column]}; "
                "expected 0, 1 or 9 (not coded)"
            )
    return int(line[0]), [UNKNOWN if c is None else OCCURRENCE[line[c].strip()] for c in columns]


def _marks(path: Path, frames: np.ndarray, coded: np.ndarray, pictures: list[int]) -> np.ndarray:
    """``float32[N, 4, 2]`` for ``frames[N]``: the file has an entry for each picture, coded frame or number.

    ``pictures`` are their numbers, or those of a video's frames.
    """
    landmarks = read_landmarks(path)
    runs = [range(pictures[0], pictures[-1] + 1), range(1, pictures[-1] + 1)]
    if set(pictures) <= set(coded.tolist()):  # a picture beside the coded ones has an entry of its own
        runs.append(range(coded[0], coded[-1] + 1))
    fitting = {tuple(numbers) for numbers in [pictures, *runs] if len(numbers) == len(landmarks)}
    if len(fitting) != 1:
        raise DatasetError(
            f"{path}: landmarks of {len(landmarks)} frames for {len(pictures)} pictures up to number "
            f"{pictures[-1]}; expected one for each, or use --detector yunet"
        )
    row = {number: index for index, number in enumerate(fitting.pop())}
    marks = np.full((len(frames), 4, 2), np.nan, np.float32)
    for i, frame in enumerate(frames.tolist()):
        if frame in row:
            marks[i] = landmarks[row[frame]]
    return marks


def read_landmarks(path: Path) -> np.ndarray:
    """Eyes, mouth and nose ``float32[F, 4, 2]`` of a ``2DFeatures`` file, NaN where tracking failed.

    Raises:
        DatasetError: no HDF5 file with ``fit/pred``.
    """
    try:
        with h5py.File(path, "r") as file:
            found = file["fit/pred"]
            if not isinstance(found, h5py.Dataset) or not 0 < (found.size or 0) < MAX_FRAMES:
                raise ValueError("fit/pred is no list of frames")  # a damaged header can claim any number
            return np.stack([_four_points(file[reference]) for reference in np.asarray(found).ravel()])
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        reason = str(error).partition(": time =")[0]  # HDF5 tells the hour, and a quality row must not
        raise DatasetError(f"{path}: no landmark file (MATLAB v7.3 with fit/pred): {reason}") from error


def _four_points(stored: object) -> np.ndarray:
    if getattr(stored, "shape", None) != (2, 49):  # MATLAB writes an empty array where tracking failed
        return np.full((4, 2), np.nan, np.float32)
    p = np.asarray(stored).T - 1  # MATLAB counts pixels from 1
    return np.stack([p[part].mean(0) for part in MARKS]).astype(np.float32)
