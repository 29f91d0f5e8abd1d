"""Batches of pictures, read, decoded and moved in background threads before the step asks for them."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Generic, TypeVar

import cv2
import numpy as np

from au_core.data.faces import Faces, decode_face

T = TypeVar("T")
_CHUNK = 8
"""Faces a thread takes at a time: a few milliseconds, so that all threads end together."""
_REACH = 0.06
"""Largest shift, as a share of the edge."""


class Ahead(Generic[T]):
    """The answers of ``begin(number)()``, begun ``depth`` numbers before they are asked for.

    What is asked for is what would have been made on the spot: a number decides all of its answer.
    """

    def __init__(self, begin: Callable[[int], Callable[[], T]], depth: int) -> None:
        self._begin, self._depth = begin, depth
        self._begun: dict[int, Callable[[], T]] = {}

    def __call__(self, number: int) -> T:
        """The answer of ``number``; waits for it if it is not ready."""
        coming = range(number, number + self._depth + 1)
        self._begun = {n: self._begun.get(n) or self._begin(n) for n in coming}
        return self._begun.pop(number)()


def begin_filling(
    pictures: np.ndarray, faces: Faces, rows: np.ndarray, moves: np.ndarray | None, pool: Executor | None
) -> Callable[[], None]:
    """Start to put the faces of ``rows[B]`` into ``pictures[B, S, S, 3]``; the answer waits until all are in.

    ``moves[B, 3]`` come from :func:`draw_moves`. Without a ``pool`` the work is done at once.
    """
    futures: list[Future[None]] = []
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        job = (pictures[part], faces, rows[part], None if moves is None else moves[part])
        if pool:
            futures.append(pool.submit(_fill, *job))
        else:
            _fill(*job)
    return partial(_wait, futures)


def _wait(futures: list[Future[None]]) -> None:
    for future in futures:
        future.result()


def _fill(pictures: np.ndarray, faces: Faces, rows: np.ndarray, moves: np.ndarray | None) -> None:
    for place, row in enumerate(rows):
        face = decode_face(faces.jpeg(row), pictures.shape[1])
        pictures[place] = face if moves is None else moved(face, moves[place])


def draw_moves(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """``int64[n, 3]``: whether each face is mirrored, and by how much it is shifted down and right."""
    reach = _reach(size)
    flips = rng.random(n) < 0.5
    return np.column_stack([flips, rng.integers(-reach, reach + 1, (n, 2))])


def moved(face: np.ndarray, move: np.ndarray) -> np.ndarray:
    """``face[S, S, 3]`` shifted, its edge repeated where it leaves a gap, then mirrored."""
    size, reach = face.shape[0], _reach(face.shape[0])
    flip, down, right = map(int, move)
    padded = cv2.copyMakeBorder(face, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    y, x = reach - down, reach - right
    shifted = padded[y : y + size, x : x + size]
    return cv2.flip(shifted, 1) if flip else shifted


def _reach(size: int) -> int:
    return max(1, round(_REACH * size))
