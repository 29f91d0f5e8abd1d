"""Batches of Algorithm 1: uniform draws from X, T1, T2 and Y^t, the same for any number of workers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import numpy as np
import torch
from torch import Tensor

from au_core.config import AdversarialConfig, TrainConfig
from au_core.data.batches.augmentation import Augmentation, draw_augmentation
from au_core.data.batches.decoders import Batch, DecoderProcesses
from au_core.data.batches.feeding import BatchRequest, Prefetch, begin_filling
from au_core.data.batches.shuffle import ALONE, Share, Shuffle, seeded
from au_core.data.fold import TrainingSet
from au_core.errors import DatasetError

FEW = 0.01
"""Share of all faces below which unlabelled ones are too few to be drawn apart, as m2 of every batch."""


class Sampler:
    """What Algorithm 1 draws (lines 4, 5 and 9), this worker's share of each global batch.

    T1 are the faces of ``data`` with a known AU, T2 all others, Y^t are T1's label vectors (see
    :func:`real_vectors`), joined by those of the prior. A draw is decided by its number, so a sampler
    restored by :meth:`seek` goes on exactly. With a ``pool`` of threads the next ``ahead`` draws of each kind
    are made while the step computes; with ``processes`` so many of each kind make them, see ``decoders``.
    """

    def __init__(
        self,
        data: TrainingSet,
        cfg: AdversarialConfig,
        train: TrainConfig,
        seed: int,
        *,
        share: Share = ALONE,
        device: torch.device | str = "cpu",
        pool: ThreadPoolExecutor | None = None,
        processes: int = 0,
        ahead: int = 2,
    ) -> None:
        cfg.check_workers(share.world)
        self.faces, self.labels, self.prior = data.faces, data.labels, data.prior
        self.cfg, self.train, self.seed, self.share = cfg, train, seed, share
        self.device, self.pool = torch.device(device), pool
        self.streams = {name: self._stream(name, processes, ahead) for name in ("images", "mixed")}
        known = (self.labels >= 0).any(axis=1)
        self.t1, self.t2 = np.flatnonzero(known), np.flatnonzero(~known)
        if not len(self.t1):
            raise DatasetError("no labelled face is left to train on; lower the missing rate or add labels")
        coding = coding_of(self.labels, self.faces.dataset)
        self.real = real_vectors(self.labels, self.faces.dataset, coding)
        self.coding = None if all(coded.all() for coded in coding.values()) else coding
        weights = class_weights(self.labels) if cfg.class_weighted else None
        self.class_weights = None if weights is None else torch.from_numpy(weights).float().to(device)
        pools = {"x": self.faces, "t1": self.t1, "t2": self.t2, "real": self.real, "prior": self.prior}
        self.shuffles = {
            name: Shuffle(len(pool), name, seed) for name, pool in pools.items() if pool is not None
        }
        self.seek(0)

    def seek(self, step: int) -> None:
        """Stand where a run stands that has done ``step`` steps of Algorithm 1."""
        d_draws, r_draws = step * self.cfg.h_d, step * self.cfg.h_r
        self.position = {"images": d_draws, "real": d_draws, "mixed": r_draws}

    def close(self) -> None:
        """End what makes batches ahead; another draw would begin it anew."""
        with ExitStack() as stack:  # an error of one lets the other end too
            for stream in self.streams.values():
                stack.callback(stream.close)

    def images(self) -> tuple[Tensor, Tensor | None]:
        """Line 4: faces ``[m / world, 3, S, S]`` uint8 from X, and AUs as :meth:`mixed` does."""
        pictures, rows = self._pictures("images")
        return pictures, self._coded(rows)

    def real_labels(self) -> Tensor:
        """Line 5: label vectors ``[m / world, L]`` int8 from Y^t, a share of them from the prior."""
        number, cfg = self._next("real"), self.cfg
        n = cfg.m if self.prior is None else cfg.m - round(cfg.prior_share * cfg.m)
        vectors = self.real[self.shuffles["real"](number * n, n)]
        if self.prior is not None:
            rows = self.shuffles["prior"](number * (cfg.m - n), cfg.m - n)
            vectors = np.concatenate([vectors, self.prior[rows]])
            # Mixed: else the prior's vectors would always stand beside unlabelled faces, last in line 9.
            vectors = seeded(self.seed, "order", number).permutation(vectors)
        return self._moved(torch.from_numpy(vectors[self.share.rows]))

    def mixed(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """Line 9: m1 labelled faces, then m2 unlabelled ones whose labels are all UNKNOWN.

        Returns ``[m / world, 3, S, S]`` uint8, ``[m / world, L]`` int8, and the AUs that the dataset of each
        face codes, ``[m / world, L]`` bool; None where all are coded of every face.
        """
        pictures, rows = self._pictures("mixed")
        return pictures, self._moved(torch.from_numpy(self.labels[rows])), self._coded(rows)

    def _coded(self, rows: np.ndarray) -> Tensor | None:
        if self.coding is None:
            return None
        return self._moved(
            torch.from_numpy(np.stack([self.coding[name] for name in self.faces.dataset[rows]]))
        )

    @property
    def draws_t2(self) -> bool:
        """Whether there are unlabelled faces enough for m2 of every batch; else all m are labelled."""
        return len(self.t2) >= max(self.cfg.m2, FEW * len(self.faces))

    def _next(self, stream: str) -> int:
        self.position[stream] += 1
        return self.position[stream] - 1

    def _share(self, shuffle: str, number: int, m: int) -> np.ndarray:
        return self.shuffles[shuffle](number * m, m)[self.share.rows]

    def _rows(self, stream: str, number: int) -> np.ndarray:
        """This worker's faces of a draw: every ``world``-th of the global batch."""
        cfg = self.cfg
        if stream == "images":
            return self._share("x", number, cfg.m)
        if not self.draws_t2:  # they would be half of every batch
            return self.t1[self._share("t1", number, cfg.m)]
        labelled, others = self._share("t1", number, cfg.m1), self._share("t2", number, cfg.m2)
        return np.concatenate([self.t1[labelled], self.t2[others]])

    def _stream(self, stream: str, processes: int, ahead: int) -> Prefetch[Batch] | DecoderProcesses:
        """From a draw's number to its batch, those that come next being made meanwhile."""
        request = partial(self._request, stream)
        if processes:
            files, size = self.faces.pictures, self.train.input_size
            return DecoderProcesses(request, files, size, processes, ahead, self.device)
        return Prefetch(lambda number: self._begin(request(number)), ahead if self.pool else 0)

    def _request(self, stream: str, number: int) -> BatchRequest:
        """What a draw shows, and how."""
        rows, augment = self._rows(stream, number), None
        if self.train.augment:
            draw = self.seed, stream, number
            augment = partial(augmentation_of, draw, self.train, self.cfg.m, self.share)
        return BatchRequest(rows, self.faces.start[rows], self.faces.length[rows], augment)

    def _begin(self, request: BatchRequest) -> Callable[[], Batch]:
        """Start to make a batch; the answer waits until it is there."""
        shape = (len(request.rows), self.train.input_size, self.train.input_size, 3)
        pictures = torch.empty(shape, dtype=torch.uint8, pin_memory=self.device.type == "cuda")
        wait = begin_filling(pictures.numpy(), self.faces.pictures, request, self.pool)

        def finish() -> Batch:
            wait()
            return pictures, request.rows

        return finish

    def _pictures(self, stream: str) -> Batch:
        """The next draw's faces ``[B, 3, S, S]`` on the device, and their rows."""
        pictures, rows = self.streams[stream](self._next(stream))
        return self._moved(pictures).permute(0, 3, 1, 2), rows

    def _moved(self, part: Tensor) -> Tensor:
        """On the device; a GPU goes on computing meanwhile."""
        return part.to(self.device, non_blocking=True)


