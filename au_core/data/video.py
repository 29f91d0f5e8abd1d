"""Decoding: frames of a video, or pictures of a folder, one at a time."""

import math
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from au_core import MAX_PIXELS
from au_core.data.avi import frames_in_index
from au_core.data.names import is_utf8, readable
from au_core.data.schema import FrameRows
from au_core.errors import DatasetError

VIDEOS = {
    ".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv",
    ".ts", ".webm", ".wmv",
}  # fmt: skip
PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a container declares about its video; the number of frames is only an estimate."""

    fps: float
    """Frames per second; 25 where the container does not say, 1 for a picture."""
    declared_frames: int
    """0 where the container does not say, or nonsense."""


TOLERANCE = 0.05
"""Containers of healthy videos declare up to this share more frames than they hold."""
LEAP = 4.0
"""A gap of more than so many times the usual one between two frames means that frames were lost. In low light
phones halve their rate, or less."""
MAX_FRAMES = 10_000_000
"""A container that declares more, four days of video, is damaged."""
_SIGN_OF_LIFE = 100
"""Frames passed over between two signs of life, a fraction of a second."""


def ended_early(decoded: int, declared: int) -> str:
    """What to say of a video that ended long before the length its container declares; else nothing."""
    if decoded >= (1 - TOLERANCE) * declared:
        return ""
    return f"{decoded} frames could be decoded of {declared} declared; truncated?"


def is_picture(path: Path) -> bool:
    """Whether the name says that this is one picture, no video."""
    return path.suffix.lower() in PICTURES


def open_video(path: Path | str) -> VideoInfo:
    """Rate and declared length of a video, or of a picture as a video of one frame.

    Raises:
        DatasetError: OpenCV cannot decode it.
    """
    path = Path(path)
    if is_picture(path):
        next(video_frames(path))  # raises if it is none
        return VideoInfo(1.0, 1)
    capture = _capture(path)
    fps, declared = _rate(capture), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    capture.release()
    return VideoInfo(fps, int(declared) if 0 < declared <= MAX_FRAMES else 0)


def video_frames(path: Path | str) -> Iterator[np.ndarray]:
    """Frames ``uint8[H, W, 3]`` BGR of a video, or the one of a picture, in order.

    Raises:
        DatasetError: OpenCV cannot decode it.
    """
    return (frame for _, frame in timed_frames(path))


def timed_frames(path: Path | str) -> Iterator[tuple[float, np.ndarray]]:
    """The same with each frame's time in seconds: phones and calls record at rates that vary.

    Raises:
        DatasetError: OpenCV cannot decode it, or not one frame of it.
    """
    path, number = Path(path), 0
    if is_picture(path):
        picture = read_picture(path)
        if picture is None:
            raise DatasetError(f"{path}: {_what(path)}; expected a picture")
        yield 0.0, picture
        return
    capture = _capture(path)
    try:
        while (frame := capture.read()[1]) is not None:
            number += 1
            yield _time(capture, number), frame
        if number == 0:
            raise DatasetError(
                f"{path}: not one frame could be decoded ({_codec(capture)}); expected a video in a format "
                "that OpenCV reads, such as H.264: ffmpeg -i VIDEO -c:v libx264 NEW.mp4"
            )
    finally:
        capture.release()


def _time(capture: cv2.VideoCapture, number: int) -> float:
    """Seconds from the start of the frame just read, the ``number``-th; by the rate where none are noted."""
    seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
    return seconds if math.isfinite(seconds) and seconds > 0 else (number - 1) / _rate(capture)


def _rate(capture: cv2.VideoCapture) -> float:
    """Frames per second; 25 where the container says none, or nonsense."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    return fps if 0 < fps < 1000 else 25.0


