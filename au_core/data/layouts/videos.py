"""Layout ``videos``: any folder of videos and pictures, without labels (T2)."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from au_core.data.layouts.tree import NUMBERED, files_below, numbered_pictures
from au_core.data.names import readable
from au_core.data.schema import FrameRows, SequenceRef
from au_core.data.video import PICTURES, VIDEOS, is_picture
from au_core.errors import DatasetError

SHOWN = 5
"""Kinds of other files that are told."""
FEWEST = 3
"""Pictures of a series: with two, any step is even."""


def list_sequences(root: Path) -> list[SequenceRef]:
    """Every video, picture and series at or below ``root``; others, and whatever is hidden, are passed over.

    A folder whose pictures are a series is one sequence, the frames of a video (:func:`is_series`); one that
    cannot be read is a sequence too, which fails.

    The subject is the first folder below ``root``, or the file itself where there is none; the sequence
    is the name of the file, or of the series' folder (with the folders between, joined by ``/``).

    Raises:
        DatasetError: there is none, or two would have the same name.
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
    return _by_different_names([_ref(base, path) for path in _with_series(films)])


def is_series(names: Sequence[str]) -> bool:
    """Whether all pictures of a folder, by their ``names``, are the frames of one video.

    They share one beginning (or none) and one ending, and most numbers are one step from the next: ``0001.jpg
    0002.jpg 0003.jpg``, or ``frame_0.png frame_5.png frame_10.png``. Names cannot tell a camera's album of
    such numbers from that. It is taken for a series too, with one table in which ``frame`` is the picture's
    number; that a ``face_id`` stays with a person means nothing there.
    """
    if not all(map(NUMBERED.fullmatch, names)):
        return False
    stems, endings = zip(*map(os.path.splitext, names), strict=True)
    parts = [re.split(r"(\d+)$", stem) for stem in stems]
    numbers = sorted({int(number) for _, number, _ in parts})
    if (
        not FEWEST <= len(numbers) == len(names)
        or len({start for start, *_ in parts}) > 1
        or len({*map(str.lower, endings)}) > 1
    ):
        return False
    return 2 * Counter(np.diff(numbers).tolist()).most_common(1)[0][1] > len(numbers) - 1


def _with_series(films: Sequence[Path]) -> Iterator[Path]:
    """``films`` in their order, a folder in place of the pictures that are its series."""
    names = defaultdict[Path, list[str]](list)
    for film in filter(is_picture, films):
        names[film.parent].append(film.name)
    series = {folder for folder, inside in names.items() if is_series(inside)}
    yield from dict.fromkeys(
        film.parent if is_picture(film) and film.parent in series else film for film in films
    )


def _by_different_names(refs: list[SequenceRef]) -> list[SequenceRef]:
    """``refs``, of which no two may be written to one place, as of ``anna`` and ``anna/anna``."""
    first: dict[tuple[str, str], SequenceRef] = {}
    for ref in refs:
        other = first.setdefault((ref.subject, ref.sequence), ref)
        if other is not ref:
            one, two = Path(other.root, other.source), Path(ref.root, ref.source)
            raise DatasetError(f"{one} and {two}: both would be called {ref.sequence}; rename one of them")
    return refs


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
    if not path.parts:  # the root's own pictures, which have its name
        whole = base.resolve()
        base, path = whole.parent, Path(whole.name)
    return SequenceRef(
        layout="videos",
        dataset="videos",
        subject=readable(path.parts[0]),
        sequence=readable("/".join(path.parts[1:] or path.parts)),
        source=path.as_posix(),
        root=str(base),
    )


def read_rows(ref: SequenceRef) -> FrameRows:
    """No labels: every decoded frame of a video is a row, counted from 1; every picture of a series is one.

    Raises:
        DatasetError: two pictures of a series have one number.
    """
    source, pictures = Path(ref.root) / ref.source, None
    with suppress(PermissionError):  # told by whoever decodes it
        pictures = numbered_pictures(source) or None
    frames = np.array([*(pictures or ())], np.int32)
    return FrameRows(
        ref=ref,
        aus=(),
        frames=frames,
        codes=np.empty((len(frames), 0), np.int8),
        pictures=pictures,
        video=None if pictures else source,
    )
