"""The header of a manifest: which column is which, found by their names, in any order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from au_core.aus import au_column, au_number
from au_core.errors import ConfigError, DatasetError

FIXED = ("path", "subject", "sequence", "frame")
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
SHOWN = 5
"""Passed-over columns that are told by name."""
_MEANT = re.compile(r"AU|(?i:au)(?![a-z])")
"""How the name of an AU begins, and not that of ``author``."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the values stand in a line of ``count`` cells."""

    count: int
    fixed: tuple[int, ...]
    """Places of FIXED."""
    codes: dict[int, str]
    """AU columns as the header calls them, by their places."""
    others: tuple[str, ...]
    """Names of columns that are passed over."""

    @property
    def aus(self) -> tuple[int, ...]:
        """The AUs, in the header's order."""
        return tuple(map(au_number, self.codes.values()))

    @property
    def passed_over(self) -> str:
        """Which columns hold no codes, for people; empty if none."""
        names = [repr(name) for name in self.others]
        more = [f"{len(names) - SHOWN} more"] * (len(names) > SHOWN)
        aus = ", ".join(map(au_column, self.aus))
        shown = ", ".join([*names[:SHOWN], *more])
        doubt = "warning: " if any(map(str.isdecimal, "".join(self.others))) else ""  # A17 for AU17, say
        return f"{doubt}columns passed over: {shown}; codes are {aus}" if names else ""


def columns_of(path: Path, header: Sequence[str]) -> Columns:
    """The columns by the ``header`` of the CSV ``path``.

    Raises:
        DatasetError: no header, other separators than commas, a column is missing, there twice, or begins
            with AU and is none.
    """
    names = [name.strip() for name in header]
    _check_separator(path, names)
    if lacking := [name for name in FIXED if name not in names]:
        raise DatasetError(
            f"{path}: no column {lacking[0]} in {','.join(names)[:80]}; expected {','.join(FIXED)}, "
            "and AUs (AU12)"
        )
    codes = {place: name for place, name in enumerate(names) if name not in FIXED and _is_au(path, name)}
    known = [*filter(FIXED.__contains__, names), *(au_column(au_number(name)) for name in codes.values())]
    if twice := [name for name in known if known.count(name) > 1]:
        raise DatasetError(f"{path}: two columns {twice[0]}; expected each once, so remove or rename one")
    if not codes:
        raise DatasetError(f"{path}: no column of an AU in {','.join(names)[:80]}; expected such as AU12")
    others = tuple(name for place, name in enumerate(names) if name not in FIXED and place not in codes)
    return Columns(len(names), tuple(map(names.index, FIXED)), codes, others)


def _check_separator(path: Path, names: Sequence[str]) -> None:
    if not names:
        raise DatasetError(f"{path}: the file is empty; expected {','.join(FIXED)},AU01,...")
    for separator, words in SEPARATORS.items():
        if len(names) == 1 and separator in names[0]:
            raise DatasetError(
                f"{path}: columns separated by {words}; expected commas, as pandas writes them: "
                f"read_csv({path.name!r}, sep={separator!r}).to_csv(NEW, index=False)"
            )


def _is_au(path: Path, name: str) -> bool:
    """Whether a column holds an AU's codes.

    Raises:
        DatasetError: it seems to, but nobody can tell which.
    """
    try:
        return au_number(name) >= 0
    except ConfigError as error:
        if not _MEANT.match(name):
            return False
        raise DatasetError(
            f"{path}: {error}; rename the column, or remove it if it holds no codes"
        ) from error
