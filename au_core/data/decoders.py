"""Batches made in processes of their own, for a step that must not share its interpreter.

A GPU's step is thousands of short calls, each of which lets other threads have Python's lock: from shards,
faces decoded by eight threads, an H200 reached 0.67 of its speed, by four 0.80
(``tests/benchmarks/idle.py --processes 0``). Nor may a batch cost the step's thread much when it comes: its
order, a few kilobytes, goes to a process, its place and rows come back, its pictures lie in shared memory.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any

import cv2
import numpy as np
from torch import Generator, Tensor, device
from torch.utils.data import DataLoader, Dataset

from au_core.data.feeding import Order, begin_filling
from au_core.data.places import Places
from au_core.data.store import Pictures

_FORKSERVER = get_context("forkserver")  # forked from the training itself, they would copy its threads' locks
_FORKSERVER.set_forkserver_preload([__name__])
Batch = tuple[Tensor, np.ndarray]
"""Pictures ``uint8[B, S, S, 3]`` and the rows ``int64[B]`` of their faces."""


class Apart:
    """The batches of ``order(number)``, one after another, made by processes while earlier ones are used.

    A jump to another number starts these anew. They end by :meth:`close`, or when the process dies that they
    work for.
    """

    def __init__(
        self,
        order: Callable[[int], Order],
        files: Sequence[Pictures],
        size: int,
        processes: int,
        ahead: int,
        to: device,
    ) -> None:
        """``processes`` make one batch each at a time, ``ahead`` or more together, ``size`` pixels wide."""
        self._order, self._files, self._size, self._to = order, files, size, to
        self._processes, self._each = processes, max(1, -(-ahead // processes))
        self._coming = -1
        self._batches: Any = None
        self._places: Places | None = None

    def __call__(self, number: int) -> Batch:
        """The batch of ``number``, its pictures on the device; waits for it if it is not ready.

        Raises:
            ConfigError: there is no shared memory for the pictures.
            RuntimeError: a process was killed. What goes wrong in one is raised here as well.
        """
        if number != self._coming or self._places is None:
            self.close()
            self._begin(number)
        assert self._places is not None
        self._coming = -1  # after an error, all begins anew
        self._places.free()
        place, rows = next(self._batches)
        self._coming = number + 1
        return self._places.take(place), rows

    def close(self) -> None:
        """End the processes; another call would start new ones."""
        batches, places, self._coming = self._batches, self._places, -1
        self._batches = self._places = None
        if batches is not None:
            batches._shutdown_workers()  # at once: an error's traceback may hold on to them
        if places is not None:
            places.release()

    def _begin(self, number: int) -> None:
        made = self._processes * self._each
        shape = (len(self._order(number).rows), self._size, self._size, 3)
        self._places = Places(made + 1, shape, self._to)  # one more: the batch that was asked for last
        self._batches = iter(
            DataLoader(
                _Decoding(self._files, self._places.pictures),
                batch_size=None,
                sampler=_Orders(self._order, number),
                num_workers=self._processes,
                prefetch_factor=self._each,
                collate_fn=tuple,
                worker_init_fn=_prepare,
                generator=Generator(),  # else it would draw from the step's own randomness
                multiprocessing_context=_FORKSERVER,
            )
        )


class _Decoding(Dataset[tuple[int, np.ndarray]]):
    """From the number of a batch and its order to its place, which it fills, and its rows."""

    def __init__(self, files: Sequence[Pictures], pictures: Tensor) -> None:
        self.files, self.pictures = files, pictures

    def __getitem__(self, job: tuple[int, Order]) -> tuple[int, np.ndarray]:
        number, order = job
        place = number % len(self.pictures)
        begin_filling(self.pictures[place].numpy(), self.files, order, None)
        return place, order.rows


class _Orders(Iterable[tuple[int, Order]]):
    """Numbers and orders from a number on, without end."""

    def __init__(self, order: Callable[[int], Order], first: int) -> None:
        self._order, self._first = order, first

    def __iter__(self) -> Iterator[tuple[int, Order]]:
        return ((number, self._order(number)) for number in count(self._first))


def _prepare(_: int) -> None:
    """One core each; and the end of the process that the batches are for ends this one, however it came."""
    cv2.setNumThreads(1)
    Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(0)
