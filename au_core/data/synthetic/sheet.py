"""Pictures to look at: what each AU does, and who is drawn."""

import cv2
import numpy as np

from au_core.aus import AU_NAMES, au_column
from au_core.data.synthetic.anatomy import ACTIONS
from au_core.data.synthetic.geometry import Pose
from au_core.data.synthetic.person import draw_person
from au_core.data.synthetic.render import draw_scene, render_face

EDGE = 112
"""Pixels of a face in the sheet."""
LABEL = 150


def contact_sheet(seed: int = 0, people: tuple[str, ...] = ("F006", "M002", "F003")) -> np.ndarray:
    """A row for each AU, from intensity 0 to 5 on each of ``people``, as ``uint8[H, W, 3]`` BGR."""
    rows = [np.concatenate([_label(au), *_row(au, people, seed)], axis=1) for au in ACTIONS]
    return np.concatenate(rows)


def _row(au: int, people: tuple[str, ...], seed: int) -> list[np.ndarray]:
    return [_cell(name, {au: float(i)}, seed) for name in people for i in range(6)]


def _cell(name: str, intensities: dict[int, float], seed: int) -> np.ndarray:
    rng = np.random.default_rng([seed, *name.encode()])
    face, _ = render_face(draw_person(name, seed), intensities, Pose(), draw_scene(rng), rng)
    return cv2.resize(face[16:232, 20:236], (EDGE, EDGE), interpolation=cv2.INTER_AREA)


def _label(au: int) -> np.ndarray:
    cell = np.full((EDGE, LABEL, 3), 255, np.uint8)
    words = [au_column(au), *AU_NAMES.get(au, "").split(" ")]
    for line, word in enumerate(words):
        size, weight = (0.6, 2) if line == 0 else (0.42, 1)
        where = (8, 34 + 19 * line)
        cv2.putText(cell, word, where, cv2.FONT_HERSHEY_SIMPLEX, size, (40, 40, 40), weight, cv2.LINE_AA)
    return cell