def augmentation_of(draw: tuple[int, str, int], train: TrainConfig, m: int, share: Share) -> Augmentation:
    """How a worker's share of the ``m`` faces of a ``draw`` (seed, stream, number) is changed.

    Drawn for all workers' faces, so the same for any number of workers.
    """
    seed, stream, number = draw
    rng = seeded(seed, f"augment/{stream}", number)
    return draw_augmentation(rng, m, train.input_size, train.turn, train.zoom).of(share.rows)


def coding_of(labels: np.ndarray, datasets: np.ndarray) -> dict[str, np.ndarray]:
    """The AUs ``bool[L]`` that each dataset codes, by ``labels[N, L]`` of faces in ``datasets`` (``str[N]``).

    A dataset without any label counts as one that codes all of them.
    """
    known = labels >= 0
    coding = {name: np.asarray(known[datasets == name].any(axis=0)) for name in set(datasets)}
    return {name: coded if coded.any() else ~coded for name, coded in coding.items()}


def real_vectors(labels: np.ndarray, datasets: np.ndarray, coding: dict[str, np.ndarray]) -> np.ndarray:
    """Y^t: the label vectors ``int8[R, L]`` of T1 that know every AU which their dataset (``str[N]``) codes.

    Where these are less than half of a dataset's T1 (labels missing one by one), all its vectors are taken,
    and D compares what each knows: missing at random, a part of a vector is a fair sample of that part.
    """
    known, taken = labels >= 0, np.zeros(len(labels), bool)
    for name, coded in coding.items():
        t1 = (datasets == name) & known.any(axis=1)
        whole = t1 & known[:, coded].all(axis=1)
        taken |= whole if 2 * whole.sum() >= t1.sum() else t1
    return labels[taken]


def class_weights(labels: np.ndarray) -> np.ndarray:
    """``float64[2, L]``: weights of absent and present AUs by which both count alike (mean 1)."""
    present, absent = (labels == 1).sum(axis=0), (labels == 0).sum(axis=0)
    return (present + absent) / (2 * np.maximum(np.stack([absent, present]), 1))
