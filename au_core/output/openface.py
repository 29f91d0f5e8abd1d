"""Action units of a video as a CSV with OpenFace's column names, so that existing scripts read it."""

import csv
from collections.abc import Sequence
from typing import TextIO

import numpy as np

from au_core.models.card import ModelCard

_POINTS = ("x_0", "x_1", "x_2", "y_0", "y_1", "y_2")
_FIXED = ("frame", "face_id", "timestamp", "confidence", "success", *_POINTS)


def header(columns: Sequence[str]) -> list[str]:
    """Column names for the AUs in ``columns``.

    ``frame`` counts from 1, ``timestamp`` is in seconds, by the video itself. Of a folder of pictures,
    ``frame`` is the number in the picture's name, and ``timestamp`` is empty. Points 0, 1, 2 are the eye on
    the picture's left, the other eye and the mouth's centre in pixels; ``AU12_p`` is a probability,
    ``AU12_c`` 1 where it reaches the model's threshold. Both are empty for an AU the model has not learned.
    """
    aus = [f"{column}_{suffix}" for suffix in ("p", "c") for column in columns]
    return [*_FIXED, *aus]


class CsvRows:
    """Writes one row for each face of each frame."""

    def __init__(self, file: TextIO, card: ModelCard) -> None:
        self.card = card
        self.writer = csv.writer(file, lineterminator="\n")
        self.writer.writerow(header(card.spec.columns))

    def face(
        self,
        frame: int,
        seconds: float | None,
        face_id: int,
        points: np.ndarray,
        confidence: float,
        prob: np.ndarray,
    ) -> None:
        """The row of one face with its ``points[3, 2]`` and probabilities ``prob[L]``, empty where NaN."""
        xy = [f"{value:.1f}" for value in points.T.ravel()]
        learned = ~np.isnan(prob)
        probabilities = np.where(learned, [f"{p:.4f}" for p in prob], "")
        active = np.where(learned, self.card.active(prob).astype(int).astype(str), "")
        start = [frame, face_id, _timestamp(seconds), f"{confidence:.3f}", 1]
        self.writer.writerow([*start, *xy, *probabilities, *active])

    def no_face(self, frame: int, seconds: float | None) -> None:
        """The row of a frame without a face: its AUs are empty, for an absent face shows none, not zero."""
        empty = [""] * (len(_POINTS) + 2 * len(self.card.spec.columns))
        self.writer.writerow([frame, 0, _timestamp(seconds), "0.000", 0, *empty])


def _timestamp(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3f}"
