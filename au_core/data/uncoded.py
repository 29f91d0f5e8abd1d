"""Frames that nobody coded, beside the coded ones of a sequence: faces without labels, for T2."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from au_core.aus import UNKNOWN
from au_core.data.video import open_video


def with_uncoded(
    frames: np.ndarray, codes: np.ndarray, there: Iterable[int], every: int
) -> tuple[np.ndarray, np.ndarray]:
    """``frames[N]`` with ``codes[N, L]``, and every ``every``-th of the other frames that are ``there``.

    With 0 none of these.

    >>> frames, codes = with_uncoded(np.array([3, 4]), np.array([[1], [0]]), range(1, 8), 2)
    >>> frames.tolist(), codes.ravel().tolist()
    ([1, 3, 4, 5, 7], [-1, 1, 0, -1, -1])
    """
    others = np.setdiff1d(np.fromiter(there, frames.dtype), frames)[::every] if every else frames[:0]
    nothing = np.full((len(others), codes.shape[1]), UNKNOWN, codes.dtype)
    joined = np.concatenate([frames, others])
    order = joined.argsort()
    return joined[order], np.concatenate([codes, nothing])[order]


def numbers_of(film: Path, listed: np.ndarray) -> range:
    """The frames of a film from 1 on, as far as its container tells, or the ``listed`` ones.

    Raises:
        DatasetError: OpenCV cannot open it.
    """
    return range(1, (open_video(film).declared_frames or max(listed.tolist(), default=0)) + 1)
