"""Layout ``videos``: any folder of videos and pictures, without labels (T2)."""

from collections import Counter
from pathlib import Path

import numpy as np

from au_core.data.layouts.tree import files_below
from au_core.data.names import readable
from au_core.data.schema import FrameRows, SequenceRef
from au_core.data.video import PICTURES, VIDEOS
from au_core.errors import DatasetError

SHOWN = 5
"""Kinds of other files that are told."""


def list_sequences(root: Path) -> list[SequenceRef]:
    """Every video and picture at or below ``root``; others, and whatever is hidden, are passed over.

    A folder that cannot be read is a sequence too, which fails.

    The subject is the first folder below ``root``, or the file itself where there is none; the sequence
    is the file's name (with the folders between, joined by ``/``).

    Raises:
        DatasetError: there is none.
    """
    base = root.parent if root.is_file() else root
    files = [root] if root.is_file() else sorted(files_below(root))
    paths = [path.relative_to(base) for path in files]
    films = [path for path in paths if _is_film(path, base) and not _is_hidden(path)]
    if not films:
        raise DatasetError(
            f"{root}: no video or picture among {len(files)} files; "
            f"expected {', '.join(sorted(VIDEOS | PICTURES))}"
        )
    return [_ref(base, path) for path in films]


def other_kinds(root: Path) -> str:
    """What :func:`list_sequences` passes over, counted by ending, for people; empty if nothing."""
    files = [path.relative_to(root) for path in files_below(root)] if root.is_dir() else []
    others = [path for path in files if not _is_film(path, root) and not _is_hidden(path)]
    counts = Counter(path.suffix.lower() or "no ending" for path in others)
    kinds = sorted(counts.items(), key=lambda kind: (-kind[1], kind[0]))
    more = f", {len(kinds) - SHOWN} more kinds" * (len(kinds) > SHOWN)
    shown = ", ".join(f"{readable(kind)} {n}" for kind, n in kinds[:SHOWN])
    return f"{len(others)} files of other kinds ({shown}{more})" if others else ""


def _is_film(path: Path, base: Path) -> bool:
    """Whether its name is a video's or a picture's, or it is a folder: of these only unreadable ones come."""
    return path.suffix.lower() in VIDEOS | PICTURES or (base / path).is_dir()


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _ref(base: Path, path: Path) -> SequenceRef:
    return SequenceRef(
        layout="videos",
        dataset="videos",
        subject=readable(path.parts[0]),
        sequence=readable("/".join(path.parts[1:] or path.parts)),
        source=path.as_posix(),
        root=str(base),
    )


def read_rows(ref: SequenceRef) -> FrameRows:
    """No labels and no listed frames: every decoded frame is a row, counted from 1."""
    nothing = np.empty((0, 0), np.int8)
    return FrameRows(
        ref=ref, aus=(), frames=np.empty(0, np.int32), codes=nothing, video=Path(ref.root) / ref.source
    )
