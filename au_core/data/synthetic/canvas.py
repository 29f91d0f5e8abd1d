"""The neutral face laid flat: where its skin, hair and folds are drawn; and strokes on any picture."""

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np

SCALE = 64
"""Pixels of an eye distance."""
WIDTH, HEIGHT = 192, 256
ORIGIN = np.array([96.0, 122.0])
"""Pixel between the eyes."""
_SHIFT = 4
"""OpenCV's fractional bits: motion below a pixel shows."""


@cache
def plane() -> tuple[np.ndarray, np.ndarray]:
    """X and y, ``float32[HEIGHT, WIDTH]`` each, of every canvas pixel in eye distances."""
    x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    return (x - np.float32(ORIGIN[0])) / SCALE, (y - np.float32(ORIGIN[1])) / SCALE


def to_canvas(points: np.ndarray, scale: float = 1) -> np.ndarray:
    """Canvas pixels of ``points[N, 2]`` in eye distances; of a canvas ``scale`` times as large."""
    return (points[:, :2] * SCALE + ORIGIN + 0.5) * scale - 0.5


Colour = np.ndarray | Sequence[float] | float


def fill(image: np.ndarray, polygon: np.ndarray, colour: Colour) -> None:
    """Fill ``polygon[N, 2]`` (pixels)."""
    cv2.fillPoly(image, [_fixed(polygon)], _scalar(colour), cv2.LINE_AA, _SHIFT)


def stroke(image: np.ndarray, lines: np.ndarray, colour: Colour, width: float, closed: bool = False) -> None:
    """Draw a line ``[N, 2]`` or several ``[M, N, 2]`` (pixels)."""
    fixed = list(_fixed(lines)) if lines.ndim == 3 else [_fixed(lines)]
    cv2.polylines(image, fixed, closed, _scalar(colour), max(1, round(width)), cv2.LINE_AA, _SHIFT)


def _scalar(colour: Colour) -> Sequence[float]:
    if isinstance(colour, np.ndarray):
        return colour.tolist()
    return (float(colour),) if isinstance(colour, int | float) else colour


def _fixed(points: np.ndarray) -> np.ndarray:
    return (points * 2**_SHIFT + 0.5).astype(np.int32)


def ellipse(centre: np.ndarray | tuple[float, float], rx: float, ry: float) -> np.ndarray:
    """``float64[28, 2]`` on an ellipse."""
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    return np.stack([centre[0] + rx * np.cos(angle), centre[1] + ry * np.sin(angle)], 1)


def smooth(points: np.ndarray, closed: bool = True, rounds: int = 3) -> np.ndarray:
    """The polygon or line ``points[N, 2]`` with its corners cut off ``rounds`` times (Chaikin): a curve."""
    return _corner_cutting(len(points), closed, rounds) @ points


@cache
def _corner_cutting(n: int, closed: bool, rounds: int) -> np.ndarray:
    """``float64[M, n]``: each point of the curve as a mean of the ``n`` corners."""
    weights = np.eye(n)
    for _ in range(rounds):
        ahead = np.roll(weights, -1, axis=0)
        cut = np.stack([0.75 * weights + 0.25 * ahead, 0.25 * weights + 0.75 * ahead], 1)
        cut = cut.reshape(-1, n)
        weights = cut if closed else np.concatenate([weights[:1], cut[:-2], weights[-1:]])
    return weights


def bell(x0: float, y0: float, rx: float, ry: float) -> np.ndarray:
    """``float32[HEIGHT, WIDTH]``: a Gaussian bump of height 1 in eye distances."""
    x, y = plane()
    return np.exp(
        -(((x - np.float32(x0)) / np.float32(rx)) ** 2) - ((y - np.float32(y0)) / np.float32(ry)) ** 2
    )
