"""Layout ``manifest``: a CSV of your own, ``path,subject,sequence,frame,AU01,AU12,...``.

``path`` (relative to the CSV) is a picture, or a video whose frame ``frame`` (from 1) is meant. An AU is
0 or 1, an intensity from 0 to 5, or 9 or empty where it is not coded.
"""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np

from au_core.aus import UNKNOWN, au_number
from au_core.data.schema import FrameRows, SequenceRef
from au_core.data.video import PICTURES
from au_core.errors import ConfigError, DatasetError

FIXED = ["path", "subject", "sequence", "frame"]
Row = dict[str, str]


def list_sequences(root: Path) -> list[SequenceRef]:
    """One sequence for each (subject, sequence) of the CSV ``root``, or of ``root/manifest.csv``.

    Raises:
        DatasetError: no such file, wrong columns, or a damaged row.
    """
    path = root / "manifest.csv" if root.is_dir() else root
    sources: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)  # a dict keeps the order, once each
    for row in _read(path):
        sources[row["subject"], row["sequence"]][row["path"]] = None
    if not sources:
        raise DatasetError(f"{path}: no row below the header; expected one for each coded frame")
    return [_ref(path, *names, list(paths)) for names, paths in sources.items()]


def _ref(path: Path, subject: str, sequence: str, sources: list[str]) -> SequenceRef:
    for name in sources:
        _inside(path.parent, name)
    return SequenceRef(
        layout="manifest", dataset="manifest", subject=subject, sequence=sequence,
        source=sources[0], root=str(path.parent), labels=(path.name,), more_sources=tuple(sources[1:]),
    )  # fmt: skip


def _read(path: Path) -> list[Row]:
    if not path.is_file():
        raise DatasetError(
            f"{path}: no such file; expected a CSV with the columns {','.join(FIXED)},AU01,..."
        )
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            names = reader.fieldnames or []
            if list(names[:4]) != FIXED or not _aus(names):
                raise DatasetError(
                    f"{path}: columns {','.join(names)[:80]}; expected {','.join(FIXED)}, then AUs (AU12)"
                )
            return list(reader)
    except (UnicodeDecodeError, csv.Error, ConfigError) as error:
        raise DatasetError(f"{path}: no readable CSV ({error})") from error


def _aus(names: list[str]) -> tuple[int, ...]:
    return tuple(au_number(name) for name in names[4:])


def read_rows(ref: SequenceRef) -> FrameRows:
    """The rows of one (subject, sequence); all from pictures, or all from one video.

    Raises:
        DatasetError: a number that is none, a path outside the CSV's folder, mixed sources.
    """
    table = Path(ref.root) / ref.labels[0]
    every = _read(table)
    aus = _aus(list(every[0]))
    rows = [row for row in every if (row["subject"], row["sequence"]) == (ref.subject, ref.sequence)]
    by_path: dict[Path, list[int]] = defaultdict(list)
    frames = [_number(row["frame"], table, "frame", 0) for row in rows]
    for row, frame in zip(rows, frames, strict=True):
        by_path[_inside(Path(ref.root), row["path"])].append(frame)
    if len(set(frames)) < len(frames):
        raise DatasetError(f"{table}: a frame of {ref.subject} {ref.sequence} is listed twice")
    order = np.argsort(frames)
    codes = np.array([[_code(value, table) for value in list(row.values())[4:]] for row in rows], np.int8)
    pictures = all(path.suffix.lower() in PICTURES for path in by_path)
    if not pictures and len(by_path) > 1:
        raise DatasetError(
            f"{table}: {ref.subject} {ref.sequence} names several videos; give each a sequence"
        )
    return FrameRows(
        ref=ref,
        aus=aus,
        frames=np.array(frames, np.int32)[order],
        codes=codes[order],
        pictures={frame: path for path, numbers in by_path.items() for frame in numbers}
        if pictures
        else None,
        video=None if pictures else next(iter(by_path)),
    )


def _inside(root: Path, name: str) -> Path:
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise DatasetError(f"{root}: path {name!r} leads out of the manifest's folder")
    return path


def _number(text: str | None, table: Path, column: str, lowest: int) -> int:
    if text is None or not text.strip().isdigit() or int(text) < lowest:
        raise DatasetError(f"{table}: {column} {text!r}; expected a whole number from {lowest} on")
    return int(text)


def _code(text: str | None, table: Path) -> int:
    code = _number(text, table, "AU code", 0) if text and text.strip() else 9
    if code not in (0, 1, 2, 3, 4, 5, 9):
        raise DatasetError(f"{table}: AU code {code}; expected 0 to 5, or 9 or nothing where it is not coded")
    return UNKNOWN if code == 9 else code
