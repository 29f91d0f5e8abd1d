"""Where the faces are: YuNet's boxes and points, or a dataset's own landmarks elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np

from au_core.config import PreprocessConfig
from au_core.errors import FaceError
from au_core.face.yunet import find_model


@dataclass(frozen=True, slots=True)
class Detection:
    """One face of a frame, in source pixels."""

    box: np.ndarray
    """``float32[4]``: x, y, width, height."""
    points: np.ndarray
    """``float32[3, 2]``: picture-left eye, picture-right eye, mouth centre."""
    confidence: float
    """YuNet's score in [0, 1]."""
    nose: np.ndarray | None = None
    """``float32[2]``: the tip of the nose."""


Detector = Callable[[np.ndarray], list[Detection]]
"""From a frame ``uint8[H, W, 3]`` BGR to its faces, the main one (largest and most central) first."""


DOUBTFUL = 0.3
"""Score from which on something is worth a remark where there is no face."""


def load_detector(cfg: PreprocessConfig, doubtful: bool = False) -> Detector:
    """YuNet as ``cfg.detector`` names it: ``yunet`` (fetched once, checked by SHA-256) or a file's path.

    Where ``doubtful``, what scores below ``cfg.min_confidence`` is handed on too, for others to refuse.

    Raises:
        FaceError: the model cannot be fetched, is not the pinned one, or OpenCV cannot use the file.
    """
    path = find_model(cfg.detector)
    least = min(DOUBTFUL, cfg.min_confidence) if doubtful else cfg.min_confidence
    try:
        with _warnings_off():
            net = cv2.FaceDetectorYN.create(str(path), "", (320, 320), least, 0.3, 5000)
            detect_faces(net, np.zeros((64, 64, 3), np.uint8), 64)  # other networks load, too
    except (cv2.error, ValueError, IndexError) as error:
        message = getattr(error, "err", None) or error
        raise FaceError(f"detector {path}: OpenCV cannot use it as a YuNet model ({message})") from error
    return lambda image: detect_faces(net, image, cfg.detect_side)


@contextmanager
def _warnings_off() -> Iterator[None]:
    """OpenCV has a harmless warning for each model; nothing else that it says is ours to hide."""
    logging = cv2.utils.logging
    before = logging.getLogLevel()
    logging.setLogLevel(min(before, logging.LOG_LEVEL_ERROR))
    try:
        yield
    finally:
        logging.setLogLevel(before)


def detect_faces(net: cv2.FaceDetectorYN, image: np.ndarray, side: int) -> list[Detection]:
    """Faces of ``image[H, W, 3]``, looked for on a copy whose longest side is at most ``side`` pixels."""
    shrink = min(1.0, side / max(image.shape[:2]))
    height, width = image.shape[:2]
    shape = max(1, round(width * shrink)), max(1, round(height * shrink))
    net.setInputSize(shape)
    rows = net.detect(image if shrink == 1 else cv2.resize(image, shape, interpolation=cv2.INTER_AREA))[1]
    if rows is None:
        return []
    scale = np.array([width / shape[0], height / shape[1]], np.float32)
    faces = [_detection(row, scale) for row in rows]
    return sorted(faces, key=lambda face: -_prominence(face, width, height))


def _detection(row: np.ndarray, scale: np.ndarray) -> Detection:
    """YuNet's row: box, five points (the subject's right eye, which is left in the picture, first), score."""
    eyes_and_corners = row[4:14].reshape(5, 2) * scale
    right_eye, left_eye, nose, right_corner, left_corner = eyes_and_corners
    points = np.stack([right_eye, left_eye, (right_corner + left_corner) / 2]).astype(np.float32)
    return Detection((row[:4].reshape(2, 2) * scale).reshape(4), points, float(row[14]), nose)


def _prominence(face: Detection, width: int, height: int) -> float:
    """Area of a face, less the farther it is from the middle of the picture."""
    x, y, w, h = face.box
    off = np.hypot((x + w / 2) / width - 0.5, (y + h / 2) / height - 0.5)
    return float(w * h * (1 - off))
