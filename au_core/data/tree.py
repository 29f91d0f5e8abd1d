"""Folders as people have them: other letter case, one level more or less."""

import re
from pathlib import Path

from au_core.errors import DatasetError


def children(folder: Path | None, pattern: str) -> list[Path]:
    """Entries of ``folder`` whose whole name matches ``pattern``, in any letter case."""
    if folder is None or not folder.is_dir():
        return []
    return [path for path in sorted(folder.iterdir()) if re.fullmatch(pattern, path.name, re.IGNORECASE)]


def child(folder: Path | None, *patterns: str) -> Path | None:
    """The first entry by ``patterns``, one for each level below ``folder``; None where there is none."""
    for pattern in patterns:
        folder = next(iter(children(folder, pattern)), None)
    return folder


def not_the_layout(root: Path, layout: str, expected: str) -> DatasetError:
    """The error for a folder of another layout: what was found, what was expected."""
    there = sorted(path.name for path in root.iterdir()) if root.is_dir() else ["a file"]
    found = ", ".join(there[:6]) + (f" and {len(there) - 6} more" if len(there) > 6 else "")
    return DatasetError(f"{root}: not the {layout} layout; found {found or 'nothing'}; expected {expected}")
