"""Shards that know what they were made from: a cheap signature to skip by, a content hash to be sure by."""

import glob
import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from au_core.data.files import replace_atomically
from au_core.data.schema import SequenceRef


def source_files(ref: SequenceRef) -> list[Path]:
    """Every file a sequence is made from: labels, landmarks, and pictures or video; sorted."""
    root = Path(ref.root)
    tops = [root / name for name in (*ref.labels, ref.source, *ref.more_sources)]
    tops += [root / ref.landmarks] if ref.landmarks else []
    files = [file for top in tops for file in (top.rglob("*") if top.is_dir() else [top])]
    return sorted({file for file in files if file.is_file()})


def signature(ref: SequenceRef) -> str:
    """Hash of names, sizes and times: if it is unchanged, so are the files (the rule of git's index)."""
    digest = hashlib.blake2b(digest_size=16)
    for file in source_files(ref):
        stat = file.stat()
        digest.update(f"{file.relative_to(ref.root)}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def content_hash(ref: SequenceRef) -> str:
    """Hash of names and bytes, the same for a copy of the files elsewhere."""
    digest = hashlib.blake2b(digest_size=16)
    for file in source_files(ref):
        digest.update(f"{file.relative_to(ref.root)}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def write_shard(
    shard: Path, schema: pa.Schema, tables: Iterable[pa.Table], notes: Callable[[], dict[str, str]]
) -> None:
    """Write ``tables`` as row groups, one in memory at a time, then ``notes`` as the file's metadata.

    Whole or absent; what a killed worker left half-written is swept away.
    """
    for leftover in shard.parent.glob(f".{glob.escape(shard.name)}.*.tmp"):
        leftover.unlink(missing_ok=True)

    def fill(temporary: Path) -> None:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for table in tables:
                writer.write_table(table)
            writer.add_key_value_metadata(notes())

    replace_atomically(shard, fill)


def annotate_shard(shard: Path, **notes: str) -> None:
    """Change some of a shard's metadata; its rows stay as they are."""
    metadata = shard_metadata(shard) | notes
    with pq.ParquetFile(shard) as file:
        write_shard(shard, file.schema_arrow.remove_metadata(), _row_groups(file), lambda: metadata)


def _row_groups(file: pq.ParquetFile) -> Iterator[pa.Table]:
    for group in range(file.num_row_groups):
        yield file.read_row_group(group).replace_schema_metadata()


def shard_metadata(shard: Path) -> dict[str, str]:
    """What a shard says of itself; empty where there is none, or none that can be read."""
    try:
        found = pq.read_metadata(shard).metadata or {}
    except (OSError, ValueError):  # absent, or damaged by something other than us
        return {}
    return {k.decode(): v.decode() for k, v in found.items() if k != b"ARROW:schema"}
