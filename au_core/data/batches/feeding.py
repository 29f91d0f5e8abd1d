"""Batches of pictures, read, decoded and changed in background threads before the step asks for them."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from au_core.data.batches.augmentation import Augmentation, augmented
from au_core.data.faces import decode_face
from au_core.data.store import Pictures, read_jpeg

T = TypeVar("T")
_CHUNK = 8
"""Faces a thread takes at a time: a few milliseconds, so that all threads end together."""


class Prefetch(Generic[T]):
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

    def close(self) -> None:
        """Forget what was begun."""
        self._begun.clear()


class BatchRequest(NamedTuple):
    """A batch to be made: a kilobyte or two, which another process can be sent."""

    rows: np.ndarray
    """``int64[B]``, the faces it shows."""
    start: np.ndarray
    """``int64[B]``, where their JPEGs begin, counted through all files."""
    length: np.ndarray
    """``int32[B]``, their bytes."""
    augment: Callable[[], Augmentation] | None
    """Draws how each is changed, where the batch is made; None: faces as they are stored."""


def begin_filling(
    pictures: np.ndarray, files: Sequence[Pictures], request: BatchRequest, pool: Executor | None
) -> Callable[[], None]:
    """Start to put a request's faces into ``pictures[B, S, S, 3]``; the answer waits until all are in.

    Without a ``pool`` the work is done at once.
    """
    futures: list[Future[None]] = []
    change = request.augment() if request.augment else None
    for start in range(0, len(pictures), _CHUNK):
        part = slice(start, start + _CHUNK)
        job = (pictures[part], files, request.start[part], request.length[part], change and change.of(part))
        if pool:
            futures.append(pool.submit(_fill, *job))
        else:
            _fill(*job)
    return partial(_wait, futures)


def _wait(futures: list[Future[None]]) -> None:
    for future in futures:
        future.result()


def _fill(
    pictures: np.ndarray,
    files: Sequence[Pictures],
    start: np.ndarray,
    length: np.ndarray,
    change: Augmentation | None,
) -> None:
    for i in range(len(pictures)):
        jpeg = read_jpeg(files, int(start[i]), int(length[i]))
        face = decode_face(jpeg, pictures.shape[1])
        pictures[i] = augmented(face, change.of(i)) if change else face
