"""Small trees of the twin in the real layouts, and how they are bent into the shapes people have."""

import shutil

import numpy as np

from au_core.config import SyntheticConfig
from au_core.data.readers import list_sequences, read_rows
from au_core.data.synthetic.write import plan_sequences, write_sequence
from au_core.data.video import decode

BP4D = SyntheticConfig(layout="bp4d", subjects=3, sequences=2, frames=4)
DISFA = SyntheticConfig(layout="disfa", subjects=3, sequences=1, frames=4)
COLUMNS_OF_34 = [1, 2, 4, 5, 6, 7, *range(9, 21), *range(22, 36), 38, 39]
"""A header of 34 AUs such as BP4D+ has; which are in it does not matter to a reader by header."""


def draw(cfg, root):
    """The whole tree of ``cfg``, below ``root``."""
    for subject, sequence in plan_sequences(cfg):
        write_sequence(cfg, subject, sequence, root)
    return root


def first(layout, root, **more):
    return list_sequences(layout, root, **more)[0]


def pixels(rows):
    """Mean grey value of each coded frame: which picture belongs to which frame."""
    return [None if image is None else image.mean() for _, image, _ in decode(rows)]


def bend_to_plus(bp4d, first_picture):
    """BP4D+: the pictures in 2D+3D, counted from 0; 34 columns; folders of subjects elsewhere, too."""
    for label in (bp4d / "AUCoding" / "AU_OCC").iterdir():
        lines = [line.split(",") for line in label.read_text().splitlines()]
        rows = [[str(i), *(line[au] for au in COLUMNS_OF_34)] for i, line in enumerate(lines[1:], start=1)]
        header = ["0", *map(str, COLUMNS_OF_34)]
        label.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    for subject in {ref.subject for ref in list_sequences("bp4d", bp4d)}:
        (bp4d / "2D+3D").mkdir(exist_ok=True)
        (bp4d / "Physiology" / subject / "T1").mkdir(parents=True)
        shutil.move(bp4d / subject, bp4d / "2D+3D" / subject)
        for task in (bp4d / "2D+3D" / subject).iterdir():
            for i, picture in enumerate(sorted(task.iterdir(), key=lambda path: int(path.stem))):
                picture.rename(task / f"new{i + first_picture:04}.jpg")
            for picture in list(task.iterdir()):
                picture.rename(task / picture.name.removeprefix("new"))


def bend_to_disfa_plus(bp4d):
    """DISFA+: Labels/SN001/A1_AU1_TrailNo_1/AU1.txt with lines ``000.jpg     0``, Images/... beside it."""
    rows = read_rows(first("bp4d", bp4d))
    images, labels = (bp4d / top / "SN001" / "A1_AU1_TrailNo_1" for top in ("Images", "Labels"))
    images.mkdir(parents=True), labels.mkdir(parents=True)
    for i, path in enumerate(rows.pictures.values()):
        shutil.copy(path, images / f"{i:03}.jpg")
    for au, intensities in {1: [0, 1, 2, 3], 12: [5, 4, 0, 0]}.items():
        lines = [f"{i:03}.jpg     {value}" for i, value in enumerate(intensities)]
        (labels / f"AU{au}.txt").write_text("\n".join([f"AU{au} intensities:", "", *lines]) + "\n")
    return rows


def write_lists(root, refs, style):
    """List files of ``refs`` as ME-GraphAU (several folds, a number as text) or JAA-Net write them."""
    spec = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
    lines, codes = [], []
    for ref in refs:
        rows = read_rows(ref)
        for frame, row in zip(rows.frames.tolist(), rows.codes, strict=True):
            lines.append(f"{ref.subject}/{ref.sequence}/{frame:04}.jpg")
            values = [row[rows.aus.index(au)] for au in spec]
            codes.append(
                " ".join("9" if v < 0 else f"{v}" if style == "megraph" else f"{v:.18e}" for v in values)
            )
    (root / "list").mkdir()
    names = ("BP4D_test_img_path_fold1", "BP4D_test_label_fold1") if style == "megraph" else (
        "BP4D_part1_path", "BP4D_part1_AUoccur")  # fmt: skip
    (root / "list" / f"{names[0]}.txt").write_text("\n".join(lines) + "\n")
    (root / "list" / f"{names[1]}.txt").write_text("\n".join(codes) + "\n")
    return [root / "list" / f"{name}.txt" for name in names]


def content(rows):
    """What must not change: codes, points, and the pictures in their order."""
    return rows.codes, rows.points, pixels(rows)


def same(rows, before):
    codes, points, values = before
    np.testing.assert_array_equal(rows.codes, codes)
    np.testing.assert_allclose(rows.points, points)
    found = np.array(pixels(rows))
    np.testing.assert_allclose(found, values, atol=2)  # a video's colours differ a little from a picture's
    np.testing.assert_allclose(found - found.mean(), values - np.mean(values), atol=0.05)  # frames do more
