"""Batches made in processes of their own, for a step that must not share its interpreter.

A GPU's step is thousands of short calls, each of which lets other threads have Python's lock: with faces
decoded in threads, eight of them, an H200 reached 0.67 of its speed (``tests/benchmarks/idle.py --threads``).
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from multiprocessing import get_context, parent_process
from threading import Thread

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from au_core.data.feeding import Order, begin_filling
from au_core.data.store import Pictures

_SERVER = get_context("forkserver")  # a plain fork would copy the locks of threads that it does not copy
_SERVER.set_forkserver_preload([__name__])
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
        pinned: bool,
    ) -> None:
        self._order, self._decoding = order, Decoding(files, size)
        self._processes, self._ahead, self._pinned = processes, ahead, pinned
        self._coming, self._batches = -1, iter(())

    def __call__(self, number: int) -> Batch:
        """The batch of ``number``; waits for it if it is not ready."""
        if number != self._coming:
            self._batches = self._begin(number)
        self._coming = number + 1
        return next(self._batches)

    def close(self) -> None:
        """End the processes; another call would start new ones."""
        self._coming, self._batches = -1, iter(())

    def _begin(self, number: int) -> Iterator[Batch]:
        loader = DataLoader(
            self._decoding,
            batch_size=None,
            sampler=_Orders(self._order, number),
            num_workers=self._processes,
            prefetch_factor=max(1, -(-self._ahead // self._processes)),
            collate_fn=tuple,
            pin_memory=self._pinned,
            worker_init_fn=_prepare,
            multiprocessing_context=_SERVER,
        )
        return iter(loader)


class Decoding(Dataset[Batch]):
    """From an order to its batch."""

    def __init__(self, files: Sequence[Pictures], size: int) -> None:
        self.files, self.size = files, size

    def __getitem__(self, order: Order) -> Batch:
        pictures = torch.empty((len(order.rows), self.size, self.size, 3), dtype=torch.uint8)
        begin_filling(pictures.numpy(), self.files, order, None)
        return pictures, order.rows


class _Orders(Iterable[Order]):
    """Orders from a number on, without end."""

    def __init__(self, order: Callable[[int], Order], first: int) -> None:
        self._order, self._first = order, first

    def __iter__(self) -> Iterator[Order]:
        return map(self._order, count(self._first))


def _prepare(_: int) -> None:
    """One core each; and the end of whom the batches are for ends this process too, killed or not."""
    cv2.setNumThreads(1)
    Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(0)
