"""Frames that nobody coded, beside the coded ones of a sequence: faces without labels, for T2."""

from collections.abc import Iterable

import numpy as np

from au_core.aus import UNKNOWN


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


def numbers_of(declared: int, listed: np.ndarray) -> range:
    """A video's frames from 1 on: as many as its container ``declared``, else to the last ``listed`` one.

    >>> numbers_of(9, np.array([3])), numbers_of(0, np.array([3]))
    (range(1, 10), range(1, 4))
    """
    return range(1, (declared or max(listed.tolist(), default=0)) + 1)
