"""Where a face's points lie in the picture: AUs move them, the head turns, the camera projects."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from au_core.data.synthetic.anatomy import ACTIONS, GROUPS, Action, Table, active_actions
from au_core.data.synthetic.person import MEAN_FACE, Person, depth

PIVOT = np.array([0.0, 0.6, 0.0])
"""About where the neck turns the head, in eye distances."""
PERSPECTIVE = 0.05
"""Growth of what is an eye distance nearer."""


@dataclass(frozen=True, kw_only=True)
class Pose:
    """How the head is held: angles in radians, size and place in pixels."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    eye_distance: float = 52.0
    x: float = 128.0
    y: float = 112.0

    @cached_property
    def rotation(self) -> np.ndarray:
        """``float64[3, 3]``; yaw to the right, pitch downwards, roll clockwise are positive."""
        (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (self.yaw, self.pitch, self.roll))
        turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        nod = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
        tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        return tilt @ nod @ turn

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels ``float64[N, 2]`` of ``points[N, 3]``, or of points ``[N, 2]`` on the face's surface."""
        if points.shape[1] == 2:
            points = np.column_stack([points, depth(points)])
        turned = (points - PIVOT) @ self.rotation.T + PIVOT
        nearness = self.eye_distance * (1 + PERSPECTIVE * turned[:, 2:])  # a weak perspective
        return turned[:, :2] * nearness + [self.x, self.y]

    def surface(self, pixels: np.ndarray, rounds: int = 3) -> np.ndarray:
        """The inverse of :meth:`project`: points ``[N, 2]`` of the face's surface seen at ``pixels``."""
        scale = self.eye_distance * (1 + PERSPECTIVE * 0.8)
        back = np.linalg.inv(self.rotation[:2, :2]) / scale
        points = (pixels - [self.x, self.y]) @ back.T
        for _ in range(rounds):
            points = points + (pixels - self.project(points)) @ back.T
        return points


def moved_points(person: Person, shown: Mapping[int | str, float], actions: Table = ACTIONS) -> np.ndarray:
    """``float64[P, 3]``: the person's face with AUs at intensities ``shown`` (0 to 5)."""
    total = np.zeros((len(MEAN_FACE), 2))
    for strength, action in active_actions(shown, actions):
        total += strength * displacement(action)
    points = person.points.copy()
    points[:, :2] += total * (1 + person.asymmetry * np.sign(points[:, :1]))
    return _anatomically_possible(points)


@cache
def displacement(action: Action) -> np.ndarray:
    """``float64[P, 2]``: where an action at full strength moves each point."""
    moved, outward = np.zeros((len(MEAN_FACE), 2)), np.sign(np.round(MEAN_FACE[:, 0], 3))
    for group, (dx, dy) in action.moves.items():
        rows = list(GROUPS[group])
        moved[rows] += np.stack([dx * outward[rows], np.full(len(rows), dy)], 1)
    return moved


_LIDS = np.array([[37, 41], [38, 40], [43, 47], [44, 46]]).T
_INNER = np.array([[60, 65], [61, 64], [62, 63]]).T
_UPPER = np.array([[49, 60], [50, 61], [51, 61], [52, 61], [53, 62]]).T
_LOWER = np.array([[55, 63], [56, 64], [57, 64], [58, 64], [59, 65]]).T


def _anatomically_possible(points: np.ndarray) -> np.ndarray:
    """Lids do not cross, and lips meet instead of overlapping, whatever AUs came together."""
    y = points[:, 1]
    y[_LIDS[0]] = np.minimum(y[_LIDS[0]], y[_LIDS[1]] - 0.01)
    overlap = np.maximum(y[_INNER[0]] - y[_INNER[1]], 0) / 2
    y[_INNER[0]] -= overlap
    y[_INNER[1]] += overlap
    y[_UPPER[0]] = np.minimum(y[_UPPER[0]], y[_UPPER[1]] - 0.02)
    y[_LOWER[0]] = np.maximum(y[_LOWER[0]], y[_LOWER[1]] + 0.025)
    return points
