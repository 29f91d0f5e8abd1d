"""Shards that know what they were made from: a cheap signature to skip by, a content hash to be sure by."""

import errno
import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from au_core.data.files import is_of_a_moment, write_table
from au_core.data.layouts.tree import landmarks_below, picture_names, relative
from au_core.data.schema import QUALITY, SequenceRef, shards


def source_files(ref: SequenceRef) -> dict[str, os.stat_result]:
    """Every file a sequence is made from: labels of its own, landmarks, pictures or video.

    By its path below ``root``, sorted (by parts), with its size and time; strings, since ``Path`` is slow.
    What else lies beside pictures and landmarks, such as a file manager's own files, is none of them.
    """
    root = Path(ref.root)
    labels = ref.labels if ref.lines is None else ()
    named = (*labels, ref.source, *ref.more_sources, *([ref.landmarks] if ref.landmarks else []))
    names = {Path(name).as_posix() for name in named}
    with suppress(PermissionError):  # told by whoever reads it
        names |= {f"{ref.source}/{name}" for name in picture_names(root / ref.source)}
        marks = landmarks_below(root / ref.landmarks) if ref.landmarks else []
        names |= {relative(path, root) for path in marks}
    stats = ((name, _stat(f"{root}/{name}")) for name in sorted(names, key=lambda name: name.split("/")))
    return {name: stat for name, stat in stats if stat and S_ISREG(stat.st_mode)}


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
        return None


def signature(ref: SequenceRef) -> str:
    """Hash of names, sizes and times: if it is unchanged, so are the files (the rule of git's index)."""
    digest = _start(ref)
    for name, stat in source_files(ref).items():
        digest.update(_line(name, stat.st_size, stat.st_mtime_ns))
    return digest.hexdigest()


def content_hash(ref: SequenceRef, alive: Callable[[], object] = lambda: None) -> str:
    """Hash of names and bytes, the same for a copy of the files elsewhere; calls ``alive`` at each block."""
    digest = _start(ref)
    for name, stat in source_files(ref).items():
        digest.update(_line(name, stat.st_size))
        with Path(ref.root, name).open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
                alive()
    return digest.hexdigest()


def _start(ref: SequenceRef) -> "hashlib.blake2b":
    return hashlib.blake2b((ref.lines or "").encode(), digest_size=16)


def _line(name: str, *numbers: int) -> bytes:
    return b"\0".join(
        [name.encode("utf-8", "surrogateescape"), *(str(number).encode() for number in numbers), b""]
    )


def read_quality(faces: Path) -> list[dict[str, Any]]:
    """The rows of ``quality.parquet``; none where it is missing, damaged, or of an older version."""
    path = faces / "quality.parquet"
    try:
        return pq.ParquetFile(path).read().cast(QUALITY).to_pylist() if path.exists() else []
    except (OSError, ValueError):
        return []


def write_quality(rows: list[dict[str, Any]], listed: int, faces: Path) -> pa.Table:
    """Write ``quality.parquet`` of a dataset of ``listed`` sequences, fewer ``rows`` if some are to come."""
    table = pa.Table.from_pylist(rows, QUALITY.with_metadata({"listed": str(listed)}))
    write_table(table, faces / "quality.parquet")
    return table


def n_unprepared(faces: Path) -> int:
    """How many sequences an interrupted preprocessing has left to do."""
    path = faces / "quality.parquet"
    listed = shard_metadata(path).get("listed")
    return int(listed) - pq.read_metadata(path).num_rows if listed else 0


def shard_metadata(shard: Path) -> dict[str, str]:
    """What a shard says of itself; empty where there is none, or none that can be read.

    Raises:
        OSError: the disk does not answer, which says nothing of the shard.
    """
    try:
        found = pq.read_metadata(shard).metadata or {}
    except ValueError:  # damaged by something other than us
        return {}
    except OSError as error:
        if is_of_a_moment(error):
            raise
        return {}
    return {k.decode(): v.decode() for k, v in found.items() if k != b"ARROW:schema"}


def notes_of(faces: Path) -> dict[str, str]:
    """What the first shard below ``faces`` says of itself: all of a folder are made alike."""
    return next(map(shard_metadata, shards(faces)), {})


def made_with(faces: Path) -> dict[str, Any]:
    """The settings that the shards below ``faces`` were made with; empty if they do not say."""
    return json.loads(notes_of(faces).get("settings", "{}"))
