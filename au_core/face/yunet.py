"""The detector's file: YuNet at a fixed commit, fetched once and checked, or one of the user's own."""

import hashlib
import os
from functools import cache
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

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
