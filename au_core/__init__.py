"""The science: data, faces, models, Algorithm 1, evaluation, report. Knows nothing of clusters."""

import os

# A damaged header can ask for all memory; OpenCV's own limit is 1 << 30 pixels. Read when cv2 is imported.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 27))
