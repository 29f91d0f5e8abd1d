"""Which labels are hidden to make T2 out of a labelled dataset (Section 4.1, "missing labels")."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np

from au_core.aus import UNKNOWN
from au_core.config import check_rate
from au_core.data.faces import Faces


def visible_labels(
    faces: Faces, columns: Sequence[str], missing_rate: float, seed: int, scheme: str = "frame"
) -> np.ndarray:
    """Labels ``int8[N, L]`` of ``faces``, UNKNOWN where hidden; ``columns[L]`` are their AUs.

    Schemes: ``frame`` (whole frames, T1 and T2 of the paper), ``entry`` (single labels), ``sequence`` and
    ``subject`` (all frames of one, as when nobody coded it; the rate is of those that somebody did). Whatever
    a rate hides, higher rates hide too.
    """
    if scheme == "entry":
        entries = [
            is_labelled((f"{key}/{c}" for key in faces.identities), missing_rate, seed) for c in columns
        ]
        return np.where(np.stack(entries, axis=1), faces.labels, UNKNOWN)
    if scheme == "frame":
        keep = is_labelled(faces.identities, missing_rate, seed)
    else:
        names = zip(faces.dataset, faces.subject, faces.sequence, strict=True)  # F001 of each is someone else
        units = ["/".join(unit[:2] if scheme == "subject" else unit) for unit in names]
        keep = _units_kept(units, (faces.labels != UNKNOWN).any(axis=1), missing_rate, seed)
    return np.where(keep[:, None], faces.labels, UNKNOWN)


def is_labelled(identities: Iterable[str], missing_rate: float, seed: int) -> np.ndarray:
    """Which frames keep their AU labels (T1); the rest form T2. Returns ``bool[N]``.

    Each frame is decided by its own hash, so the answer does not depend on shards, order or workers,
    every method loses the same frames, and a rate's missing set contains every lower rate's.

    >>> int(is_labelled([f"BP4D/F001/T1/{i}" for i in range(1000)], 0.3, seed=0).sum())
    720
    """
    check_rate(missing_rate)
    return _draws(identities, seed) >= missing_rate


def _draws(keys: Iterable[str], seed: int) -> np.ndarray:
    """A number ``float64[N]`` in [0, 1) for each key, from its hash."""
    digests = (blake2b(f"{seed}/{key}".encode(), digest_size=8).digest() for key in keys)
    return np.fromiter((int.from_bytes(digest) for digest in digests), np.uint64) / 2.0**64


def _units_kept(units: Sequence[str], coded: np.ndarray, missing_rate: float, seed: int) -> np.ndarray:
    """``bool[N]``: all but the share ``missing_rate`` of the units with ``coded`` faces, and at least one.

    There are few units, so they are counted off in the order of their hashes, not decided one by one.
    """
    check_rate(missing_rate)
    names = sorted({unit for unit, any_label in zip(units, coded, strict=True) if any_label})
    order = np.argsort(_draws(names, seed))
    hidden = {names[i] for i in order[: min(round(missing_rate * len(names)), len(names) - 1)]}
    return np.array([unit not in hidden for unit in units])
