"""From three points to an upright face of fixed size (Section 4.1)."""

import cv2
import numpy as np

from au_core.errors import FaceError

_EYE_Y, _EYE_X, _MOUTH_Y = 0.36, 0.335, 0.71
"""Where eyes and mouth come to lie, in edges: low and small enough that the forehead lines of AU 1 and 2 and
the chin of AU 17 and 26 stay inside."""


def template(size: int) -> np.ndarray:
    """Target points ``float64[3, 2]`` (x, y) in ``size`` pixels: left eye, right eye, mouth centre."""
    return np.array([[_EYE_X, _EYE_Y], [1 - _EYE_X, _EYE_Y], [0.5, _MOUTH_Y]]) * size


def similarity_from_points(src: np.ndarray, dst: np.ndarray) -> np.ndarray:
    """Least-squares scale + rotation + shift taking ``src[3, 2]`` to ``dst[3, 2]``, as ``[2, 3]``.

    Points are (x, y) pixels: left eye, right eye, mouth centre. No shear: a face keeps its shape, also
    near profile, where the three points come close to one line and an affine map would be ill-conditioned.
    """
    x, y = src[:, 0], src[:, 1]
    one, zero = np.ones(3), np.zeros(3)
    design = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])  # [6, 4]
    a, b, tx, ty = np.linalg.lstsq(design, np.concatenate([dst[:, 0], dst[:, 1]]), rcond=None)[0]
    return np.array([[a, -b, tx], [b, a, ty]])


def align(image: np.ndarray, points: np.ndarray, size: int) -> np.ndarray:
    """The face at ``points[3, 2]`` of ``image[H, W, 3]``, upright, as ``uint8[size, size, 3]``.

    Pixels beyond the picture repeat its border: a black edge would be a feature of where people sat.

    Raises:
        FaceError: the points are no face (not finite, all in one place, far outside any scale).
    """
    if not np.isfinite(points).all() or np.ptp(points, axis=0).max() < 2:
        raise FaceError(f"points {np.round(points, 1).tolist()} are no face; expected eyes and mouth apart")
    matrix = similarity_from_points(points.astype(np.float64), template(size))
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.75:  # sampling every n-th pixel would alias skin texture into wrinkles
        image, matrix = _shrunk(image, matrix, scale)
    border = cv2.BORDER_REPLICATE
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)


def _shrunk(image: np.ndarray, matrix: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """``image`` averaged down by ``scale``, and ``matrix[2, 3]`` for the smaller picture."""
    height, width = image.shape[:2]
    small = cv2.resize(
        image, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    fx, fy = width / small.shape[1], height / small.shape[0]
    to_source = np.array(
        [[fx, 0, (fx - 1) / 2], [0, fy, (fy - 1) / 2], [0, 0, 1]]
    )  # pixel centres stay centres
    return small, matrix @ to_source
