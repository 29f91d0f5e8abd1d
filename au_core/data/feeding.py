"""Batches of pictures, read, decoded and changed in background threads before the step asks for them."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import cv2
import numpy as np

from au_core.data.faces import decode_face
from au_core.data.store import Pictures, read_jpeg

T = TypeVar("T")
_CHUNK = 8
"""Faces a thread takes at a time: a few milliseconds, so that all threads end together."""
_REACH = 0.06
"""Largest shift, as a share of the edge."""
_CONTRAST, _BRIGHTNESS, _TINT = 0.5, 40, 0.1
"""Largest changes: of contrast in powers of 2, of brightness in grey values, of each colour as a share."""


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

    def close(self) -> None:
        """Forget what was begun."""
        self._begun.clear()


class Look(NamedTuple):
    """How a face is changed before R sees it, or how each of B faces is."""

    place: np.ndarray
    """``float64[(B,) 2, 3]``: where in the face a pixel (x, y, 1) of the picture is taken from."""
    tones: np.ndarray
    """``float32[(B,) 3, 4]``: a colour's new value from the old three and 1: other light, another camera."""

    def of(self, which: int | slice) -> "Look":
        """One of the B, or some."""
        return Look(self.place[which], self.tones[which])


class Order(NamedTuple):
    """A batch to be made: a kilobyte or two, which another process can be sent."""

    rows: np.ndarray
    """``int64[B]``, the faces it shows."""
    start: np.ndarray
    """``int64[B]``, where their JPEGs begin, counted through all files."""
    length: np.ndarray
    """``int32[B]``, their bytes."""
    looks: Callable[[], Look] | None
    """Draws how each is changed, where the batch is made; None: faces as they are stored."""


def begin_filling(
    pictures: np.ndarray, files: Sequence[Pictures], order: Order, pool: Executor | None
) -> Callable[[], None]:
    """Start to put an order's faces into ``pictures[B, S, S, 3]``; the answer waits until all are in.

    Without a ``pool`` the work is done at once.
    """
    futures: list[Future[None]] = []
    looks = order.looks() if order.looks else None
    for start in range(0, len(pictures), _CHUNK):
        part = slice(start, start + _CHUNK)
        job = (pictures[part], files, order.start[part], order.length[part], looks and looks.of(part))
        if pool:
            futures.append(pool.submit(_fill, *job))
        else:
            _fill(*job)
    return partial(_wait, futures)


def _wait(futures: list[Future[None]]) -> None:
    for future in futures:
        future.result()


def _fill(
    pictures: np.ndarray, files: Sequence[Pictures], start: np.ndarray, length: np.ndarray, looks: Look | None
) -> None:
    for place in range(len(pictures)):
        jpeg = read_jpeg(files, int(start[place]), int(length[place]))
        face = decode_face(jpeg, pictures.shape[1])
        pictures[place] = changed(face, looks.of(place)) if looks else face


def draw_looks(rng: np.random.Generator, n: int, size: int, turn: float = 0.0, zoom: float = 0.0) -> Look:
    """Looks of ``n`` faces with an edge of ``size`` pixels.

    Args:
        rng: decides all.
        n: how many.
        size: pixels.
        turn: largest turn, in degrees.
        zoom: largest logarithm of the zoom.
    """
    places = draw_turns(rng, n, size, turn, zoom) if turn or zoom else draw_shifts(rng, n, size)
    return Look(places, draw_tones(rng, n))


def draw_shifts(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """``float64[n, 2, 3]``: faces mirrored or not, and shifted by whole pixels, which costs little time."""
    reach = _reach(size)
    mirrored, shift = rng.random(n) < 0.5, rng.integers(-reach, reach + 1, (n, 2))
    places = np.tile(np.eye(2, 3), (n, 1, 1))
    places[mirrored, 0] = [-1, 0, size - 1]
    places[:, :, 2] -= shift[:, ::-1]
    return places


def draw_turns(rng: np.random.Generator, n: int, size: int, turn: float, zoom: float) -> np.ndarray:
    """``float64[n, 2, 3]``: faces mirrored or not, shifted, turned and zoomed, as face detectors err."""
    angle = rng.uniform(-np.radians(turn), np.radians(turn), n)
    scale = np.exp(rng.uniform(-zoom, zoom, n))
    mirror = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[mirror * cos, -sin], [mirror * sin, cos]]).transpose(2, 0, 1)
    middle = np.full(2, (size - 1) / 2)
    shift = rng.uniform(-_REACH, _REACH, (n, 2)) * size
    return np.concatenate([linear, (middle - linear @ middle + shift)[..., None]], 2)


def draw_tones(rng: np.random.Generator, n: int) -> np.ndarray:
    """``float32[n, 3, 4]``: random contrast about the middle grey, brightness, and a tint of each colour."""
    contrast = 2 ** rng.uniform(-_CONTRAST, _CONTRAST, n)
    brightness = rng.uniform(-_BRIGHTNESS, _BRIGHTNESS, n)
    tint = 1 + rng.uniform(-_TINT, _TINT, (n, 3))
    tones = np.zeros((n, 3, 4), np.float32)
    tones[:, range(3), range(3)] = contrast[:, None] * tint
    tones[:, :, 3] = (127.5 * (1 - contrast) + brightness)[:, None] * tint
    return tones


def changed(face: np.ndarray, look: Look) -> np.ndarray:
    """``face[S, S, 3]`` in another place, its edge repeated where it leaves a gap, and in other tones."""
    whole = (look.place == np.rint(look.place)).all() and abs(look.place[0, 0]) == look.place[1, 1] == 1
    return cv2.transform((_shifted if whole else _turned)(face, look.place), look.tones)


def _shifted(face: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Mirrored or not, and shifted by whole pixels, up to the reach: copies alone, which cost little."""
    size, reach, mirrored = face.shape[0], _reach(face.shape[0]), place[0, 0] < 0
    x, y = reach + int(place[0, 2]) - (size - 1) * mirrored, reach + int(place[1, 2])
    padded = cv2.copyMakeBorder(face, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    shifted = padded[y : y + size, x : x + size]
    return cv2.flip(shifted, 1) if mirrored else shifted


def _turned(face: np.ndarray, place: np.ndarray) -> np.ndarray:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(face, place, face.shape[:2], flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _reach(size: int) -> int:
    return max(1, round(_REACH * size))
