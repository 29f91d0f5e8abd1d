"""Faces changed at random before R sees them: mirrored, moved, relit."""

from typing import NamedTuple

import cv2
import numpy as np

_REACH = 0.06
"""Largest shift, as a share of the edge."""
_CONTRAST, _BRIGHTNESS, _TINT = 0.5, 40, 0.1
"""Largest changes: of contrast in powers of 2, of brightness in grey values, of each colour as a share."""


class Augmentation(NamedTuple):
    """How a face is changed before R sees it, or how each of B faces is."""

    warp: np.ndarray
    """``float64[(B,) 2, 3]``: where in the face a pixel (x, y, 1) of the picture is taken from."""
    tones: np.ndarray
    """``float32[(B,) 3, 4]``: a colour's new value from the old three and 1: other light, another camera."""

    def of(self, which: int | slice) -> "Augmentation":
        """One of the B, or some."""
        return Augmentation(self.warp[which], self.tones[which])


def draw_augmentation(
    rng: np.random.Generator, n: int, size: int, turn: float = 0.0, zoom: float = 0.0
) -> Augmentation:
    """How ``n`` faces with an edge of ``size`` pixels are changed.

    Args:
        rng: decides all.
        n: how many.
        size: pixels.
        turn: largest turn, in degrees.
        zoom: largest logarithm of the zoom.
    """
    warps = draw_turns(rng, n, size, turn, zoom) if turn or zoom else draw_shifts(rng, n, size)
    return Augmentation(warps, draw_tones(rng, n))


def draw_shifts(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """``float64[n, 2, 3]``: faces mirrored or not, and shifted by whole pixels, which costs little time."""
    reach = _reach(size)
    mirrored, shift = rng.random(n) < 0.5, rng.integers(-reach, reach + 1, (n, 2))
    warps = np.tile(np.eye(2, 3), (n, 1, 1))
    warps[mirrored, 0] = [-1, 0, size - 1]
    warps[:, :, 2] -= shift[:, ::-1]
    return warps


def draw_turns(rng: np.random.Generator, n: int, size: int, turn: float, zoom: float) -> np.ndarray:
    """``float64[n, 2, 3]``: faces mirrored or not, shifted, turned and zoomed, as face detectors err."""
    angle = rng.uniform(-np.radians(turn), np.radians(turn), n)
    scale = np.exp(rng.uniform(-zoom, zoom, n))
    mirror = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[mirror * cos, -sin], [mirror * sin, cos]]).transpose(2, 0, 1)
    middle = np.full(2, (size - 1) / 2)
    shift = rng.uniform(-_REACH, _REACH, (n, 2)) * size
    return np.concatenate([linear, (middle - linear @ middle + shift)[..., None]], 2)


def draw_tones(rng: np.random.Generator, n: int) -> np.ndarray:
    """``float32[n, 3, 4]``: random contrast about the middle grey, brightness, and a tint of each colour."""
    contrast = 2 ** rng.uniform(-_CONTRAST, _CONTRAST, n)
    brightness = rng.uniform(-_BRIGHTNESS, _BRIGHTNESS, n)
    tint = 1 + rng.uniform(-_TINT, _TINT, (n, 3))
    tones = np.zeros((n, 3, 4), np.float32)
    tones[:, range(3), range(3)] = contrast[:, None] * tint
    tones[:, :, 3] = (127.5 * (1 - contrast) + brightness)[:, None] * tint
    return tones


def augmented(face: np.ndarray, change: Augmentation) -> np.ndarray:
    """``face[S, S, 3]`` in another place, its edge repeated where it leaves a gap, and in other tones."""
    warp, tones = change
    whole = (warp == np.rint(warp)).all() and abs(warp[0, 0]) == warp[1, 1] == 1
    return cv2.transform((_shifted if whole else _turned)(face, warp), tones)


def _shifted(face: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """Mirrored or not, and shifted by whole pixels, up to the reach: copies alone, which cost little."""
    size, reach, mirrored = face.shape[0], _reach(face.shape[0]), warp[0, 0] < 0
    x, y = reach + int(warp[0, 2]) - (size - 1) * mirrored, reach + int(warp[1, 2])
    padded = cv2.copyMakeBorder(face, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    shifted = padded[y : y + size, x : x + size]
    return cv2.flip(shifted, 1) if mirrored else shifted


def _turned(face: np.ndarray, warp: np.ndarray) -> np.ndarray:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(face, warp, face.shape[:2], flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _reach(size: int) -> int:
    return max(1, round(_REACH * size))
