"""Batches made in processes of their own, for a step that must not share its interpreter.

A GPU's step is thousands of short calls, each of which lets other threads have Python's lock: with faces
decoded by eight threads an H200 reached 0.67 of its speed, by four 0.80 (``tests/benchmarks/idle.py
--processes 0 --threads 8``). Nor may batches cost the step's thread much when they come, so they lie in
memory that all processes share, and a few numbers are all that is sent.
"""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from au_core.data.feeding import Order, begin_filling
from au_core.data.store import Pictures
from au_core.errors import ConfigError

_SERVER = get_context("forkserver")  # a plain fork would copy the locks of threads that it does not copy
_SERVER.set_forkserver_preload([__name__])
_SHARED = "/dev/shm"
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
        device: torch.device,
    ) -> None:
        self._order, self._files, self._size, self._device = order, files, size, device
        self._processes, self._each = processes, max(1, -(-ahead // processes))
        self._coming, self._batches, self._places = -1, iter(()), torch.empty(0)
        self._copied = torch.cuda.Event() if device.type == "cuda" else None

    def __call__(self, number: int) -> Batch:
        """The batch of ``number``, its pictures on the device; waits for it if it is not ready."""
        if number != self._coming:
            self.close()
            self._batches = self._begin(number)
        if self._copied:
            self._copied.synchronize()  # the batch before is, and now makes place for another
        place, rows = next(self._batches)
        pictures = self._places[place].to(self._device, non_blocking=True, copy=True)
        if self._copied:
            self._copied.record()
        self._coming = number + 1
        return pictures, rows

    def close(self) -> None:
        """End the processes; another call would start new ones."""
        self._coming, self._batches = -1, iter(())
        if self._copied and len(self._places):
            self._copied.synchronize()
            _cuda().cudaHostUnregister(self._places.data_ptr())
        self._places = torch.empty(0)

    def _begin(self, number: int) -> Iterator[tuple[int, np.ndarray]]:
        """Start the processes; where each batch lies, and its rows."""
        # One more than are being made: the one that was asked for last.
        shape = (self._processes * self._each + 1, len(self._order(number).rows), self._size, self._size, 3)
        self._places = shared_memory(shape)
        if self._copied:  # pinned: a GPU copies from it while it computes
            error = int(_cuda().cudaHostRegister(self._places.data_ptr(), self._places.numel(), 0))
            if error:
                warnings.warn(f"batches cannot be pinned (CUDA error {error}): slower", stacklevel=2)
        return iter(
            DataLoader(
                _Decoding(self._files, self._places),
                batch_size=None,
                sampler=_Orders(self._order, number),
                num_workers=self._processes,
                prefetch_factor=self._each,
                collate_fn=tuple,
                worker_init_fn=_prepare,
                generator=torch.Generator(),  # else it would draw from the step's own randomness
                multiprocessing_context=_SERVER,
            )
        )


def _cuda() -> Any:  # noqa: ANN401
    """CUDA's own functions."""
    return torch.cuda.cudart()


def shared_memory(shape: tuple[int, ...]) -> Tensor:
    """Bytes of that shape that other processes can be given.

    Raises:
        ConfigError: there is not so much; taken all the same, it would end the process without a word.
    """
    wanted = int(np.prod(shape))
    room = os.statvfs(_SHARED) if os.path.isdir(_SHARED) else None
    if room and room.f_bavail * room.f_frsize < wanted:
        free = room.f_bavail * room.f_frsize / 2**20
        raise ConfigError(
            f"{_SHARED} has {free:.0f} MiB free, {wanted / 2**20:.0f} MiB are needed for batches of faces; "
            "give a container more (--shm-size), or a training a smaller batch, ahead or cpus_per_worker"
        )
    return torch.zeros(shape, dtype=torch.uint8).share_memory_()


class _Decoding(Dataset[tuple[int, np.ndarray]]):
    """From the number of a batch and its order to its place, which it fills."""

    def __init__(self, files: Sequence[Pictures], places: Tensor) -> None:
        self.files, self.places = files, places

    def __getitem__(self, job: tuple[int, Order]) -> tuple[int, np.ndarray]:
        number, order = job
        place = number % len(self.places)
        begin_filling(self.places[place].numpy(), self.files, order, None)
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
