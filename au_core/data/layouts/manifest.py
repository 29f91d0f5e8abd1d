"""Layout ``manifest``: a CSV of your own, ``path,subject,sequence,frame,AU01,AU12,...`` in any order.

``path`` (relative to the CSV, or to a folder given) is a picture, or a video whose frame ``frame`` (from 1)
is meant. An AU is 0 or 1, an intensity from 0 to 5 (active from 1 on, where DISFA's are from 2), or 9 or
empty where it is not coded; 1.0 is 1, as pandas writes it.
"""

import csv
import hashlib
import os
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from pathlib import Path
from posixpath import normpath
from unicodedata import normalize

import numpy as np

from au_core.aus import OCCURRENCE, UNKNOWN, without_decimals
from au_core.data.layouts.columns import FIXED, Columns, columns_of
from au_core.data.layouts.tree import inside, opened
from au_core.data.schema import FrameRows, SequenceRef
from au_core.data.uncoded import with_uncoded
from au_core.data.video import is_picture, open_video
from au_core.errors import DatasetError

RELATIVE = "write paths relative to the CSV (or to --root DIR), of files below its folder"
CODES = OCCURRENCE | {"": UNKNOWN} | {str(code): code for code in range(2, 6)}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the CSV, its frame not yet judged; equal texts are one object."""

    line: int
    path: str
    frame: str
    codes: str
    """A character for each AU, a blank where nothing is coded."""


@dataclass(frozen=True, slots=True)
class Table:
    """A manifest, its rows by (subject, sequence)."""

    base: Path
    """Folder in which paths begin."""
    columns: Columns
    kind: str
    """``intensity`` if any code is above 1."""
    rows: dict[tuple[str, str], list[Row]]
    n_files: int
    absent: dict[str, int]
    """Files that were not there when the CSV was parsed, with the line that first names each."""

    @property
    def aus(self) -> tuple[int, ...]:
        """What is coded."""
        return self.columns.aus


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
    path, table = _read(root, base)
    refs = [_ref(path, table, *names, rows) for names, rows in table.rows.items()]
    if len(absent := _absent(table)) == table.n_files:
        raise DatasetError(
            f"{path}: none of its {table.n_files} files is there, {_first(absent)}; expected them below "
            f"{table.base} (is a disk not mounted?); name the folder where its paths begin by --root, or "
            "correct them"
        )
    if uncoded:
        _refuse_shared(refs, path)
    return [replace(ref, uncoded=uncoded) for ref in refs]


def _refuse_shared(refs: list[SequenceRef], path: Path) -> None:
    first: dict[str, SequenceRef] = {}
    for ref in refs:
        source = Path(ref.root, ref.source)
        other = ref if is_picture(source) else first.setdefault(os.path.realpath(source), ref)
        if other is not ref:
            raise DatasetError(
                f"{path}: sequences {other.sequence} and {ref.sequence} of {ref.subject} are of one video, "
                f"{ref.source}; with --uncoded expected a sequence of its own for each video"
            )


def remarks(root: Path, base: Path | None = None) -> list[str]:
    """What people should be told of a manifest that :func:`list_sequences` takes."""
    table, lost = _read(root, base)[1], ""
    if absent := _absent(table):
        lost = f"warning: {len(absent)} of {table.n_files} files are not there, {_first(absent)}"
        lost += "; bring them, correct their paths, or go on without them"
    return [remark for remark in (table.columns.passed_over, lost) if remark]


def _absent(table: Table) -> dict[str, int]:
    """Of the files that were not there those that are not there now."""
    gone = (name for name in table.absent if isinstance(_file(table.base, name), str))
    return {name: table.absent[name] for name in gone}


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


def _read(root: Path, base: Path | None) -> tuple[Path, Table]:
    """The CSV, parsed; a worker that reads sequence after sequence parses it once.

    Raises:
        DatasetError: as :func:`list_sequences`.
    """
    path = root / "manifest.csv" if root.is_dir() else root
    if base and not base.is_dir():
        raise DatasetError(f"{base}: no such folder; expected that in which the paths of {path} begin")
    if not path.is_file():
        raise DatasetError(f"{path}: no such file; expected a CSV with {','.join(FIXED)},AU01,...")
    stat = path.stat()
    return path, _parse(path, base or path.parent, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1)
def _parse(path: Path, base: Path, _mtime: int, _size: int) -> Table:
    with opened(path, "CSV") as file:
        lines = csv.reader(file, strict=True)
        columns = columns_of(path, next(lines, []))
        rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
        file_of, whose = cache(partial(_file, base)), dict[str | tuple[int, int], str]()
        texts, seen, wrong = dict[str, str](), set[str](), list[tuple[int, str, str]]()
        absent = dict[str, int]()
        for line in filter(None, lines):
            source, subject, sequence, frame, *codes = _cells(path, lines.line_num, line, columns)
            if isinstance(file := file_of(source), str):
                absent.setdefault(file, lines.line_num)
            if (other := whose.setdefault(file, subject)) != subject:
                raise DatasetError(
                    f"{path}, line {lines.line_num}: {source} is of {subject}, before it was of {other}; "
                    "expected files of one person each, or the same face would be trained and tested on"
                )
            judged = zip(columns.codes.values(), codes, strict=True)
            wrong += [(lines.line_num, au, code) for au, code in judged if code not in CODES]
            seen.update(codes)
            kept = (source, frame, "".join([code or " " for code in codes]))
            row = Row(lines.line_num, *(texts.setdefault(text, text) for text in kept))
            rows[subject, sequence].append(row)
    if not rows:
        raise DatasetError(f"{path}: no row below the header; expected one for each coded frame")
    _check_spelling(path, rows)
    _check_codes(path, wrong)
    kind = "intensity" if seen & {*"2345"} else "occurrence"
    return Table(base, columns, kind, dict(rows), len(whose), absent)


def _file(base: Path, source: str) -> str | tuple[int, int]:
    """What tells whether two names mean one file; a link is what it leads to."""
    try:
        stat = os.stat(os.path.join(base, source))
    except (OSError, ValueError):  # told by whoever reads it
        return normpath(source)
    return stat.st_dev, stat.st_ino


def _check_spelling(path: Path, rows: dict[tuple[str, str], list[Row]]) -> None:
    """Refuse one person by two names, of which one would be trained and the other tested on."""
    first: dict[str, tuple[str, int]] = {}
    for (subject, _), (row, *_) in rows.items():
        other, line = first.setdefault(normalize("NFC", subject).casefold(), (subject, row.line))
        if other != subject:
            raise DatasetError(
                f"{path}, line {row.line}: subject {subject!r} is {other!r} of line {line} in other letters "
                "(capital ones, or accents coded otherwise); expected one spelling for one person"
            )


def _check_codes(path: Path, wrong: list[tuple[int, str, str]]) -> None:
    """Refuse codes that are none before hours of finding faces: the line, AU and text of each."""
    if wrong:
        line, au, code = min(wrong)
        more = f" (and {len(wrong) - 1} more such codes)" if len(wrong) > 1 else ""
        raise DatasetError(
            f"{path}, line {line}: {au} is {code!r}; expected 0 to 5, or 9 or nothing if not coded{more}"
        )


def _cells(path: Path, number: int, line: list[str], columns: Columns) -> list[str]:
    """The values of FIXED, and the codes."""
    if len(line) != columns.count:
        raise DatasetError(f"{path}, line {number}: {len(line)} values; the header has {columns.count}")
    cells = [line[place].strip() for place in columns.fixed]
    if "" in cells:
        raise DatasetError(f"{path}, line {number}: {FIXED[cells.index('')]} must not be empty")
    codes = [line[place].strip() for place in columns.codes]
    cells[3] = without_decimals(cells[3])
    return cells + [code if code in CODES else without_decimals(code) for code in codes]


def read_rows(ref: SequenceRef) -> FrameRows:
    """The rows of one (subject, sequence); all from pictures, or all from one video.

    Raises:
        DatasetError: as :func:`list_sequences`, which has seen them.
    """
    path, table = _read(Path(ref.root) / ref.labels[0], Path(ref.root))
    rows = table.rows[ref.subject, ref.sequence]
    sources, numbers = _sources(rows, path, table.base), _numbers(rows, path)
    frames, order = np.unique(np.array(numbers, np.int32), return_index=True)
    codes = np.array([[CODES[code.strip()] for code in row.codes] for row in rows], np.int8)[order]
    by_frame = {number: sources[row.path] for number, row in zip(numbers, rows, strict=True)}
    source = next(iter(sources.values()))
    pictures = is_picture(source)
    if ref.uncoded and not pictures:
        there = range(1, open_video(source).declared_frames + 1)
        frames, codes = with_uncoded(frames, codes, there, ref.uncoded)
    return FrameRows(
        ref=ref,
        aus=table.aus,
        frames=frames,
        codes=codes,
        pictures=by_frame if pictures else None,
        video=None if pictures else source,
        kind=table.kind,
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
