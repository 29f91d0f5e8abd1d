"""Decoding: frames of a video, or pictures of a folder, one at a time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from au_core.data.schema import FrameRows
from au_core.errors import DatasetError

VIDEOS = {".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"}
PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a container declares; its number of frames is only an estimate."""

    fps: float
    declared_frames: int


def video_info(path: Path) -> VideoInfo:
    """Rate and declared length of a video; a picture is one frame at 1 fps.

    Raises:
        DatasetError: OpenCV cannot open it.
    """
    if path.suffix.lower() in PICTURES:
        return VideoInfo(1.0, 1)
    capture = _open(path)
    fps, declared = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    capture.release()
    return VideoInfo(fps if 0 < fps < 1000 else 25.0, int(declared) if math.isfinite(declared) else 0)


def video_frames(path: Path) -> Iterator[np.ndarray]:
    """Frames ``uint8[H, W, 3]`` BGR of a video, or the one of a picture, in order.

    Raises:
        DatasetError: OpenCV cannot open it.
    """
    if path.suffix.lower() in PICTURES:
        picture = read_picture(path)
        if picture is None:
            raise DatasetError(f"{path}: cannot be decoded as a picture")
        yield picture
        return
    capture = _open(path)
    try:
        while (frame := _read(capture)) is not None:
            yield frame
    finally:
        capture.release()


def _open(path: Path) -> cv2.VideoCapture:
    if not path.is_file():
        raise DatasetError(f"{path}: no such file; expected a video or picture")
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise DatasetError(f"{path}: cannot be decoded as a video")
    return capture


def _read(capture: cv2.VideoCapture) -> np.ndarray | None:
    ok, frame = capture.read()
    return frame if ok else None


def read_picture(path: Path) -> np.ndarray | None:
    """A picture as ``uint8[H, W, 3]`` BGR, None where the file is none."""
    try:
        content = np.fromfile(path, np.uint8)  # cv2.imread prints its complaints and fails on odd names
        return cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    except (OSError, cv2.error):
        return None


def decode(rows: FrameRows) -> Iterator[tuple[int, np.ndarray]]:
    """(frame number, picture) of every frame that can be decoded, of the coded ones where any are coded."""
    if rows.pictures is not None:
        for frame in rows.frames.tolist():
            picture = read_picture(rows.pictures[frame]) if frame in rows.pictures else None
            if picture is not None:
                yield frame, picture
        return
    assert rows.video is not None, "a sequence has pictures or a video"
    wanted, last = set(rows.frames.tolist()), int(rows.frames.max(initial=0))
    for frame, picture in enumerate(video_frames(rows.video), start=rows.first_frame):
        if not wanted or frame in wanted:
            yield frame, picture
        if wanted and frame >= last:
            return
