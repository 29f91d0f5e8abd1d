"""Batches made in processes of their own, for a step that must not share its interpreter.

A GPU's step is thousands of short calls, and threads that decode take Python's lock (GIL) between them: with
eight such threads an H200 reached 0.67 of its speed, with four 0.80 (``tests/benchmarks/idle.py
--processes 0``). So decoding runs in other processes, and a batch costs the training little when it comes: a
request of a kilobyte or two goes out by a pipe, a word comes back, the pictures lie in shared memory. Both
batches of a step take 0.5 ms (``tests/benchmarks/drawing.py``). It was 1.5 ms with torch's ``DataLoader``,
whose queues have threads, and with augmentations drawn here, not where the faces are.
"""

import signal
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from traceback import format_exc

import cv2
import numpy as np
from torch import Tensor, device

from au_core.data.batches.feeding import BatchRequest, begin_filling
from au_core.data.batches.slots import SharedSlots
from au_core.data.store import Pictures

_FORKSERVER = get_context("forkserver")  # forked from the training itself, they would copy its threads' locks
_FORKSERVER.set_forkserver_preload([__name__])
Batch = tuple[Tensor, np.ndarray]
"""Pictures ``uint8[B, S, S, 3]`` and the rows ``int64[B]`` of their faces."""


class DecoderProcesses:
    """The batches of ``request(number)``, one after another, made by processes while earlier ones are used.

    A jump to another number starts these anew. They end by :meth:`close`, or when the process dies that they
    work for.
    """

    def __init__(
        self,
        request: Callable[[int], BatchRequest],
        files: Sequence[Pictures],
        size: int,
        processes: int,
        ahead: int,
        to: device,
    ) -> None:
        """``processes`` make one batch each at a time, ``ahead`` or more together, ``size`` pixels wide."""
        self._request, self._files, self._size, self._to = request, files, size, to
        self._processes, self._made = processes, processes * max(1, -(-ahead // processes))
        self._decoders: list[_Decoder] = []
        self._slots: SharedSlots | None = None
        self._rows: dict[int, np.ndarray] = {}

    def __call__(self, number: int) -> Batch:
        """The batch of ``number``, its pictures on the device; waits for it if it is not ready.

        Raises:
            ConfigError: there is no shared memory for the pictures.
            RuntimeError: a process was killed, or something went wrong in it: then with its traceback.
        """
        try:
            return self._take(number)
        except BaseException:
            self.close()  # the next call begins anew
            raise

    def _take(self, number: int) -> Batch:
        if number != next(iter(self._rows), None):  # not the oldest of those in the making
            self.close()
            self._begin(number)
        assert self._slots is not None
        self._slots.free()
        self._ask(number + self._made)
        self._decoder(number).wait()
        return self._slots.take(number % (self._made + 1)), self._rows.pop(number)

    def close(self) -> None:
        """End the processes; another call would start new ones."""
        decoders, slots = self._decoders, self._slots
        self._decoders, self._slots, self._rows = [], None, {}
        for decoder in decoders:
            decoder.end()
        if slots is not None:
            slots.release()

    def _begin(self, number: int) -> None:
        shape = (len(self._request(number).rows), self._size, self._size, 3)
        self._slots = SharedSlots(self._made + 1, shape, self._to)  # one more: the batch that was taken last
        for _ in range(self._processes):
            self._decoders.append(_Decoder(self._files, self._slots.pictures))
        for coming in range(number, number + self._made):
            self._ask(coming)

    def _ask(self, number: int) -> None:
        request = self._request(number)
        self._decoder(number).ask(number % (self._made + 1), request)
        self._rows[number] = request.rows

    def _decoder(self, number: int) -> "_Decoder":
        return self._decoders[number % self._processes]


class _Decoder:
    """A process that fills slots of ``pictures[P, B, S, S, 3]``, one request after another."""

    def __init__(self, files: Sequence[Pictures], pictures: Tensor) -> None:
        self._pipe, theirs = _FORKSERVER.Pipe()
        self._process = _FORKSERVER.Process(target=_decode, args=(theirs, files, pictures), daemon=True)
        self._process.start()
        theirs.close()  # a process that dies closes the last one: the pipe tells

    def ask(self, slot: int, request: BatchRequest) -> None:
        try:
            self._pipe.send((slot, request))
        except OSError as error:
            raise self._dead() from error

    def wait(self) -> None:
        """Until the first request not yet waited for is done; raises what it tells of a failure."""
        try:
            wrong = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise self._dead() from error
        if wrong:
            raise RuntimeError(f"in a process that decodes faces:\n{wrong}")

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _dead(self) -> RuntimeError:
        self._process.join(1)
        return RuntimeError(
            f"a process that decodes faces exited unexpectedly (exit code {self._process.exitcode}; "
            "-9: killed, perhaps for want of memory; 1: its standard error says why)"
        )


def _decode(pipe: Connection, files: Sequence[Pictures], pictures: Tensor) -> None:
    """Answer requests until the process that they come from is gone, however it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asks
    cv2.setNumThreads(1)
    try:
        while True:
            slot, request = pipe.recv()
            pipe.send(_filled(pictures[slot].numpy(), files, request))
    except (EOFError, OSError):
        return


def _filled(pictures: np.ndarray, files: Sequence[Pictures], request: BatchRequest) -> str:
    """What went wrong, if anything did: as text, since not every exception can travel."""
    try:
        begin_filling(pictures, files, request, None)
    except Exception:
        return format_exc()
    return ""
