"""From three points to an upright face of fixed size (Section 4.1), and to its JPEG."""

import cv2
import numpy as np

from au_core.errors import FaceError

_EYE_X, _EYE_Y, _MOUTH_Y = 0.335, 0.36, 0.71
"""Where eyes and mouth come to lie, in edges.

Low and small enough that the forehead lines of AU 1 and 2 and the chin of AU 17 and 26 stay inside.
"""
_MIN_SPREAD = 4.0
"""Points closer together than this many pixels are no face; YuNet's smallest have about 6."""


def template(size: int) -> np.ndarray:
    """``float64[3, 2]`` (x, y): where left eye, right eye and mouth centre belong in ``size`` pixels."""
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

    Beyond the picture its border is repeated: a black edge would tell a network where people sat.

    Raises:
        FaceError: the points are no face (not finite, in one place, off the picture, of absurd scale).
    """
    _check(points, image.shape[1], image.shape[0])
    matrix = similarity_from_points(points.astype(np.float64), template(size))
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if size > 4 * max(image.shape[:2]) * scale:
        raise FaceError(
            f"points {_short(points)} span a face of {size / scale:.0f} pixels, "
            f"far beyond the picture of {image.shape[1]}x{image.shape[0]}"
        )
    if (factor := min(round(1 / scale), *image.shape[:2])) > 1:
        image, matrix = _averaged_down(image, matrix, size, factor)
    return cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def encode_face(face: np.ndarray, quality: int) -> bytes:
    """An aligned ``face[S, S, 3]`` as the JPEG that R learns from, and that it must be shown as later on."""
    return cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _check(points: np.ndarray, width: int, height: int) -> None:
    if not np.isfinite(points).all() or np.ptp(points, axis=0).max() < _MIN_SPREAD:
        raise FaceError(f"points {_short(points)} are no face; expected two eyes and a mouth apart")
    x, y = points.mean(axis=0)
    if not (0 <= x < width and 0 <= y < height):
        raise FaceError(f"points {_short(points)} lie outside the picture of {width}x{height}")


def _short(points: np.ndarray) -> list[list[float]]:
    return [[round(float(value), 1) for value in point] for point in points]


def _averaged_down(
    image: np.ndarray, matrix: np.ndarray, size: int, factor: int
) -> tuple[np.ndarray, np.ndarray]:
    """The part of ``image`` that ``matrix[2, 3]`` takes into the face, averaged down; and its own matrix.

    Bilinear sampling alone would skip source pixels, and skin texture would alias into wrinkles. Whole
    factors are three times faster than the exact one; what is left is a scale of 2/3 to 4/3.
    """
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float64)
    back = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T  # [4, 2] in the source
    end = np.array([image.shape[1], image.shape[0]])
    x0, y0 = np.clip(np.floor(back.min(0)) - 2 * factor, 0, end - factor).astype(int)
    x1, y1 = np.clip(np.ceil(back.max(0)) + 2 * factor, [x0 + factor, y0 + factor], end).astype(int)
    width, height = (x1 - x0) // factor, (y1 - y0) // factor
    part = image[y0 : y0 + height * factor, x0 : x0 + width * factor]
    small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    shift = (factor - 1) / 2  # centre of the first block of pixels
    to_source = np.array([[factor, 0, x0 + shift], [0, factor, y0 + shift], [0, 0, 1]])
    return small, matrix @ to_source
