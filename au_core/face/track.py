"""Which face of this frame is which of the last: ids that stay with a person through a video."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from au_core.face.detect import Detection

PATIENCE = 30
"""Frames an id is kept for a face that is out of sight."""
LARGEST = 32_767
"""Last id before they begin again at 1: they are 16 bits wide in Parquet."""
REACH = 1.0
"""Farthest move between two sightings, in face widths, that still counts as the same face."""


class Tracker:
    """Gives each detection the id of the nearest box it can have come from; new faces get new ids.

    Ids count from 0 as faces appear; :attr:`main` is who was the main face of most frames.
    """

    def __init__(self) -> None:
        self.next_id, self.frame = 0, 0
        self.seen: dict[int, tuple[np.ndarray, int]] = {}
        """Last box and frame of each id."""
        self.first = Counter[int]()
        """How often each id was the main face of a frame."""

    @property
    def main(self) -> int:
        """The id that most often came first among a frame's faces; 0 before there is any."""
        return max(self.first, key=lambda k: (self.first[k], -k), default=0)

    def update(self, faces: Sequence[Detection]) -> list[int]:
        """Ids of one frame's ``faces``, in their order."""
        self.frame += 1
        self.seen = {k: v for k, v in self.seen.items() if self.frame - v[1] <= PATIENCE}
        pairs = sorted(
            (_distance(face.box, box), i, known)
            for i, face in enumerate(faces)
            for known, (box, _) in self.seen.items()
        )
        ids: dict[int, int] = {}
        for distance, i, known in pairs:
            if distance <= REACH and i not in ids and known not in ids.values():
                ids[i] = known
        for i, face in enumerate(faces):
            if i not in ids:
                ids[i], self.next_id = self.next_id, self.next_id % LARGEST + 1
            self.seen[ids[i]] = (face.box, self.frame)
        if faces:
            self.first[ids[0]] += 1
        return [ids[i] for i in range(len(faces))]


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """Distance of two boxes' centres in widths of the larger; infinite if one is twice as large."""
    if max(a[2], b[2]) > 2 * min(a[2], b[2]):
        return np.inf
    return float(np.hypot(*(a[:2] + a[2:] / 2 - b[:2] - b[2:] / 2)) / max(a[2], b[2]))
