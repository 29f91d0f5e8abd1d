"""Where the faces are: YuNet's boxes and points, or a dataset's own landmarks elsewhere."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

import cv2
import numpy as np

from au_core.config import PreprocessConfig
from au_core.data.files import write_bytes
from au_core.errors import FaceError

YUNET_URL = (
    "https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/"
    "0047ac24afb1a50a0c6105001c89d1b5b805dbf1/onnx/yunet_s_640_640.onnx"
)
"""The detector at a fixed commit (MIT; Wu, Peng, Yu: "YuNet", Machine Intelligence Research 2023)."""
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
YUNET_BYTES = 232_589
YUNET_FILE = "face_detection_yunet_2023mar.onnx"


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


def load_detector(detector: str, cfg: PreprocessConfig, doubtful: bool = False) -> Detector:
    """YuNet from ``yunet`` (fetched once into the user's cache, checked by SHA-256) or from a file's path.

    Where ``doubtful``, what scores below ``cfg.min_confidence`` is handed on too, for others to refuse.

    Raises:
        FaceError: the model cannot be fetched, is not the pinned one, or OpenCV cannot use the file.
    """
    path = find_model(detector)
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


def find_model(detector: str) -> Path:
    """The model file that ``detector`` (``yunet`` or a path) stands for.

    Raises:
        FaceError: there is no such file, it cannot be fetched, or ``dataset`` was asked for, which is none.
    """
    if detector == "dataset":
        raise FaceError(
            "detector 'dataset': these are landmark files of a dataset, which video alone does not have; "
            "expected 'yunet', or the path of a YuNet model"
        )
    path = fetch_yunet() if detector == "yunet" else Path(detector)
    if not path.is_file():
        raise FaceError(
            f"detector {detector!r}: no such file; expected 'dataset', 'yunet', or the path of a YuNet model"
        )
    return path


@cache
def detector_identity(detector: str) -> str:
    """What to record of a detector: the same model is the same detector, wherever its file lies.

    ``dataset``, ``yunet`` for the pinned model by whatever path, else ``sha256:<digest>``.
    """
    if detector in ("dataset", "yunet"):
        return detector
    digest = _sha256(find_model(detector).read_bytes())
    return "yunet" if digest == YUNET_SHA256 else f"sha256:{digest}"


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
            content = answer.read(2 * YUNET_BYTES)
    except (OSError, HTTPException) as error:
        raise FaceError(
            f"the face detector could not be fetched ({error}). Download {YUNET_URL} to {path}, "
            "or give a YuNet file as detector (--detector PATH)"
        ) from error
    if _sha256(content) != YUNET_SHA256:
        raise FaceError(
            f"{YUNET_URL}: {len(content)} bytes with SHA-256 {_sha256(content)} came, expected {YUNET_BYTES} "
            f"with {YUNET_SHA256}; not used. Give a YuNet file with --detector PATH"
        )
    try:
        write_bytes(content, path)
    except OSError as error:
        raise FaceError(
            f"{path}: cannot be written ({error}); let XDG_CACHE_HOME name a folder that can be, or give a "
            "YuNet file as detector (--detector PATH)"
        ) from error
    return path


def cache_folder() -> Path:
    """Where downloads are kept: ``$XDG_CACHE_HOME/au-semisup``, by default below ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "au-semisup"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
