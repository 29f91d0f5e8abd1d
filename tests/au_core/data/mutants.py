"""A seeded corpus of damaged datasets: one thing at a time is changed in a healthy tree, by seeded chance."""

import os
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

GARBAGE = [
    "",
    "\n",
    ",",
    "nan",
    "-1",
    "9" * 400,
    "²",
    "\x00",
    '"',
    "0x1",
    "é,ü",
    "1e9",
    " ",
    "AU²",
    "../../x",
]


def flip_bits(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice([1, 8, 64]) if changed else 0):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def truncate(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def zeros(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + bytes(min(len(data) - at, draw.choice([4, 64, 4096]))) + data[at:][4096:]


def nothing(data: bytes, draw: random.Random) -> bytes:
    return b""


def noise(data: bytes, draw: random.Random) -> bytes:
    return draw.randbytes(draw.choice([1, 100, 5000]))


def garbled_cells(data: bytes, draw: random.Random) -> bytes:
    """Some cells of a text replaced; noise where it is none."""
    cells = data.decode("latin-1").split(",")
    for _ in range(draw.choice([1, 3])):
        cells[draw.randrange(len(cells))] = draw.choice(GARBAGE)
    return ",".join(cells).encode("utf-8", "replace")


def no_utf8(data: bytes, draw: random.Random) -> bytes:
    return data[: len(data) // 2] + b"\xff\xfe\xfa" + data[len(data) // 2 :]


def huge_png(data: bytes, draw: random.Random) -> bytes:
    """A picture whose header claims 40,000 x 40,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + draw.randbytes(200)


CHANGES: list[Callable[[bytes, random.Random], bytes]] = [
    flip_bits, flip_bits, truncate, truncate, zeros, nothing, noise,
    garbled_cells, garbled_cells, no_utf8, huge_png,
]  # fmt: skip
"""Bit flips, truncation and garbled cells get farthest into a reader, so they come twice."""


def files_below(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def mutate(root: Path, draw: random.Random) -> tuple[str, Callable[[], None]]:
    """Damage one thing below ``root``; returns what was done and a way to undo it."""
    path = draw.choice(files_below(root))
    kind = draw.choice([*(change.__name__ for change in CHANGES), "suffix", "name", "loop", "folder"])
    data, undo = path.read_bytes(), []
    if kind == "suffix":
        other = path.with_suffix(draw.choice([".jpg", ".avi", ".mp4", ".csv", ".txt", ".mat", ".gif", ""]))
        undo = _moved(path, other)
    elif kind == "name":
        other = Path(os.fsdecode(os.fsencode(path.parent) + b"/\xff\xfe" + os.fsencode(path.name)))
        undo = _moved(path, other)
    elif kind == "loop":
        path.unlink()
        path.symlink_to(path)
        undo = [path.unlink, lambda: path.write_bytes(data)]
    elif kind == "folder":
        path.unlink()
        path.mkdir()
        undo = [path.rmdir, lambda: path.write_bytes(data)]
    else:
        change = next(change for change in CHANGES if change.__name__ == kind)
        path.write_bytes(change(data, draw))
        undo = [lambda: path.write_bytes(data)]
    return f"{kind} of {path.relative_to(root)}", lambda: [step() for step in undo] and None


def _moved(path: Path, other: Path) -> list[Callable[[], object]]:
    if other.exists():
        return []
    path.rename(other)
    return [lambda: other.rename(path)]
