"""Files that are whole or absent, and names that are safe: the only place that knows how."""

import glob
import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from au_core.errors import DatasetError

LONGEST = 180
"""Bytes of a name in one path component; file systems allow 255, and temporary files need some."""


def quoted(name: str) -> str:
    """A name as one file-system component, URL-quoted the way hive partitioning reads it back.

    Letters of any script stay as they are. A name too long for a file system keeps its beginning, and a
    digest tells it from others.
    """
    text = re.sub(r"[^\w @+,()\[\].~-]", lambda match: quote(match[0], safe=""), name)
    if len(text.encode()) <= LONGEST:
        return text
    digest = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
    start = text.encode()[: LONGEST - 17].decode(errors="ignore")
    return re.sub(r"%[0-9A-F]?$", "", start) + "~" + digest


def readable(name: str) -> str:
    """A file's name as text that can be printed and stored; bytes that are no UTF-8 are escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def replace_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file, sync it, move it to ``path``: nobody ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:12]}.tmp")  # two nodes can share a process id
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep(path: Path) -> None:
    """Remove what killed writers of ``path`` left half-written."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        leftover.unlink(missing_ok=True)


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
