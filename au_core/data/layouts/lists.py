"""Layout ``lists``: the list files many people hold instead of the label files, for BP4D or DISFA.

``*_path*.txt`` names a picture per line (``F001/T1/2440.jpg``, ``SN001/0.png``), and a file beside it holds
as many lines with an occurrence code for each AU: 12 for BP4D, 8 for DISFA. Written against ME-GraphAU
(``BP4D_test_img_path_fold1.txt`` with ``BP4D_test_label_fold1.txt``, pictures in ``img/``) and JAA-Net
(``BP4D_part1_path.txt`` with ``_AUoccur.txt``, both datasets' in ``data/list/``, pictures in ``dataset/``).
All lists of a dataset are read as one, for folds repeat their frames.
DISFA's lists say 1 from intensity 2 on. Faces are found by a detector.
"""

import hashlib
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from au_core.aus import BP4D, DISFA, OCCURRENCE, UNKNOWN, DatasetSpec, without_decimals
from au_core.data.layouts.tree import (
    child,
    inside,
    no_numbered_picture,
    not_the_layout,
    numbered_pictures,
    opened,
    relative,
)
from au_core.data.schema import FrameRows, SequenceRef
from au_core.errors import DatasetError

EXPECTED = "BP4D_test_img_path_fold1.txt with BP4D_test_label_fold1.txt, or *_path.txt with *_AUoccur.txt"
CODES = OCCURRENCE | {"-1": UNKNOWN}
SPECS = {len(spec.aus): spec for spec in (BP4D, DISFA)}
INSIDE = "expected a folder below it; only img/ or dataset/ may itself be a link to the pictures"
SUBJECT = re.compile(r"[FM]\d{3}|SN\d{3}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Lists:
    """All lists of a folder as one."""

    spec: DatasetSpec
    folders: dict[tuple[str, str], str]
    """Folder of pictures as written in the lists, by (subject, sequence)."""
    codes: dict[tuple[str, str], dict[int, tuple[int, ...]]]
    """Codes by frame number, by (subject, sequence)."""


def list_sequences(root: Path, dataset: str = "") -> list[SequenceRef]:
    """One sequence for each folder of pictures that the lists name; of two datasets' lists, ``dataset``'s.

    Raises:
        DatasetError: no list, one without its labels, one that does not fit them or contradicts another, a
            path that leads out of the folder.
    """
    paths = _path_lists(root, dataset)
    pairs = {path: labels for path in paths if (labels := _label_list(path)).exists()}
    labels = tuple(relative(path, root) for pair in pairs.items() for path in pair)
    _check_coded([path for path in paths if path not in pairs], _read(root, labels).codes if labels else {})
    lists = _read(root, labels)
    return [
        SequenceRef(
            layout="lists", dataset=lists.spec.name, subject=name[0], sequence=name[1], root=str(root),
            source=relative(_folder(root, folder), root), labels=labels,
            lines=hashlib.blake2b(repr(sorted(lists.codes[name].items())).encode()).hexdigest()[:32],
        )
        for name, folder in lists.folders.items()
    ]  # fmt: skip


def _folder(root: Path, name: str) -> Path:
    """Where the pictures of one listed folder lie: in ``img``, ``imgs`` or ``dataset``, or ``root`` itself.

    Those three may be links to another disk; what a list names must lie below where they lead.
    """
    bases = [base for base in (child(root, "imgs?"), child(root, "dataset"), root) if base]
    base = next((base for base in bases if (base / name).is_dir()), bases[0])
    inside(base, name, f"{root}", INSIDE)
    return base / name


def _path_lists(root: Path, dataset: str) -> list[Path]:
    """Every list of pictures at, or one folder below, ``root`` or its ``data``; ``dataset``'s, if there."""
    files = [path for places in ("*.txt", "*/*.txt", "data/*/*.txt") for path in sorted(root.glob(places))]
    found = [path for path in files if "_path" in path.name.lower()]
    if not found:
        raise not_the_layout(root, "lists", EXPECTED)
    return [path for path in found if dataset and _dataset(path) == dataset] or found


def _dataset(path: Path) -> str:
    """Whose pictures a list names, by the first."""
    (subject, _), _, _ = _picture(next(iter(_lines(path)), ""), f"{path}, line 1")
    return DISFA.name if subject.startswith("SN") else BP4D.name


def _label_list(path: Path) -> Path:
    """The file that holds, or should hold, the labels of a list of pictures."""
    words = ("_label", "_AUoccur") if "_img_path" in path.name.lower() else ("_AUoccur", "_label")
    names = [path.with_name(re.sub(r"(_img)?_path", word, path.name, flags=re.I)) for word in words]
    return next((name for name in names if name.exists()), names[0])


def _check_coded(bare: list[Path], codes: dict[tuple[str, str], dict[int, tuple[int, ...]]]) -> None:
    """Raise unless other lists code every picture of those without labels, as a union of folds may be."""
    for path in sorted(bare, key=lambda path: path.stat().st_size):  # the part, not the unions it is in
        rows = [_picture(line, f"{path}, line {i}") for i, line in enumerate(_lines(path), start=1)]
        lost = sum(frame not in codes.get(name, {}) for name, _, frame in rows)
        if lost:
            raise DatasetError(
                f"{_label_list(path)}: no such file; expected the codes of the {lost} pictures "
                f"in {path.name} that no other list codes"
            )


def _read(root: Path, labels: tuple[str, ...]) -> Lists:
    """The parsed lists; a worker that reads sequence after sequence parses them once."""
    stats = [(root / name).stat() for name in labels]
    return _parse(root, labels, tuple((stat.st_mtime_ns, stat.st_size) for stat in stats))


@lru_cache(maxsize=1)
def _parse(root: Path, labels: tuple[str, ...], _stats: tuple[tuple[int, int], ...]) -> Lists:
    specs, folders = set[DatasetSpec](), dict[tuple[str, str], str]()
    codes: dict[tuple[str, str], dict[int, tuple[int, ...]]] = defaultdict(dict)
    for paths, values in zip(labels[::2], labels[1::2], strict=True):
        rows, cells = _lines(root / paths), _lines(root / values)
        if len(rows) != len(cells):
            raise DatasetError(
                f"{root / values}: {len(cells)} lines for {len(rows)} pictures in {Path(paths).name}; "
                "expected one for each"
            )
        for number, (path, text) in enumerate(zip(rows, cells, strict=True), start=1):
            name, folder, frame = _picture(path, f"{root / paths}, line {number}")
            row = _codes(text, f"{root / values}, line {number}")
            if codes[name].setdefault(frame, row) != row or folders.setdefault(name, folder) != folder:
                raise DatasetError(
                    f"{root / values}, line {number}: {path} is listed twice with different codes or folders"
                )
            specs.add(SPECS[len(row)])
    if not specs:
        raise DatasetError(f"{root}: the lists name no picture")
    if len(specs) > 1:
        raise DatasetError(
            f"{root}: lists of two datasets; expected BP4D's or DISFA's: choose one with --recipe bp4d_lists "
            "or disfa_lists, or move the others away"
        )
    return Lists(specs.pop(), folders, dict(codes))


def _lines(path: Path) -> list[str]:
    with opened(path, "list") as file:
        return [line for line in file.read().splitlines() if line.strip()]


def _picture(path: str, where: str) -> tuple[tuple[str, str], str, int]:
    """((subject, sequence), folder, frame) of a line such as ``BP4D/F001/T1/2440.jpg``."""
    folder, name = os.path.split(path.strip().replace("\\", "/"))
    parts = folder.split("/")
    at = next((i for i, part in enumerate(parts) if SUBJECT.fullmatch(part)), None)
    number = re.fullmatch(r"(\d{1,9})\.\w+", name, re.ASCII)
    if at is None or number is None:
        raise DatasetError(f"{where}: {path[:80]!r}; expected such as F001/T1/2440.jpg or SN001/0.png")
    return (parts[at].upper(), "/".join(parts[at + 1 :]) or "list"), folder, int(number[1])


def _codes(text: str, where: str) -> tuple[int, ...]:
    cells = [without_decimals(cell) for cell in re.split(r"[\s,]+", text.strip())]
    if len(cells) not in SPECS or any(cell not in CODES for cell in cells):
        raise DatasetError(
            f"{where}: {text[:60]!r}; expected {' or '.join(map(str, SPECS))} codes, each 0, 1 or 9 (unknown)"
        )
    return tuple(CODES[cell] for cell in cells)


def read_rows(ref: SequenceRef) -> FrameRows:
    """The listed frames of one folder of pictures; their numbers are the pictures' names, padded or not.

    Raises:
        DatasetError: no picture at all, or as :func:`list_sequences`.
    """
    root = Path(ref.root)
    lists = _read(root, ref.labels)
    found = lists.codes[ref.subject, ref.sequence]
    pictures = numbered_pictures(root / ref.source)
    if not pictures:
        raise no_numbered_picture(root / ref.source, f"{min(found)}.jpg")
    frames = sorted(found)
    codes = np.array([found[frame] for frame in frames], np.int8)
    return FrameRows(
        ref=ref, aus=lists.spec.aus, frames=np.array(frames, np.int32), codes=codes, pictures=pictures
    )
