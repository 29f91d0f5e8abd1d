"""Files that are whole or absent, on disks that may be full: the only place that knows how."""

import errno
import glob
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from au_core.errors import ConfigError, DatasetError, FullDiskError

NO_SPACE = "no space left on the disk"
"""What every message about a full disk says."""
NO_ROOM = 2**20
"""Bytes left on a disk below which a failed write is put down to the disk."""
OF_THE_FILE = (
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG,
    errno.EACCES, errno.EPERM, errno.EROFS,
)  # fmt: skip
"""Errors of the file system that say something of a file, and will again when it is asked again."""


@contextmanager
def whole(path: Path, ending: str = "") -> Iterator[Path]:
    """A temporary file to fill, with a name of this ``ending``, that becomes ``path`` if the block ends well.

    Nobody ever sees half a file, also after a power failure.

    Raises:
        FullDiskError: there is no room.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:12]}.tmp{ending}")  # nodes can share process ids
    try:
        with full_disk_named(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
    finally:
        with suppress(OSError):  # where nothing can be written, the first error says why
            temporary.unlink(missing_ok=True)


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """Turn the failure of a write to ``path`` for want of room, which every library words its own way.

    Raises:
        FullDiskError: the disk, or this user's share of it, is full.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, FullDiskError) or not is_full(error, path):
            raise
        raise FullDiskError(
            f"{path}: {NO_SPACE}; make room and run the same command again, it goes on from what is saved"
        ) from error


def is_full(error: Exception, path: Path) -> bool:
    """Whether ``error`` came of a disk without room for ``path``."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    if "No space left on device" in str(error):  # what came from another process, say
        return True
    there = next(folder for folder in path.absolute().parents if folder.exists())
    disk = os.statvfs(there)  # torch says "file write failed" and no more; its half file still fills the disk
    return isinstance(error, RuntimeError) and disk.f_bavail * disk.f_frsize < NO_ROOM


def write_bytes(content: bytes, path: Path) -> None:
    """Write one file atomically."""
    with whole(path) as temporary:
        temporary.write_bytes(content)


def write_text(text: str, path: Path) -> None:
    """Write one text file atomically, in UTF-8."""
    write_bytes(text.encode(), path)


def raise_if_full(reasons: Iterable[str]) -> None:
    """Raise what a full disk did to a worker, whose ``reasons`` travel as text.

    Raises:
        FullDiskError: one of them is that.
    """
    if full := [reason for reason in reasons if NO_SPACE in reason]:
        raise FullDiskError(full[0])


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Name the folder, or file, that cannot be written.

    Raises:
        ConfigError: the block failed by the file system.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error}); choose another place") from error


def remove_leftovers(path: Path) -> None:
    """Remove what killed writers of ``path`` left half-written."""
    for dots in (".", ".."):  # a temporary file may be rewritten by another
        for leftover in path.parent.glob(f"{dots}{glob.escape(path.name)}.*.tmp*"):
            leftover.unlink(missing_ok=True)


def remove_leftovers_below(folder: Path, before: float = float("inf")) -> None:
    """The same for every file below ``folder``, last written ``before`` a time if others may be at it."""
    for leftover in folder.rglob(".*.tmp"):
        with suppress(FileNotFoundError):
            if leftover.stat().st_mtime < before:
                leftover.unlink()


def write_table(table: pa.Table, path: Path) -> None:
    """Write one Parquet file atomically."""
    with whole(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def write_json(value: Any, path: Path) -> None:  # noqa: ANN401
    """Write one JSON file atomically, keys as given, for people to read."""
    write_text(json.dumps(value, indent=1) + "\n", path)


def read_json(path: Path) -> Any:  # noqa: ANN401
    """Read a JSON file.

    Raises:
        DatasetError: the file is missing or no JSON.
    """
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: expected a JSON file, {error}") from error


def is_of_a_moment(error: BaseException) -> bool:
    """Whether behind an error for people lies a disk that did not answer, and may when it is tried again."""
    disk = isinstance(error, OSError) and error.errno  # pyarrow's of a damaged file has no number
    if disk and disk not in OF_THE_FILE:
        return True
    return error.__cause__ is not None and is_of_a_moment(error.__cause__)
