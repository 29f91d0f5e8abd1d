"""Layout ``disfa_plus``: DISFA+ (9 people, posed), a picture folder and a label folder for each trial.

Written against the release that public readers show: ``Labels/SN001/A1_AU1_TrailNo_1/AU1.txt`` ("TrailNo" is
its spelling) with lines ``000.jpg     0`` below an optional header, ``Images/SN001/A1_AU1_TrailNo_1/000.jpg``
(py-feat's benchmark pages; three public readers without a name). It has no landmarks: a detector is needed.
"""

import re
from pathlib import Path

import numpy as np

from au_core.aus import UNKNOWN
from au_core.data.layouts.disfa import AUS
from au_core.data.layouts.tree import child, children, not_the_layout, numbered_pictures, opened, relative
from au_core.data.schema import FrameRows, SequenceRef
from au_core.errors import DatasetError

EXPECTED = "Images/SN001/A1_AU1_TrailNo_1/000.jpg and Labels/SN001/A1_AU1_TrailNo_1/AU1.txt"
LINE = re.compile(r"\s*\D*(\d{1,9})\.\w+[\s,]+([0-5])\s*", re.ASCII)


def list_sequences(root: Path) -> list[SequenceRef]:
    """One sequence for each trial that has a folder of labels.

    Raises:
        DatasetError: no labels, or no folder of pictures.
    """
    images, people = child(root, "Images"), children(child(root, "Labels"), r"SN\d{3}")
    trials = [trial for person in people for trial in children(person, ".*") if trial.is_dir()]
    if images is None or not trials:
        raise not_the_layout(root, "disfa_plus", EXPECTED)
    return [_ref(root, images, trial) for trial in trials]


def _ref(root: Path, images: Path, trial: Path) -> SequenceRef:
    person = trial.parent.name.upper()
    source = child(images, person, re.escape(trial.name)) or images / person / trial.name
    return SequenceRef(
        layout="disfa_plus", dataset="DISFA+", subject=person, sequence=trial.name, root=str(root),
        source=relative(source, root),
        labels=tuple(relative(path, root) for path in children(trial, r"AU\d+\.txt")),
    )  # fmt: skip


def read_rows(ref: SequenceRef) -> FrameRows:
    """The coded frames of one trial; frame numbers are the pictures' names, AUs without a file unknown.

    Raises:
        DatasetError: no label file, a damaged one, files that list other pictures, or no picture at all.
    """
    root, pictures = Path(ref.root), numbered_pictures(Path(ref.root) / ref.source)
    if not ref.labels or not pictures:
        raise DatasetError(f"{root / ref.source}: no picture or no label file; expected {EXPECTED}")
    columns = {_au(label): read_intensities(root / label) for label in ref.labels}
    frames = sorted(next(iter(columns.values())))
    codes = np.full((len(frames), len(AUS)), UNKNOWN, np.int8)
    for au, column in columns.items():
        if sorted(column) != frames:
            raise DatasetError(f"{root / ref.labels[0]}: AU{au}.txt lists other pictures; expected the same")
        if au in AUS:
            codes[:, AUS.index(au)] = [column[frame] for frame in frames]
    return FrameRows(
        ref=ref, aus=AUS, frames=np.array(frames, np.int32), codes=codes, pictures=pictures, kind="intensity"
    )


def _au(label: str) -> int:
    return int(re.findall(r"\d+", Path(label).stem)[-1])


def read_intensities(path: Path) -> dict[int, int]:
    """Intensity from 0 to 5 of each picture number.

    Raises:
        DatasetError: no such file, no line ``000.jpg 0``, or another line below the first of them.
    """
    with opened(path, "label file") as file:
        lines = [line for line in file.read().splitlines() if line.strip()]
    matches = [LINE.fullmatch(line) for line in lines]
    start = next((i for i, match in enumerate(matches) if match), None)  # comments may come first
    if start is None:
        raise DatasetError(f"{path}: none of {len(lines)} lines is such as '000.jpg 0'")
    found = {int(match[1]): int(match[2]) for match in matches[start:] if match}
    if len(found) < len(lines) - start:
        bad = next((i for i, match in enumerate(matches[start:], start) if not match), start)
        raise DatasetError(f"{path}: {lines[bad][:40]!r} or a picture listed twice; expected '000.jpg 0'")
    return found
