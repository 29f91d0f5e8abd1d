"""Random draws decided by a seed and a name alone, and how workers share them."""

from hashlib import blake2b
from typing import NamedTuple

import numpy as np


def seeded(seed: int, name: str, number: int) -> np.random.Generator:
    """A generator that depends on these three values alone."""
    return np.random.default_rng(list(blake2b(f"{seed}/{name}/{number}".encode(), digest_size=16).digest()))


class Shuffle:
    """An endless pass over ``n`` items, each round in its own order, decided by (seed, name, round) alone."""

    def __init__(self, n: int, name: str, seed: int) -> None:
        self.n, self.name, self.seed = n, name, seed
        self._round, self._order = -1, np.empty(0, np.int64)

    def __call__(self, start: int, count: int) -> np.ndarray:
        """Items ``int64[count]`` at positions ``start`` to ``start + count - 1`` of the endless pass."""
        rounds = range(start // self.n, -(-(start + count) // self.n))
        parts = [self._part(number, start - number * self.n, count) for number in rounds]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def _part(self, number: int, start: int, count: int) -> np.ndarray:
        """What lies between ``start`` and ``start + count`` of one round."""
        if number != self._round:
            self._round, self._order = number, seeded(self.seed, self.name, number).permutation(self.n)
        return self._order[max(0, start) : start + count]


class Share(NamedTuple):
    """A worker's part of what all ``world`` workers draw, predict or look at together."""

    rank: int = 0
    world: int = 1

    @property
    def rows(self) -> slice:
        """Every ``world``-th, from the ``rank``-th on."""
        return slice(self.rank, None, self.world)


ALONE = Share()
"""That of the only worker."""
