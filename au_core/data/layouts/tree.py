"""Folders as people have them: other letter case, one level more or less."""

import csv
import os
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from au_core.data.video import PICTURES
from au_core.errors import DatasetError


def children(folder: Path | None, pattern: str) -> list[Path]:
    """Entries of ``folder`` whose whole name matches ``pattern``, in any letter case."""
    if folder is None or not folder.is_dir():
        return []
    names = sorted(os.listdir(folder))  # paths would take ten times as long to sort
    return [folder / name for name in names if re.fullmatch(pattern, name, re.IGNORECASE)]


def child(folder: Path | None, *patterns: str) -> Path | None:
    """The first entry by ``patterns``, one for each level below ``folder``; None where there is none."""
    for pattern in patterns:
        folder = next(iter(children(folder, pattern)), None)
    return folder


NUMBERED = re.compile(rf"(?:[^.].*\D)?\d{{1,9}}(?:{'|'.join(map(re.escape, PICTURES))})", re.IGNORECASE)
"""A picture's name with a number; what begins with a dot is hidden."""
COPIES = "of which one may be a copy (cropped, or encoded anew) that landmarks and frame numbers do not fit"


def one_of_each(named: Iterable[tuple[str, Path]], doubt: str = COPIES) -> dict[str, Path]:
    """Folders or files by name; a link to another is no second one.

    Raises:
        DatasetError: a name has two. Nobody can know which one is right; ``doubt`` says why.
    """
    found: dict[str, Path] = {}
    for name, path in named:
        other = found.setdefault(name, path)
        if os.path.realpath(other) != os.path.realpath(path):
            raise DatasetError(
                f"{other} and {path}: two sources of {name}, {doubt}; keep one, or point --data at a folder "
                "that holds only one"
            )
    return found


def files_below(folder: Path) -> Iterator[Path]:
    """Every file, also in folders that are links, each folder once: links may lead in a circle.

    Links that lead nowhere and folders that cannot be read are among them: whoever reads them finds out why.
    """
    been, closed = set[str](), list[OSError]()
    for place, folders, files in os.walk(folder, onerror=closed.append, followlinks=True):
        if (real := os.path.realpath(place)) in been:
            folders.clear()
            continue
        been.add(real)
        folders.sort(key=lambda name: (Path(place, name).is_symlink(), name))  # by their own names first
        yield from (path for name in files if (path := Path(place, name)).is_file() or path.is_symlink())
    yield from (Path(error.filename) for error in closed)


def has_numbered_pictures(folder: Path | None) -> bool:
    """Whether :func:`numbered_pictures` would find any."""
    if not (folder and folder.is_dir()):
        return False
    with os.scandir(folder) as entries:  # the first one will do, of thousands
        return any(NUMBERED.fullmatch(entry.name) for entry in entries)


def numbered_pictures(folder: Path | None) -> dict[int, Path]:
    """The pictures of a folder by the number in their name: ``732.jpg``, ``0732.jpg``, ``frame_732.png``.

    A name that is nothing but a number goes before others, such as ``thumb_732.jpg``.

    Raises:
        DatasetError: two names have a number alike.
    """
    found: dict[tuple[int, bool], Path] = {}
    for name in picture_names(folder):
        path = Path(folder or "", name)
        key = int(re.findall(r"\d+", path.stem)[-1]), path.stem.isdigit()
        if key in found:
            raise DatasetError(f"{path}: has the number of {found[key].name} beside it; keep one of the two")
        found[key] = path
    return {number: found[number, bare] for number, bare in sorted(found)}


def picture_names(folder: Path | None) -> list[str]:
    """The pictures of a folder that have a number in their name, sorted: all that is ever opened of it."""
    names = os.listdir(folder) if folder and folder.is_dir() else []
    return sorted(filter(NUMBERED.fullmatch, names))


def landmarks_below(folder: Path) -> list[Path]:
    """The landmark files below a folder, one for each frame; what begins with a dot is hidden."""
    return [path for path in folder.rglob("*_[lL][mM].mat") if not path.name.startswith(".")]


def no_numbered_picture(folder: Path, example: str) -> DatasetError:
    """The error for a sequence's folder in which :func:`numbered_pictures` finds nothing."""
    return DatasetError(f"{folder}: no numbered picture; expected such as {example}")


def relative(path: Path, root: Path) -> str:
    """A path below ``root`` as it is recorded."""
    return path.relative_to(root).as_posix()


@contextmanager
def opened(path: Path, what: str) -> Iterator[TextIO]:
    """A text file or CSV that somebody wrote, for reading; ``what`` it should be.

    Raises:
        DatasetError: it cannot be read, within the ``with`` block too.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield file
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        hint = "; save it as UTF-8, such as Excel's CSV UTF-8" * isinstance(error, UnicodeDecodeError)
        raise DatasetError(f"{path}: no readable {what} ({_why(error)}){hint}") from error


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError) and error.object.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return "it is UTF-16, as Excel's Unicode text"
    return str(error)


def inside(base: Path, name: str, where: str, hint: str) -> Path:
    """``base / name`` for a path that somebody wrote into a list.

    Raises:
        DatasetError: it leads out of ``base``, by itself or by a symbolic link; ``where`` is the list's line,
            ``hint`` what to write instead.
    """
    if os.path.isabs(name) or os.path.normpath(name).startswith(".."):
        raise DatasetError(f"{where}: path {name!r} leads out of {base}; {hint}")
    try:
        path = (base / name).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a null byte
        raise DatasetError(f"{where}: path {name!r} cannot be followed ({error})") from error
    if not path.is_relative_to(base.resolve()):
        raise DatasetError(f"{where}: {name!r} is a link out of {base}; {hint}")
    return path


def not_the_layout(root: Path, layout: str, expected: str) -> DatasetError:
    """The error for a folder of another layout: what was found, what was expected."""
    there = sorted(path.name for path in root.iterdir()) if root.is_dir() else ["a file"]
    found = ", ".join(there[:6]) + (f" and {len(there) - 6} more" if len(there) > 6 else "")
    if root.suffix.lower() == ".csv" and root.is_file():
        expected += "; of a CSV of your own, say --recipe manifest_three_fold or --layout manifest"
    return DatasetError(f"{root}: not the {layout} layout; found {found or 'nothing'}; expected {expected}")
