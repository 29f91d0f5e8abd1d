"""The CSV of a manifest, parsed and judged: its rows by (subject, sequence)."""

import csv
import os
from collections import defaultdict
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from posixpath import normpath
from unicodedata import normalize

from au_core.aus import OCCURRENCE, UNKNOWN, without_decimals
from au_core.data.layouts.columns import FIXED, Columns, columns_of
from au_core.data.layouts.tree import opened
from au_core.errors import DatasetError

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

    def missing(self) -> dict[str, int]:
        """Of the files that were not there those that are not there now."""
        gone = (name for name in self.absent if isinstance(_file(self.base, name), str))
        return {name: self.absent[name] for name in gone}


def read_table(root: Path, base: Path | None) -> tuple[Path, Table]:
    """The CSV, parsed; a worker that reads sequence after sequence parses it once.

    Raises:
        DatasetError: no such file or folder, wrong columns, a row of another length, a code that is none, a
            file of two people, a person by two spellings.
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
            if isinstance(named := file_of(source), str):
                absent.setdefault(named, lines.line_num)
            if (other := whose.setdefault(named, subject)) != subject:
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
