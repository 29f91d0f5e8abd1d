"""Every face of a folder in one flat file beside its shards, so that any of them is one short read away.

Parquet compresses rows in groups: one face in random order would cost a whole group. The copy is made once
for a folder, by whoever needs it first; the shards stay the source, and a changed shard makes a new copy.
Reading with ``pread`` leaves the pictures to the system's file cache: no process holds them, all workers of
a node share them, and a folder may be larger than the memory. (Memory-mapped Arrow took 1.5 times as long
per face where the file was not cached, and its pages count as the process's own.)
"""

import os
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from au_core.aus import au_columns
from au_core.compare import digest_of
from au_core.data.files import remove_leftovers_below, whole
from au_core.data.locks import held_alone
from au_core.data.schema import shards, subject_of
from au_core.errors import DatasetError

_GROUP = 256
"""Faces copied at a time."""
_ROW_GROUP = 2**16
"""Rows that are held until they are written; of a group without a wanted person none is read again."""
_ROWS = pa.schema(
    [
        *((name, pa.string()) for name in ("dataset", "subject", "sequence")),
        ("frame", pa.int32()),
        ("face_id", pa.int16()),
        ("start", pa.int64()),
        ("length", pa.int32()),
    ]
)


class Pictures:
    """One flat file of encoded faces; sent to another process, it is opened there anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size
        self._file = os.open(path, os.O_RDONLY)
        if hasattr(os, "posix_fadvise"):  # not on macOS
            os.posix_fadvise(self._file, 0, 0, os.POSIX_FADV_RANDOM)  # reading ahead would be for nothing
        weakref.finalize(self, os.close, self._file)

    def __reduce__(self) -> tuple[type["Pictures"], tuple[Path]]:
        return Pictures, (self._path,)

    def read(self, start: int, size: int) -> bytes:
        """``size`` bytes from ``start`` on; other threads run meanwhile."""
        return os.pread(self._file, size, start)


def read_jpeg(files: Sequence[Pictures], start: int, length: int) -> bytes:
    """An encoded face of ``length`` bytes that begins at ``start``, counted through all ``files``."""
    for pictures in files:
        if start < pictures.size:
            return pictures.read(start, length)
        start -= pictures.size
    raise IndexError(start)


@dataclass(frozen=True, slots=True)
class Store:
    """The flat file of a folder and what lies where in it."""

    rows: pa.Table
    """A row per found face that was asked for, in the order of the shards: its names, ``frame``, ``face_id``,
    AU codes, and ``start`` and ``length`` of its JPEG."""
    pictures: Pictures


def open_store(folder: Path, asked: pc.Expression | None = None) -> Store:
    """The store of the face shards below ``folder``, made first if there is none or a shard has changed.

    Only rows for which ``asked`` is true are read; all if it is None.

    Raises:
        DatasetError: it cannot be written.
    """
    found = shards(folder)
    stats = [(str(shard.relative_to(folder)), shard.stat()) for shard in found]
    key = digest_of([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])
    rows, pictures = (folder / ".store" / f"{key}{suffix}" for suffix in (".rows", ".faces"))
    try:
        with held_alone(folder / ".store", wait=True):  # one worker makes the store
            if not rows.exists():
                _write(found, rows, pictures)
            return Store(pq.read_table(rows, filters=asked), Pictures(pictures))
    except OSError as error:
        size = sum(stat.st_size for _, stat in stats) / 2**30
        raise DatasetError(
            f"{rows.parent}: the copy of the faces that batches are read from failed ({error}); "
            f"it needs a writable folder and {size:.1f} GiB"
        ) from error


def _write(sources: Sequence[Path], rows: Path, pictures: Path) -> None:
    """Write both files, the rows last: where they are, all is there. Older stores and leftovers go."""
    remove_leftovers_below(rows.parent)
    codes = {name: pa.int8() for shard in sources for name in au_columns(pq.read_schema(shard).names)}
    schema = pa.schema([*_ROWS, *codes.items()])
    with whole(rows) as listed, whole(pictures) as copied:
        with pq.ParquetWriter(listed, schema, compression="zstd") as writer:
            for tables in _groups(_copy(sources, copied)):
                writer.write_table(
                    pa.concat_tables([schema.empty_table(), *tables], promote_options="default")
                )
    for old in {*rows.parent.glob("*.rows"), *rows.parent.glob("*.faces")} - {rows, pictures}:
        old.unlink()


def _groups(tables: Iterable[pa.Table]) -> Iterator[list[pa.Table]]:
    """``tables``, each list of some ``_ROW_GROUP`` rows."""
    group, rows = list[pa.Table](), 0
    for table in tables:
        group.append(table)
        rows += len(table)
        if rows >= _ROW_GROUP:
            yield group
            group, rows = [], 0
    yield group


def _copy(sources: Sequence[Path], pictures: Path) -> Iterator[pa.Table]:
    """Write the found faces of shards one after another, a group at a time; yields their rows."""
    with pictures.open("wb") as file:
        for shard in sources:
            for found in _found(shard):
                start, faces = file.tell(), found["face"].to_pylist()
                file.write(b"".join(faces))
                sizes = np.fromiter(map(len, faces), np.int64, len(faces))
                yield _located(found.drop_columns("face"), start + np.cumsum(sizes) - sizes, sizes)


def _found(shard: Path) -> Iterator[pa.Table]:
    """The rows of a shard that have a face, with the columns a training needs."""
    with pq.ParquetFile(shard) as source:
        codes = au_columns(source.schema_arrow.names)
        columns = ["dataset", "sequence", "frame", "face_id", "face", "face_found", *codes]
        for batch in source.iter_batches(_GROUP, columns=columns):
            found = pa.table(batch).filter(batch["face_found"]).drop_columns("face_found")
            subject = pa.array([subject_of(shard)] * len(found), pa.string())
            yield found.append_column("subject", subject)


def _located(rows: pa.Table, starts: np.ndarray, sizes: np.ndarray) -> pa.Table:
    """Rows with the places of their faces."""
    places = {"start": pa.array(starts, pa.int64()), "length": pa.array(sizes, pa.int32())}
    for name, place in places.items():
        rows = rows.append_column(name, place)
    return rows
