"""Batches of Algorithm 1: uniform draws from X, T1, T2 and Y^t, the same for any number of workers."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from au_core.config import AdversarialConfig
from au_core.data.faces import Faces
from au_core.errors import ConfigError, DatasetError


class Shuffle:
    """An endless pass over ``n`` items, each round in an own order decided by (seed, name, round) alone."""

    def __init__(self, n: int, name: str, seed: int) -> None:
        self.n, self.name, self.seed = n, name, seed
        self._round, self._order = -1, np.empty(0, np.int64)

    def __call__(self, start: int, count: int) -> np.ndarray:
        """Items ``int64[count]`` at positions ``start`` to ``start + count - 1`` of the endless pass."""
        return np.array([self._at(position) for position in range(start, start + count)], np.int64)

    def _at(self, position: int) -> int:
        if position // self.n != self._round:
            self._round = position // self.n
            self._order = seeded(self.seed, self.name, self._round).permutation(self.n)
        return int(self._order[position % self.n])


class Sampler:
    """What Algorithm 1 draws (lines 4, 5 and 9), this worker's share of each global batch.

    T1 are the faces with a known AU in ``labels[N, L]``, T2 all others, Y^t are T1's label vectors (see
    :func:`real_vectors`), joined by those of ``prior[P, L]``. A draw is decided by its number, so a sampler
    restored by :meth:`seek` goes on exactly.
    """

    def __init__(
        self,
        faces: Faces,
        labels: np.ndarray,
        cfg: AdversarialConfig,
        *,
        size: int,
        seed: int,
        prior: np.ndarray | None = None,
        augment: bool = False,
        rank: int = 0,
        world: int = 1,
        device: torch.device | str = "cpu",
        pool: ThreadPoolExecutor | None = None,
    ) -> None:
        if cfg.m1 % world or cfg.m2 % world:
            raise ConfigError(f"m1 = {cfg.m1} and m2 = {cfg.m2} must be divisible by the {world} workers")
        self.faces, self.cfg, self.size, self.seed, self.augment = faces, cfg, size, seed, augment
        self.rank, self.world, self.device, self.pool = rank, world, device, pool
        known = (labels >= 0).any(axis=1)
        self.labels, self.t1, self.t2 = labels, np.flatnonzero(known), np.flatnonzero(~known)
        if not len(self.t1):
            raise DatasetError("no labelled face is left to train on; lower the missing rate or add labels")
        self.real, self.prior = (
            real_vectors(labels, [key.partition("/")[0] for key in faces.identity], cfg.m),
            prior,
        )
        weights = class_weights(labels) if cfg.class_weighted else None
        self.class_weights = None if weights is None else torch.from_numpy(weights).float().to(device)
        pools = {"x": faces, "t1": self.t1, "t2": self.t2, "real": self.real, "prior": prior}
        self.shuffles = {
            name: Shuffle(len(pool), name, seed) for name, pool in pools.items() if pool is not None
        }
        self.seek(0)

    def seek(self, step: int) -> None:
        """Stand where a run stands that has done ``step`` steps of Algorithm 1."""
        d_draws, r_draws = step * self.cfg.h_d, step * self.cfg.h_r
        self.drawn = {"images": d_draws, "real": d_draws, "mixed": r_draws}

    def images(self) -> Tensor:
        """Line 4: faces ``[m / world, 3, S, S]`` uint8 from X."""
        number = self._next("images")
        return self._pictures(self._share("x", number, self.cfg.m), "images", number)

    def real_labels(self) -> Tensor:
        """Line 5: label vectors ``[m / world, L]`` int8 from Y^t, a share of them from the prior."""
        number, cfg = self._next("real"), self.cfg
        n = cfg.m if self.prior is None else cfg.m - round(cfg.prior_share * cfg.m)
        vectors = self.real[self.shuffles["real"](number * n, n)]
        if self.prior is not None:
            rows = self.shuffles["prior"](number * (cfg.m - n), cfg.m - n)
            vectors = np.concatenate([vectors, self.prior[rows]])
            # In any order: else unlabelled faces, last in line 9, would always meet the prior's blanks.
            vectors = seeded(self.seed, "order", number).permutation(vectors)
        return torch.from_numpy(vectors[self.rank :: self.world]).to(self.device)

    def mixed(self) -> tuple[Tensor, Tensor]:
        """Line 9: m1 labelled faces, then m2 unlabelled ones whose labels are all UNKNOWN.

        Returns ``[m / world, 3, S, S]`` uint8 and ``[m / world, L]`` int8.
        """
        number, cfg = self._next("mixed"), self.cfg
        m1 = cfg.m1 if len(self.t2) else cfg.m
        rows = self.t1[self._share("t1", number, m1)]
        if len(self.t2):
            rows = np.concatenate([rows, self.t2[self._share("t2", number, cfg.m2)]])
        return self._pictures(rows, "mixed", number), torch.from_numpy(self.labels[rows]).to(self.device)

    def _next(self, stream: str) -> int:
        self.drawn[stream] += 1
        return self.drawn[stream] - 1

    def _share(self, shuffle: str, number: int, m: int) -> np.ndarray:
        return self.shuffles[shuffle](number * m, m)[self.rank :: self.world]

    def _pictures(self, rows: np.ndarray, stream: str, number: int) -> Tensor:
        faces = self.faces.decode(rows, self.size, self.pool)  # [B, S, S, 3]
        if self.augment:
            faces = augmented(faces, seeded(self.seed, f"augment/{stream}/{self.rank}", number))
        return torch.from_numpy(faces).to(self.device).permute(0, 3, 1, 2)


def real_vectors(labels: np.ndarray, datasets: list[str], at_least: int) -> np.ndarray:
    """Y^t: the label vectors ``int8[R, L]`` of T1 that know every AU which their dataset codes at all.

    Where these are fewer than ``at_least`` (labels missing one by one), every vector of T1 is taken, and D
    compares what each knows: missing at random, a part of a vector is a fair sample of that part.
    """
    known, names = labels >= 0, np.array(datasets)
    whole = np.zeros(len(labels), bool)
    for name in np.unique(names):
        coded = known[names == name].any(axis=0)
        whole |= (names == name) & coded.any() & known[:, coded].all(axis=1)
    return labels[whole] if whole.sum() >= at_least else labels[known.any(axis=1)]


def class_weights(labels: np.ndarray) -> np.ndarray:
    """``float64[2, L]``: weights of absent and present AUs by which both count alike (mean 1)."""
    present, absent = (labels == 1).sum(axis=0), (labels == 0).sum(axis=0)
    return (present + absent) / (2 * np.maximum(np.stack([absent, present]), 1))


def augmented(faces: np.ndarray, rng: np.random.Generator, reach: float = 0.06) -> np.ndarray:
    """``faces[B, S, S, 3]`` mirrored at random and shifted by up to ``reach`` of the edge."""
    pad = max(1, round(reach * faces.shape[1]))
    padded = np.pad(faces, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="edge")
    flips, shifts, size = (
        rng.random(len(faces)) < 0.5,
        rng.integers(0, 2 * pad + 1, (len(faces), 2)),
        faces.shape[1],
    )
    moved = [p[y : y + size, x : x + size] for p, (y, x) in zip(padded, shifts, strict=True)]
    return np.stack([face[:, ::-1] if flip else face for face, flip in zip(moved, flips, strict=True)])


def seeded(seed: int, name: str, number: int) -> np.random.Generator:
    """A generator that depends on these three values alone."""
    return np.random.default_rng(list(blake2b(f"{seed}/{name}/{number}".encode(), digest_size=16).digest()))
