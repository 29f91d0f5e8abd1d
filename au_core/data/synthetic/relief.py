"""Light on the skin: the head's shape, and the folds that AUs and age raise and sink in it."""

from collections.abc import Mapping
from functools import cache

import cv2
import numpy as np

from au_core.data.synthetic.anatomy import ACTIONS, MARKS, Mark, Table, active_actions
from au_core.data.synthetic.canvas import HEIGHT, SCALE, WIDTH, bell, plane, smooth, stroke, to_canvas
from au_core.data.synthetic.person import Person, depth

DEEP, STEEP = 0.42, 1.5
"""How much a fold of depth 1 loses light, and how strongly its walls turn to or from the light."""
REST = {
    "nasolabial": 0.6, "nasolabial_cheek": 0.25, "forehead_inner": 0.35, "forehead_outer": 0.25,
    "eye_bag": 0.6, "crows_feet": 0.4, "glabella": 0.25, "mouth_down": 0.25, "chin_groove": 0.25,
}  # fmt: skip
"""Marks that age leaves on a face at rest, at most."""


@cache
def patch(mark: Mark) -> tuple[tuple[slice, slice], np.ndarray]:
    """Where on the canvas a mark lies, both halves, and its height there as ``float32[h, w]``."""
    layer = np.zeros((HEIGHT, WIDTH), np.uint8)
    for line in mark.lines:
        curve = smooth(np.array(line), False, 2) if len(line) > 2 else np.array(line)
        for side in (1, -1):
            stroke(layer, to_canvas(curve * [side, 1]), 255.0, mark.width * SCALE * 0.7)
    sigma = max(0.8, mark.width * SCALE * 0.4)
    soft = cv2.GaussianBlur(layer.astype(np.float32) / 255, (0, 0), sigma)
    if mark.height < 0:
        soft -= 0.45 * cv2.GaussianBlur(soft, (0, 0), 2.2 * sigma)  # skin piles up beside a furrow
    rows, columns = (np.flatnonzero(np.abs(soft).max(axis) > 0.004) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return box, np.ascontiguousarray(soft[box]) * mark.height


def folds(person: Person, shown: Mapping[int | str, float], actions: Table = ACTIONS) -> np.ndarray:
    """``float32[HEIGHT, WIDTH]``: height of everything folded, at rest and by AUs."""
    depths = {name: value * person.age for name, value in REST.items()}
    for strength, action in active_actions(shown, actions):
        for name, value in action.marks.items():
            depths[name] = depths.get(name, 0) + value * strength * person.folds
    total = np.zeros((HEIGHT, WIDTH), np.float32)
    for name, value in depths.items():
        if value > 0.01:
            box, height = patch(MARKS[name])
            total[box] += np.float32(value) * height
    return total * _sides(round(person.asymmetry, 3))


@cache
def _sides(asymmetry: float) -> np.ndarray:
    return 1 + asymmetry * np.tanh(plane()[0] * 8)


def lit(normals: np.ndarray, folded: np.ndarray, light: np.ndarray, ambient: float) -> np.ndarray:
    """Brightness ``float32[HEIGHT, WIDTH]``, about 1 where the light falls straight on the skin.

    Args:
        normals: ``float32[HEIGHT, WIDTH, 3]`` of the face at rest.
        folded: heights from :func:`folds`.
        light: ``float64[3]``, the unit vector towards the light as the head sees it.
        ambient: share of the light that comes from everywhere.
    """
    x, y, z = light.tolist()
    diffuse = cv2.transform(normals, np.array([[x, y, z]], np.float32))
    diffuse = cv2.max(diffuse, 0.0)  # type: ignore[call-overload]
    kernel = np.array([[0, -y, 0], [-x, 0, x], [0, y, 0]], np.float32) * (-0.5 * STEEP * (1 - ambient) * 2)
    walls = cv2.filter2D(folded, cv2.CV_32F, kernel)
    shade = cv2.addWeighted(diffuse, 1 - ambient, walls, 1.0, ambient)
    return cv2.scaleAdd(np.clip(folded, -1.6, 0.5), DEEP, shade)


def rest_normals(person: Person) -> np.ndarray:
    """``float32[HEIGHT, WIDTH, 3]``: where each piece of the neutral face looks."""
    x, y = plane()
    height = depth(np.stack([x, y], -1)) + _features(person)
    height = cv2.GaussianBlur(height.astype(np.float32), (0, 0), 1.2)
    gx, gy = (cv2.Sobel(height, cv2.CV_32F, *d, ksize=3, scale=SCALE / 8) for d in ((1, 0), (0, 1)))
    normals = np.dstack([-gx, -gy, np.full_like(gx, 1.0)])
    return (normals / np.linalg.norm(normals, axis=2, keepdims=True)).astype(np.float32)


def _features(person: Person) -> np.ndarray:
    """Sockets, brow ridge, cheekbones, nose wings, lips and chin at this person's places."""
    p = person.points
    mouth, chin = p[48:60, 1].mean(), p[8, 1]
    wing, tip = abs(p[35, 0]), p[30, 1]
    total = 0.05 * bell(0, tip, 0.11, 0.1) + 0.05 * bell(0, mouth, 0.36, 0.13)
    total += 0.09 * bell(0, chin - 0.24, 0.3, 0.16) - 0.05 * bell(0, mouth + 0.22, 0.24, 0.06)
    total -= 0.02 * bell(0, mouth - 0.2, 0.035, 0.08)
    for side in (-1, 1):
        total += 0.07 * bell(side * wing * 0.85, tip + 0.09, 0.07, 0.075)
        total -= 0.12 * bell(side * 0.44, 0.0, 0.26, 0.15) - 0.05 * bell(side * 0.5, 0.0, 0.2, 0.09)
        total += 0.05 * bell(side * 0.5, p[19, 1] + 0.06, 0.36, 0.09) + 0.08 * bell(
            side * 0.74, 0.42, 0.3, 0.26
        )
        total -= 0.05 * bell(side * 0.72, 1.0, 0.2, 0.3)
    return total
