"""Where the faces are: YuNet's boxes and points, or a dataset's own landmarks elsewhere."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import cv2
import numpy as np

from au_core.config import PreprocessConfig
from au_core.data.files import replace_atomically
from au_core.errors import FaceError

YUNET_URL = (
    "https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/"
    "0047ac24afb1a50a0c6105001c89d1b5b805dbf1/onnx/yunet_s_640_640.onnx"
)
"""The detector at a fixed commit (MIT; Wu, Peng, Yu: "YuNet", Machine Intelligence Research 2023)."""
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
YUNET_FILE = "face_detection_yunet_2023mar.onnx"


@dataclass(frozen=True, slots=True)
class Detection:
    """One face of a frame, in source pixels."""

    box: np.ndarray
    """``float32[4]``: x, y, width, height."""
    points: np.ndarray
    """``float32[3, 2]``: picture-left eye, picture-right eye, mouth centre."""
    confidence: float


Detector = Callable[[np.ndarray], list[Detection]]
"""From a frame ``uint8[H, W, 3]`` BGR to its faces, the main one (largest and most central) first."""


def load_detector(detector: str, cfg: PreprocessConfig) -> Detector:
    """YuNet from ``yunet`` (fetched once into the user's cache, checked by SHA-256) or from a file's path.

    Raises:
        FaceError: the model cannot be fetched, is not the pinned one, or OpenCV cannot read the file.
    """
    path = fetch_yunet() if detector == "yunet" else Path(detector)
    if not path.is_file():
        raise FaceError(f"detector {detector!r}: no such file; expected 'yunet' or the path of a YuNet model")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # one harmless warning for each model
    try:
        net = cv2.FaceDetectorYN.create(str(path), "", (320, 320), cfg.min_confidence, 0.3, 5000)
    except cv2.error as error:
        raise FaceError(f"detector {path}: OpenCV cannot read it as a YuNet model ({error.msg})") from error
    return lambda image: detect_faces(net, image, cfg.detect_side)


def detect_faces(net: cv2.FaceDetectorYN, image: np.ndarray, side: int) -> list[Detection]:
    """Faces of ``image[H, W, 3]``, looked for on a copy whose longest side is at most ``side`` pixels."""
    shrink = min(1.0, side / max(image.shape[:2]))
    small = (
        cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else image
    )
    net.setInputSize((small.shape[1], small.shape[0]))
    rows = net.detect(small)[1]
    if rows is None:
        return []
    scale = np.array([image.shape[1] / small.shape[1], image.shape[0] / small.shape[0]], np.float32)
    faces = [_detection(row, scale) for row in rows]
    return sorted(faces, key=lambda face: -_prominence(face, image.shape[1], image.shape[0]))


def _detection(row: np.ndarray, scale: np.ndarray) -> Detection:
    """YuNet's row: box, five points (the subject's right eye, which is left in the picture, first), score."""
    eyes_and_corners = row[4:14].reshape(5, 2) * scale
    right_eye, left_eye, _nose, right_corner, left_corner = eyes_and_corners
    points = np.stack([right_eye, left_eye, (right_corner + left_corner) / 2]).astype(np.float32)
    return Detection((row[:4].reshape(2, 2) * scale).reshape(4), points, float(row[14]))


def _prominence(face: Detection, width: int, height: int) -> float:
    """Area of a face, less the farther it is from the middle of the picture."""
    x, y, w, h = face.box
    off = np.hypot((x + w / 2) / width - 0.5, (y + h / 2) / height - 0.5)
    return float(w * h * (1 - off))


def fetch_yunet() -> Path:
    """The pinned model in the user's cache folder, downloaded if it is not there yet.

    Raises:
        FaceError: no network, or other bytes than expected came.
    """
    path = cache_folder() / YUNET_FILE
    if path.is_file() and _sha256(path.read_bytes()) == YUNET_SHA256:
        return path
    try:
        with urlopen(YUNET_URL, timeout=30) as answer:
            content = answer.read()
    except (URLError, OSError) as error:
        raise FaceError(
            f"the face detector could not be fetched ({error}). Download {YUNET_URL} to {path}, "
            "or give the file's path with --detector"
        ) from error
    if _sha256(content) != YUNET_SHA256:
        raise FaceError(f"{YUNET_URL}: SHA-256 {_sha256(content)} came, expected {YUNET_SHA256}; not used")
    replace_atomically(path, lambda temporary: temporary.write_bytes(content))
    return path


def cache_folder() -> Path:
    """Where downloads are kept: ``$XDG_CACHE_HOME/au-semisup``, by default below ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "au-semisup"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
