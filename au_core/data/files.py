"""Files that are whole or absent, and names that are safe: the only place that knows how."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from au_core.errors import DatasetError


def quoted(name: str) -> str:
    """A name as one file-system component, URL-quoted the way hive partitioning reads it back."""
    return quote(name, safe=" @+,()[]")


def replace_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file, sync it, move it to ``path``: nobody ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_table(table: pa.Table, path: Path) -> None:
    """Write one Parquet file atomically."""
    replace_atomically(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))


def write_json(value: Any, path: Path) -> None:  # noqa: ANN401
    """Write one JSON file atomically, keys as given, for people to read."""
    text = json.dumps(value, indent=1) + "\n"
    replace_atomically(path, lambda temporary: temporary.write_text(text))


def read_json(path: Path) -> Any:  # noqa: ANN401
    """Read a JSON file.

    Raises:
        DatasetError: the file is missing or no JSON.
    """
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: expected a JSON file, {error}") from error
