"""Action units and the label sets of the datasets: names, columns, and when a code counts as active."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from au_core.errors import ConfigError

UNKNOWN = -1
"""An AU that is not coded, in every label array of the project; null in Parquet."""
OCCURRENCE = {"0": 0, "1": 1, "9": UNKNOWN}
"""Occurrence codes as people write them: absent, present, not coded."""

AU_NAMES: dict[int, str] = {
    1: "inner brow raiser",
    2: "outer brow raiser",
    4: "brow lowerer",
    5: "upper lid raiser",
    6: "cheek raiser",
    7: "lid tightener",
    9: "nose wrinkler",
    10: "upper lip raiser",
    12: "lip corner puller",
    14: "dimpler",
    15: "lip corner depressor",
    17: "chin raiser",
    20: "lip stretcher",
    23: "lip tightener",
    24: "lip pressor",
    25: "lips part",
    26: "jaw drop",
}
"""FACS names of the AUs coded in BP4D or DISFA (Ekman, Friesen & Hager 2002)."""


def au_column(au: int) -> str:
    """Column name of an AU in every file of the project: ``AU01``, ``AU12``."""
    return f"AU{au:02d}"


def au_number(column: str) -> int:
    """AU number of a column as :func:`au_column` writes it; accepts ``AU1`` and ``au01`` too.

    Raises:
        ConfigError: the text is no AU.
    """
    digits = column.upper().removeprefix("AU")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 4):
        raise ConfigError(f"{column!r} is no action unit; expected a name such as AU12")
    return int(digits)


def au_columns(names: Iterable[str]) -> list[str]:
    """Those of a table's columns that hold AU codes."""
    return [name for name in names if name.startswith("AU")]


def without_decimals(code: str) -> str:
    """A code as people write it, from one that NumPy or pandas wrote as a real number; others as they are.

    >>> [without_decimals(code) for code in ("1", "1.0", "9.000e+00", "1.5", ".0")]
    ['1', '1', '9', '1.5', '.0']
    """
    return re.sub(r"(?<=\d)\.0*(e\+00)?$", "", code)


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetSpec:
    """Which AUs a dataset is judged on, and from which code on an AU counts as active."""

    name: str
    aus: tuple[int, ...]
    active_from: int = 1
    """Lowest code that means "active": 1 for occurrence codes, 2 for DISFA's intensities."""

    @property
    def columns(self) -> tuple[str, ...]:
        """AU columns in the order of :attr:`aus`."""
        return tuple(au_column(au) for au in self.aus)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "DatasetSpec":
        """The inverse of ``dataclasses.asdict``, also after a trip through JSON."""
        return cls(**{**values, "aus": tuple(values["aus"])})

    def active(self, codes: np.ndarray) -> np.ndarray:
        """Labels ``int8[N, L]`` in {0, 1, UNKNOWN} from raw ``codes[N, L]`` (0-5, or UNKNOWN)."""
        return np.where(codes < 0, np.int8(UNKNOWN), codes >= self.active_from)


BP4D = DatasetSpec(name="BP4D", aus=(1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24))
"""12 AUs, coded for occurrence (Section 4.1)."""

BP4D_FERA = DatasetSpec(name="BP4D", aus=(1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23))
"""The 11 AUs of the training/development protocol (FERA 2015; AU24 is not scored)."""

DISFA = DatasetSpec(name="DISFA", aus=(1, 2, 4, 6, 9, 12, 25, 26), active_from=2)
"""8 AUs, coded 0-5, active from intensity 2 on (Section 4.1)."""
