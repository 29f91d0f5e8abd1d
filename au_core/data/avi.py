"""How many frames an AVI should have: it numbers them by counting, so a lost one shifts all later ones."""

import os
from pathlib import Path

import numpy as np


def frames_in_index(path: Path) -> int:
    """Frames that the index of an AVI lists; 0 where there is none.

    A file that was cut off at its end has lost its index; the frames before have their own numbers. Of a file
    beyond 1 GiB (OpenDML) only the first part has such an index: then this is too few.
    """
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"AVI ":
            return 0
        while len(chunk := file.read(8)) == 8:
            size = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"idx1":
                return _pictures(file.read(size))
            file.seek(size + size % 2, os.SEEK_CUR)
    return 0


def _pictures(index: bytes) -> int:
    """Entries of 16 bytes (stream, flags, place, size) that are a new picture; of size 0: the old one."""
    entries = np.frombuffer(index[: len(index) // 16 * 16], np.dtype("S4, <u4, <u4, <u4"))
    video = np.char.endswith(entries["f0"], b"dc") | np.char.endswith(entries["f0"], b"db")
    return int((video & (entries["f3"] > 0)).sum())
