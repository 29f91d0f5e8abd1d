"""The science: data, faces, models, Algorithm 1, evaluation, report. Knows nothing of clusters."""

import os

MAX_PIXELS = 1 << 27
"""Of a picture, or a video's frame, beyond which it is refused: a damaged header can ask for all memory."""

# OpenCV reads these when it is imported: they have an effect only if au_core comes first.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # damaged files are reported once, by us
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
