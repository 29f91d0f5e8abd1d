"""Batches of Algorithm 1: uniform draws from X, T1, T2 and Y^t, the same for any number of workers."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from au_core.aus import UNKNOWN
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

    T1 are the rows of ``labelled`` with a known AU, T2 all others; Y^t are T1's label vectors without an
    unknown entry. A draw is decided by its number, so a sampler restored by :meth:`seek` goes on exactly.
    """

    def __init__(
        self,
        faces: Faces,
        labelled: np.ndarray,
        cfg: AdversarialConfig,
        *,
        size: int,
        seed: int,
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
        labels = np.where(labelled[:, None], faces.labels, UNKNOWN)
        known = labels >= 0
        self.t1, self.t2 = np.flatnonzero(known.any(1)), np.flatnonzero(~known.any(1))
        self.labels, self.real = labels, labels[known.all(1)]
        self._check(cfg)
        sizes = {
            "x": len(faces),
            "t1": len(self.t1),
            "t2": max(1, len(self.t2)),
            "real": max(1, len(self.real)),
        }
        self.shuffles = {name: Shuffle(n, name, seed) for name, n in sizes.items()}
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
        """Line 5: label vectors ``[m / world, L]`` float from Y^t."""
        rows = self._share("real", self._next("real"), self.cfg.m)
        return torch.from_numpy(self.real[rows]).float().to(self.device)

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

    def _check(self, cfg: AdversarialConfig) -> None:
        if not len(self.t1):
            raise DatasetError("no labelled face is left to train on; lower the missing rate or add labels")
        if cfg.alpha > 0 and not len(self.real):
            raise DatasetError(
                f"none of the {len(self.t1)} labelled faces has all {self.labels.shape[1]} AUs coded, so the "
                "discriminator has no real label vector; use alpha = 0 (o_wlc) or fewer AUs"
            )


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