def _codec(capture: cv2.VideoCapture) -> str:
    """The four letters by which a container names how its video is encoded."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    return code.to_bytes(4, "little", signed=code < 0).decode("latin-1").strip("\0 ") or "of an unknown codec"


def read_picture(path: Path) -> np.ndarray | None:
    """A picture as ``uint8[H, W, 3]`` BGR, None where the file is missing or none."""
    try:
        content = np.fromfile(path, np.uint8)  # cv2.imread prints its complaints, and fails on odd names
        return cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    except (OSError, cv2.error):
        return None


Frame = tuple[int, np.ndarray | None, float | None]
"""Number, picture ``uint8[H, W, 3]`` (None where it is lost), and time in seconds (None in a folder)."""


def decode(rows: FrameRows, alive: Callable[[], object] = lambda: None) -> Iterator[Frame]:
    """Each listed frame once, in order; of an unlabelled video, every frame that can be decoded.

    ``alive`` is called now and then while other frames of a video are passed over, which can take long.

    Raises:
        DatasetError: the video as a whole cannot be decoded, or nobody can tell which frames it lost.
    """
    if rows.pictures is not None:
        for frame in rows.frames.tolist():
            yield frame, read_picture(rows.pictures[frame]) if frame in rows.pictures else None, None
        return
    assert rows.video is not None, "a sequence has pictures or a video"
    if len(rows.frames):
        yield from _listed_frames(rows, rows.video, alive)
    else:
        for number, (seconds, picture) in enumerate(timed_frames(rows.video), start=1):
            yield number, picture, seconds


def _listed_frames(rows: FrameRows, path: Path, alive: Callable[[], object]) -> Iterator[Frame]:
    """The frames of ``rows`` from a video; those between are passed over without unpacking their pixels.

    Those after ``rows.last_listed`` end where it does, with the first number that is not there: containers
    may declare more frames than they hold.

    Raises:
        DatasetError: some frames are lost, and nobody can tell which.
    """
    capture, times = _capture(path), array("d")  # of the frames so far

    def grab() -> bool:
        if there := capture.grab():
            times.append(_time(capture, len(times) + 1))
        if len(times) % _SIGN_OF_LIFE == 0:
            alive()
        return there

    try:
        for frame in rows.frames.tolist():
            while len(times) < frame - 1 and grab():
                pass
            there = len(times) == frame - 1 and grab()
            if not there and frame > rows.last_listed:
                if len(times) >= rows.last_listed:
                    yield len(times) + 1, None, None
                break
            yield frame, capture.retrieve()[1] if there else None, times[-1] if there else None
        if indexed := frames_in_index(path):
            while grab():  # labels may end before the video does
                pass
            _check_count(path, len(times), indexed)
        else:
            _check_times(path, np.array(times))
    finally:
        capture.release()


def _check_count(path: Path, read: int, indexed: int) -> None:
    """Refuse an AVI that is damaged inside: it has no time stamps, so all later frames came too early."""
    if read < indexed:
        raise DatasetError(
            f"{path}: only {read} of its {indexed} frames can be decoded, and nobody can tell which, "
            "so labels would stand beside other frames; repair the file or get it anew"
        )


def _check_times(path: Path, times: np.ndarray) -> None:
    """Refuse a video whose frames' ``times`` (``[N]``, seconds) leap, as where it is damaged."""
    steps = np.diff(times)
    if not len(steps) or steps.max() <= LEAP * np.median(steps):
        return
    at = int(steps.argmax())
    raise DatasetError(
        f"{path}: from frame {at + 1} to the next it leaps from {times[at]:.2f} to {times[at + 1]:.2f} s, as "
        "where frames are lost, so labels would stand beside other frames; get it anew, or if it was "
        "recorded so, keep its frames by ffmpeg -i VIDEO -fps_mode passthrough -c:v mjpeg -q:v 1 NEW.avi"
    )


def _capture(path: Path) -> cv2.VideoCapture:
    whole = path.absolute()
    if not is_utf8(whole):
        raise DatasetError(f"{readable(str(whole))}: the name is no UTF-8; rename the file, or its folder")
    # FFmpeg alone: OpenCV's other readers take a name with digits for a series of pictures. By the whole
    # path: FFmpeg would take "talk:" in talk:1.mp4 for a protocol.
    threads = [cv2.CAP_PROP_N_THREADS, max(1, cv2.getNumThreads())]
    capture = cv2.VideoCapture(str(whole), cv2.CAP_FFMPEG, threads) if path.is_file() else None
    if capture is None or not capture.isOpened():
        raise DatasetError(
            f"{path}: {_what(path)}; expected a video, or a picture ({', '.join(sorted(PICTURES))})"
        )
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if width * height > MAX_PIXELS:
        raise DatasetError(
            f"{path}: frames of {width:.0f}x{height:.0f}; expected at most {MAX_PIXELS:,} pixels"
        )
    return capture


def _what(path: Path) -> str:
    if not path.is_file():
        return "a folder that cannot be read" if path.is_dir() else "no such file"
    size = path.stat().st_size
    return f"these {size} bytes cannot be decoded" if size else "the file is empty"
