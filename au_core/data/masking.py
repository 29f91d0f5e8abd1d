"""Which labels are hidden to make T2 out of a labelled dataset (Section 4.1, "missing labels")."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from au_core.config import check_rate


def is_labelled(identities: Sequence[str], missing_rate: float, seed: int) -> np.ndarray:
    """Which frames keep their AU labels (T1); the rest form T2. Returns ``bool[N]``.

    Each frame is decided by its own hash, so the answer does not depend on shards, order or workers,
    every method loses the same frames, and a rate's missing set contains every lower rate's.

    >>> int(is_labelled([f"BP4D/F001/T1/{i}" for i in range(1000)], 0.3, seed=0).sum())
    720
    """
    check_rate(missing_rate)
    digests = (blake2b(f"{seed}/{key}".encode(), digest_size=8).digest() for key in identities)
    draws = np.fromiter((int.from_bytes(digest) for digest in digests), np.uint64, len(identities))
    return draws / 2.0**64 >= missing_rate
