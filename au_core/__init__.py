"""The science: data, faces, models, Algorithm 1, evaluation, report. Knows nothing of clusters."""

MAX_PIXELS = 1 << 27
"""Of a picture, or a video's frame, beyond which it is refused: a damaged header can ask for all memory."""
