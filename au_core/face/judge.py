"""What is wrong with a face or a frame, in words that stay with its row."""

from dataclasses import dataclass

import cv2
import numpy as np

from au_core.config import PreprocessConfig
from au_core.face.detect import Detection

FLAGS = {
    "no_face": "the detector found nothing, or the dataset's landmarks are missing",
    "low_confidence": "something was found, but its score is below the threshold",
    "bad_points": "points no face can be aligned by",
    "bad_landmarks": "the dataset's landmarks are known to be wrong there",
    "dark": "mean grey value below the threshold",
    "blurred": "variance of the Laplacian below the threshold",
    "extreme_pose": "yaw or roll beyond the limit",
    "landmarks_differ": "the dataset's landmarks and the detector's points lie apart",
    "several_faces": "more than one face, of which the largest and most central was taken",
}
"""Words of the ``flagged`` column; the first four say why there is no face."""
NOSE_DEPTH = 0.6
"""How far the tip of the nose stands out before the eyes, in eye distances; anatomy, good to 10 degrees."""
SHARPNESS_SIZE = 224
"""Edge at which sharpness is measured, so that its threshold is one for all sizes."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Numbers a face is judged by."""

    yaw: float | None
    """Degrees, positive where the nose points to the picture's right; None where it is not known."""
    roll: float
    """Degrees, positive where the picture-right eye is lower."""
    brightness: float
    """Mean grey value."""
    sharpness: float
    """Variance of the Laplacian."""


def measure(face: np.ndarray, points: np.ndarray, nose: np.ndarray | None) -> Measures:
    """The numbers of an aligned ``face[S, S, 3]`` with its source ``points[3, 2]`` and ``nose[2]``."""
    grey = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
    if grey.shape[0] != SHARPNESS_SIZE:
        grey = cv2.resize(grey, (SHARPNESS_SIZE, SHARPNESS_SIZE), interpolation=cv2.INTER_AREA)
    deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1]
    yaw, roll = angles(points, nose)
    return Measures(yaw, roll, cv2.mean(grey)[0], float(deviation[0, 0]) ** 2)


def angles(points: np.ndarray, nose: np.ndarray | None) -> tuple[float | None, float]:
    """Yaw and roll in degrees of ``points[3, 2]`` and ``nose[2]``, as far as a flat picture shows them.

    Turned by yaw, eyes at distance e appear at e cos(yaw), and a nose standing out by d moves by d sin(yaw):
    what it moved, in apparent eye distances, is d / e tan(yaw).
    """
    across = points[1] - points[0]
    roll = float(np.degrees(np.arctan2(across[1], across[0])))
    length = float(np.hypot(*across))
    if nose is None or length == 0 or not np.isfinite(nose).all():
        return None, roll
    moved = float((nose - points[:2].mean(axis=0)) @ across) / length**2
    return float(np.degrees(np.arctan(moved / NOSE_DEPTH))), roll


def judge(measures: Measures, cfg: PreprocessConfig) -> list[str]:
    """Words for a face that was found and aligned."""
    found = {
        "dark": measures.brightness < cfg.min_brightness,
        "blurred": measures.sharpness < cfg.min_sharpness,
        "extreme_pose": max(abs(measures.yaw or 0.0), abs(measures.roll)) > cfg.max_angle,
    }
    return [flag for flag, true in found.items() if true]


def frame_brightness(image: np.ndarray) -> float:
    """Mean grey value of a frame ``uint8[H, W, 3]``, of every eighth pixel."""
    blue, green, red, _ = cv2.mean(image[::8, ::8])
    return 0.114 * blue + 0.587 * green + 0.299 * red


def landmarks_differ(face: Detection, points: np.ndarray, cfg: PreprocessConfig) -> bool:
    """Whether a dataset's ``points[3, 2]`` contradict a detected face; not where there are none."""
    if not np.isfinite(points).all():
        return False
    apart = np.hypot(*(face.points - points).T).mean()
    return bool(apart > cfg.max_disagreement * np.hypot(*(face.points[1] - face.points[0])))
