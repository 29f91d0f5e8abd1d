"""Where a face's points lie in the picture: AUs move them, the head turns, the camera projects."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from au_core.data.synthetic.anatomy import ACTIONS, GROUPS, Action
from au_core.data.synthetic.person import Person, depth

PIVOT = np.array([0.0, 0.6, 0.0])
"""About where the neck turns the head, in eye distances."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pose:
    """How the head is held: angles in radians, size and place in pixels."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    eye_distance: float = 52.0
    x: float = 128.0
    y: float = 104.0

    @lru_cache(maxsize=4)  # noqa: B019 - a pose is a value, and asked for dozens of times a frame
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
        turned = (points - PIVOT) @ self.rotation().T + PIVOT
        nearness = 1 + 0.05 * turned[:, 2:]  # a weak perspective
        return turned[:, :2] * nearness * self.eye_distance + [self.x, self.y]


def moved_points(
    person: Person, intensities: Mapping[int, float], actions: Mapping[int, Action] = ACTIONS
) -> np.ndarray:
    """``float64[66, 3]``: the person's face with AUs at ``intensities`` (0 to 5)."""
    points = person.points.copy()
    side = np.where(points[:, 0] > 0, 1 + person.asymmetry, 1 - person.asymmetry)
    outward = np.sign(np.round(person.points[:, 0], 3))
    for au, intensity in intensities.items():
        strength = intensity / 5 * person.strength
        for group, (dx, dy) in actions[au].moves.items():
            rows = list(GROUPS[group])
            points[rows, 0] += dx * strength * outward[rows] * side[rows]
            points[rows, 1] += dy * strength * side[rows]
    return _anatomically_possible(points)


def _anatomically_possible(points: np.ndarray) -> np.ndarray:
    """Lids do not cross, and lips meet instead of overlapping, whatever AUs came together."""
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        points[upper, 1] = min(points[upper, 1], points[lower, 1] - 0.025)
    for upper, lower in ((60, 65), (61, 64), (62, 63)):
        if points[lower, 1] < points[upper, 1]:
            points[[upper, lower], 1] = points[[upper, lower], 1].mean()
    for outer, inner in ((49, 60), (50, 61), (51, 61), (52, 61), (53, 62)):
        points[outer, 1] = min(points[outer, 1], points[inner, 1] - 0.012)
    for outer, inner in ((55, 63), (56, 64), (57, 64), (58, 64), (59, 65)):
        points[outer, 1] = max(points[outer, 1], points[inner, 1] + 0.015)
    return points
