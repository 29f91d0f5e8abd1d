"""A label prior: AU vectors without faces, such as another corpus's coding, as more real labels for D."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from au_core.aus import OCCURRENCE, UNKNOWN, au_number, without_decimals
from au_core.errors import ConfigError, DatasetError

CODES = OCCURRENCE | dict.fromkeys(("-1", "", "None"), UNKNOWN)


def load_label_prior(path: Path, columns: tuple[str, ...], held_out: Collection[str] = ()) -> np.ndarray:
    """Label vectors ``int8[P, L]`` of a Parquet or CSV file for the AUs in ``columns[L]``.

    Columns are named by AU (``AU12``, ``AU1``), others are passed over; AUs the file lacks are UNKNOWN.
    Only rows that know all AUs which the file shares with ``columns`` are kept; of a file with a column
    ``subject``, none of people called as one of those ``held_out``, of whichever dataset they are.

    Raises:
        DatasetError: no such file, none of the AUs in it, a code other than 0, 1, 9 or nothing, or no row
            that is whole, or of others.
    """
    table = read_prior(path)
    where = {number: name for name in table.column_names if (number := _au(name)) is not None}
    shared = [j for j, column in enumerate(columns) if au_number(column) in where]
    if not shared:
        raise DatasetError(
            f"{path}: columns {', '.join(table.column_names)[:80]}; expected some of {', '.join(columns)}"
        )
    vectors = np.full((len(table), len(columns)), UNKNOWN, np.int8)
    for j in shared:
        vectors[:, j] = _codes(path, table, where[au_number(columns[j])])
    whole = (vectors[:, shared] >= 0).all(axis=1)
    if not whole.any():
        raise DatasetError(f"{path}: none of {len(table)} rows knows all of its AUs; expected whole vectors")
    others = whole & ~_are_of(table, held_out)
    if not others.any():
        raise DatasetError(
            f"{path}: all rows are of people this fold is validated or tested on; expected others"
        )
    return vectors[others]


def _are_of(table: pa.Table, people: Collection[str]) -> np.ndarray:
    """Which rows are of ``people`` in any letter case, ``bool[N]``; none where the table has no subjects."""
    known = {name.casefold() for name in people}
    found = np.zeros(len(table), bool)
    for column in filter(_is_subject, table.column_names):
        found |= [str(name).strip().casefold() in known for name in table[column].to_pylist()]
    return found


def _is_subject(column: str) -> bool:
    return column.strip().casefold() == "subject"


def read_prior(path: Path) -> pa.Table:
    """The file's table as it is.

    Raises:
        DatasetError: no such file, or no Parquet or CSV.
    """
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        with pyarrow.csv.open_csv(path) as file:
            types = {name: pa.string() for name in file.schema.names if _is_subject(name)}  # 007 is no number
        return pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(column_types=types))
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"label prior {path}: no readable Parquet or CSV file ({error})") from error


def _au(name: str) -> int | None:
    try:
        return au_number(name.strip())
    except ConfigError:
        return None


def _codes(path: Path, table: pa.Table, name: str) -> list[int]:
    texts = [without_decimals(str(value).strip()) for value in table[name].to_pylist()]
    for line, text in enumerate(texts, start=2):  # below the header, as a manifest's are counted
        if text not in CODES:
            raise DatasetError(f"{path}, line {line}: {name} is {text!r}; expected 0, 1, or 9 if not coded")
    return [CODES[text] for text in texts]
