"""The overlay as a file: an mp4 of a video, a PNG of a picture."""

from pathlib import Path

import cv2
import numpy as np

from au_core.data.video import is_picture
from au_core.errors import ConfigError

LARGEST = 4096
"""Pixels beyond which OpenCV's mp4 encoder refuses a frame; larger ones are shown smaller."""


class OverlayFile:
    """Writes frames as an mp4 at the source's rate, or the one frame of a picture as a PNG."""

    def __init__(self, path: Path, fps: float) -> None:
        self.path, self.fps = path, fps
        self.video: cv2.VideoWriter | None = None

    def __enter__(self) -> "OverlayFile":
        return self

    def write(self, image: np.ndarray) -> None:
        """Append one frame ``uint8[H, W, 3]``.

        Raises:
            ConfigError: OpenCV knows no such container.
        """
        if is_picture(self.path):
            self.path.write_bytes(cv2.imencode(self.path.suffix, image)[1].tobytes())
            return
        shrink = LARGEST / max(LARGEST, *image.shape[:2])
        if shrink < 1:
            image = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        size = image.shape[1], image.shape[0]
        if self.video is None:
            self.video = cv2.VideoWriter(str(self.path), cv2.VideoWriter.fourcc(*"mp4v"), self.fps, size)
        if not self.video.isOpened():
            raise ConfigError(f"{self.path}: OpenCV cannot write such a video; expected the ending .mp4")
        self.video.write(image)

    def __exit__(self, *_: object) -> None:
        if self.video is not None:
            self.video.release()
