"""Layout ``manifest``: a CSV of your own, ``path,subject,sequence,frame,AU01,AU12,...`` in any order.

``path`` (relative to the CSV, or to a folder given) is a picture, or a video whose frame ``frame`` (from 1)
is meant. An AU is 0 or 1, an intensity from 0 to 5 (active from 1 on, where DISFA's are from 2), or 9 or
empty where it is not coded; 1.0 is 1, as pandas writes it.
"""

import hashlib
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from au_core.data.layouts.table import CODES, Row, Table, read_table
from au_core.data.layouts.tree import inside
from au_core.data.schema import FrameRows, SequenceRef
from au_core.data.uncoded import numbers_of, with_uncoded
from au_core.data.video import is_picture, open_video
from au_core.errors import DatasetError

RELATIVE = "write paths relative to the CSV (or to --root DIR), of files below its folder"


def list_sequences(root: Path, base: Path | None = None, uncoded: int = 0) -> list[SequenceRef]:
    """One sequence for each (subject, sequence) of the CSV ``root``, or of ``root/manifest.csv``.

    Paths begin in ``base``, by default in the CSV's folder. With ``uncoded`` the other frames of its videos
    are rows, too.

    Raises:
        DatasetError: no such file or folder, wrong columns, a row of another length, a code or frame that is
            none, a frame twice, a file of two people, a person by two spellings, a path out of ``base``,
            mixed sources, not one file there; with ``uncoded`` two sequences of one video, as each would have
            its other frames.
    """
    path, table = read_table(root, base)
    refs = [_ref(path, table, *names, rows) for names, rows in table.rows.items()]
    if len(absent := table.missing()) == table.n_files:
        raise DatasetError(
            f"{path}: none of its {table.n_files} files is there, {_first(absent)}; expected them below "
            f"{table.base} (is a disk not mounted?); name the folder where its paths begin by --root, or "
            "correct them"
        )
    if uncoded:
        _check_videos(refs, path)
    return [replace(ref, uncoded=uncoded) for ref in refs]


def _check_videos(refs: list[SequenceRef], path: Path) -> None:
    """Make sure that other frames than the listed ones can be had, and by one sequence each."""
    films = [ref for ref in refs if not is_picture(Path(ref.source))]
    if not films:
        raise DatasetError(f"{path}: lists pictures alone; --uncoded takes the other frames of videos")
    first: dict[str, SequenceRef] = {}
    for ref in films:
        other = first.setdefault(os.path.realpath(Path(ref.root, ref.source)), ref)
        if other is not ref:
            raise DatasetError(
                f"{path}: sequences {other.sequence} and {ref.sequence} of {ref.subject} are of one video, "
                f"{ref.source}; with --uncoded expected a sequence of its own for each video"
            )


def remarks(root: Path, base: Path | None = None) -> list[str]:
    """What people should be told of a manifest that :func:`list_sequences` takes."""
    table, lost = read_table(root, base)[1], ""
    if absent := table.missing():
        lost = f"warning: {len(absent)} of {table.n_files} files are not there, {_first(absent)}"
        lost += "; bring them, correct their paths, or go on without them"
    return [remark for remark in (table.columns.passed_over, lost) if remark]


def _first(absent: dict[str, int]) -> str:
    name, line = next(iter(absent.items()))
    return f"the first {name} (line {line})"


def _ref(path: Path, table: Table, subject: str, sequence: str, rows: list[Row]) -> SequenceRef:
    sources = list(_sources(rows, path, table.base))
    label = path.name if table.base == path.parent else str(path.absolute())
    _numbers(rows, path)
    texts = [(row.path, row.frame, [code.strip() for code in row.codes]) for row in rows]
    lines = repr((table.aus, table.kind, texts))
    return SequenceRef(
        layout="manifest", dataset="manifest", subject=subject, sequence=sequence,
        source=sources[0], root=str(table.base), labels=(label,), more_sources=tuple(sources[1:]),
        lines=hashlib.blake2b(lines.encode("utf-8", "surrogateescape")).hexdigest()[:32],
    )  # fmt: skip


def read_rows(ref: SequenceRef) -> FrameRows:
    """The rows of one (subject, sequence); all from pictures, or all from one video.

    Raises:
        DatasetError: as :func:`list_sequences`, which has seen them.
    """
    path, table = read_table(Path(ref.root) / ref.labels[0], Path(ref.root))
    rows = table.rows[ref.subject, ref.sequence]
    sources, numbers = _sources(rows, path, table.base), _numbers(rows, path)
    frames, order = np.unique(np.array(numbers, np.int32), return_index=True)
    codes = np.array([[CODES[code.strip()] for code in row.codes] for row in rows], np.int8)[order]
    by_frame = {number: sources[row.path] for number, row in zip(numbers, rows, strict=True)}
    source = next(iter(sources.values()))
    pictures = is_picture(source)
    last, remarks = int(frames[-1]), ()
    if ref.uncoded and not pictures:
        with suppress(DatasetError):  # told by whoever decodes it, when its frames are counted
            declared = open_video(source).declared_frames
            if not declared:
                remarks = (f"uncoded frames up to {last}, the last listed one: the video tells no length",)
            frames, codes = with_uncoded(frames, codes, numbers_of(declared, frames), ref.uncoded)
    return FrameRows(
        ref=ref,
        aus=table.aus,
        frames=frames,
        codes=codes,
        pictures=by_frame if pictures else None,
        video=None if pictures else source,
        kind=table.kind,
        last_listed=last,
        remarks=remarks,
    )


def _sources(rows: list[Row], table: Path, base: Path) -> dict[str, Path]:
    """The files of a sequence by the paths in its lines, in their order: pictures, or one video."""
    first: dict[str, Row] = {}
    for row in rows:  # many are of one video, which is looked for once
        first.setdefault(row.path, row)
    sources = {name: inside(base, name, f"{table}, line {row.line}", RELATIVE) for name, row in first.items()}
    if len(sources) > 1 and not all(is_picture(source) for source in sources.values()):
        raise DatasetError(
            f"{table}, line {rows[0].line}: this subject and sequence are taken from {len(sources)} files, "
            "not all pictures; expected pictures or one video, so give each video a sequence of its own"
        )
    return sources


def _numbers(rows: list[Row], table: Path) -> list[int]:
    """The frames of a sequence's lines, each once."""
    seen: dict[int, int] = {}
    for row in rows:
        number = _frame(row, table)
        if seen.setdefault(number, row.line) != row.line:
            raise DatasetError(
                f"{table}, line {row.line}: frame {number} of this subject and sequence is listed twice, "
                f"first in line {seen[number]}"
            )
    return list(seen)


def _frame(row: Row, table: Path) -> int:
    text, lowest = row.frame, 0 if is_picture(Path(row.path)) else 1
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= lowest):
        raise DatasetError(
            f"{table}, line {row.line}: frame {text!r}; expected a whole number from {lowest} on"
            + (" (1 is a video's first)" if lowest else "")
        )
    return int(text)
