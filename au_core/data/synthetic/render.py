"""A drawn portrait: flat shapes from the moved points, skin marks, light, camera. About 7 ms a frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from au_core.data.synthetic.anatomy import ACTIONS, MARKS, Action, Mark
from au_core.data.synthetic.geometry import Pose, moved_points
from au_core.data.synthetic.person import Person

SIZE = 256
"""Edge of a picture in pixels."""
_SHIFT = 4
"""OpenCV's fractional bits: motion below a pixel shows."""
MOUTH_INSIDE, TEETH = (46, 36, 60), (214, 224, 230)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Where a sequence is filmed."""

    background: np.ndarray
    """``uint8[SIZE, SIZE, 3]``"""
    light: np.ndarray
    """``float32[2]``: how much brighter towards the right and the bottom, in shares over the face."""
    gain: float
    """Exposure."""
    noise: float
    """Standard deviation of the camera's noise in grey levels."""
    blur: float
    """Standard deviation of the lens's blur in pixels."""


def draw_scene(rng: np.random.Generator) -> Scene:
    """A scene at random: a wall with a soft gradient, light from a side, an ordinary camera."""
    grey, tint = rng.uniform(70, 200), rng.normal(0, 6, 3)  # rooms are rarely colourful
    corners = grey + tint + rng.normal(0, 14, (3, 3, 1)) + rng.normal(0, 2, (3, 3, 3))
    wall = cv2.resize(corners.clip(20, 245).astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    return Scene(
        background=wall.clip(0, 255).astype(np.uint8),
        light=rng.normal(0, 0.11, 2).astype(np.float32),
        gain=float(rng.uniform(0.8, 1.0)),
        noise=float(rng.uniform(1, 4)),
        blur=float(rng.uniform(0.2, 0.7)),
    )


def render_face(
    person: Person,
    intensities: Mapping[int, float],
    pose: Pose,
    scene: Scene,
    rng: np.random.Generator,
    actions: Mapping[int, Action] = ACTIONS,
) -> tuple[np.ndarray, np.ndarray]:
    """A picture ``uint8[SIZE, SIZE, 3]`` BGR and its 66 landmarks ``float64[66, 2]`` in pixels.

    Args:
        person: who.
        intensities: AU -> 0 to 5.
        pose: how the head is held.
        scene: background, light and camera.
        rng: the camera's noise.
        actions: what each AU does.
    """
    points = moved_points(person, intensities, actions)
    pixels = pose.project(points)
    image = scene.background.copy()
    _behind_the_face(image, person, pose)
    outline = _head_outline(points, pose)
    _fill(image, outline, person.skin)
    _beard(image, person, pixels)
    _eyes(image, person, pixels)
    _nose(image, person, pose, pixels)
    _mouth(image, person, pixels)
    image = _shaded(image, person, pose, scene, points, intensities, actions, outline)
    _brows(image, person, pixels)
    _before_the_face(image, person, pose, pixels)
    return _filmed(image, scene, rng), pixels


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.round(points * 2**_SHIFT).astype(np.int32)


def _fill(image: np.ndarray, polygon: np.ndarray, colour: np.ndarray | tuple[float, ...]) -> None:
    cv2.fillPoly(image, [_fixed(polygon)], tuple(float(c) for c in colour), cv2.LINE_AA, _SHIFT)


def _stroke(image: np.ndarray, line: np.ndarray, colour: np.ndarray | float, width: float) -> None:
    bgr = tuple(float(c) for c in np.atleast_1d(colour))
    cv2.polylines(image, [_fixed(line)], False, bgr, max(1, round(width)), cv2.LINE_AA, _SHIFT)


def smooth(points: np.ndarray, closed: bool = True, rounds: int = 3) -> np.ndarray:
    """The polygon or line ``points[N, 2]`` with its corners cut off ``rounds`` times (Chaikin): a curve."""
    return _corner_cutting(len(points), closed, rounds) @ points


@cache
def _corner_cutting(n: int, closed: bool, rounds: int) -> np.ndarray:
    """``float64[M, n]``: each point of the curve as a mean of the ``n`` corners."""
    weights = np.eye(n)
    for _ in range(rounds):
        ahead = np.roll(weights, -1, axis=0)
        cut = np.stack([0.75 * weights + 0.25 * ahead, 0.25 * weights + 0.75 * ahead], 1).reshape(-1, n)
        weights = cut if closed else np.concatenate([weights[:1], cut[:-2], weights[-1:]])
    return weights


def _ring(centre: np.ndarray | tuple[float, float], rx: float, ry: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 24)
    return np.stack([centre[0] + rx * np.cos(angle), centre[1] + ry * np.sin(angle)], 1)


def _flat(pose: Pose, points: np.ndarray, z: float) -> np.ndarray:
    """Pixels of ``points[N, 2]`` that lie at depth ``z``, off the face's surface."""
    return pose.project(np.column_stack([points, np.full(len(points), z)]))


def _behind_the_face(image: np.ndarray, person: Person, pose: Pose) -> None:
    """Shoulders, neck, back hair, ears."""
    if person.hair_style == 1:
        hair = np.array(
            [[-1.25, 2.3], [-1.38, 0.4], [-1.1, -1.1], [0, -1.66], [1.1, -1.1], [1.38, 0.4], [1.25, 2.3]]
        )
        _fill(image, smooth(_flat(pose, hair, -0.3)), person.hair * 0.8)
    neck = np.array([[-0.62, 1.0], [-0.66, 2.3], [0.66, 2.3], [0.62, 1.0]])
    body = np.array(
        [[-3.4, 4.5], [-2.4, 2.75], [-0.7, 2.25], [0, 2.45], [0.7, 2.25], [2.4, 2.75], [3.4, 4.5]]
    )
    _fill(image, _flat(pose, neck, -0.2), person.skin * 0.78)
    _fill(image, smooth(_flat(pose, body, -0.4)), person.clothes)
    if person.hair_style == 3:
        _fill(image, _flat(pose, _ring((0, -1.55), 0.45, 0.4), -0.3), person.hair * 0.85)
    if person.hair_style != 1:
        for side in (-1, 1):
            _fill(image, _flat(pose, _ring((side * 1.1, 0.2), 0.16, 0.33), -0.05), person.skin * 0.9)
            _fill(image, _flat(pose, _ring((side * 1.11, 0.2), 0.08, 0.2), -0.05), person.skin * 0.78)


def _head_outline(points: np.ndarray, pose: Pose) -> np.ndarray:
    """The jaw's points, closed over the skull."""
    width = np.abs(points[[0, 16], 0]).mean()
    skull = np.array([[width * 1.02, -0.4], [width * 0.92, -0.95], [width * 0.5, -1.35], [0, -1.45]])
    skull = np.concatenate([skull, skull[-2::-1] * [-1, 1]])
    pixels = pose.project(np.concatenate([points[:17, :2], skull]))
    return smooth(pixels, rounds=3)


def _beard(image: np.ndarray, person: Person, p: np.ndarray) -> None:
    if person.beard <= 0:
        return
    lip = p[33:34] * 0.35 + p[51:52] * 0.65
    lower = np.concatenate([p[2:15], (p[14:15] + p[53:54]) / 2, lip, (p[2:3] + p[49:50]) / 2])
    layer = image.copy()
    _fill(layer, smooth(lower), person.hair * 0.7 + person.skin * 0.3)
    soft = cv2.GaussianBlur(layer, (0, 0), 4)
    cv2.addWeighted(soft, 0.75 * person.beard, image, 1 - 0.75 * person.beard, 0, dst=image)


def _eyes(image: np.ndarray, person: Person, p: np.ndarray) -> None:
    unit = float(np.linalg.norm(p[39] - p[42])) / 0.54
    for start, outer, inner in ((36, 36, 39), (42, 45, 42)):
        lids = smooth(p[start : start + 6], rounds=3)
        centre = (p[outer] + p[inner]) / 2 + [0, -0.01 * unit]
        low, high = np.floor(lids.min(0)).astype(int) - 2, np.ceil(lids.max(0)).astype(int) + 3
        low, high = np.clip(low, 0, SIZE - 1), np.clip(high, 1, SIZE)
        if (high - low).min() < 3:
            continue
        box = (slice(low[1], high[1]), slice(low[0], high[0]))
        ball, mask = image[box].copy(), np.zeros((*image[box].shape[:2], 1), np.uint8)
        ball[:] = (226, 230, 234)
        where = centre - low
        _fill(ball, _ring(where, 0.125 * unit, 0.125 * unit), person.iris * 0.75)
        _fill(ball, _ring(where, 0.105 * unit, 0.105 * unit), person.iris * 1.1)
        _fill(ball, _ring(where, 0.052 * unit, 0.052 * unit), (18, 16, 16))
        _fill(
            ball,
            _ring(where + np.array([0.04, -0.05]) * unit, 0.022 * unit, 0.022 * unit),
            (250, 250, 250),
        )
        _fill(mask[..., 0], lids - low, (255,))
        share = mask.astype(np.float32) / 255
        image[box] = (ball * share + image[box] * (1 - share)).astype(np.uint8)
        upper, lower = p[start : start + 4], p[[start + 3, start + 4, start + 5, start]]
        _stroke(image, smooth(upper, False), person.skin * 0.28, 0.05 * unit)
        _stroke(image, smooth(lower, False), person.skin * 0.66, 0.02 * unit)
        _stroke(image, smooth(upper - np.array([0, 0.075 * unit]), False), person.skin * 0.72, 0.025 * unit)


def _nose(image: np.ndarray, person: Person, pose: Pose, p: np.ndarray) -> None:
    unit = pose.eye_distance
    for wing, side in ((31, -1), (35, 1)):
        hole = p[wing] * 0.55 + p[33] * 0.45 + [0, -0.015 * unit]
        _fill(image, _ring(hole, 0.06 * unit, 0.032 * unit), person.skin * 0.42)
        curl = p[wing] + np.array([[side * 0.0, -0.13], [side * 0.055, -0.05], [0, 0.02]]) * unit
        _stroke(image, smooth(curl, False), person.skin * 0.72, 0.03 * unit)
    base = np.stack([p[32], p[33] + [0, 0.02 * unit], p[34]])
    _stroke(image, smooth(base, False), person.skin * 0.76, 0.025 * unit)


def _mouth(image: np.ndarray, person: Person, p: np.ndarray) -> None:
    outer_upper, outer_lower = p[48:55], p[[54, 55, 56, 57, 58, 59, 48]]
    inner_upper, inner_lower = p[[48, 60, 61, 62, 54]], p[[54, 63, 64, 65, 48]]
    opening = np.concatenate([smooth(inner_upper, False, 2), smooth(inner_lower, False, 2)])
    gap = float((p[63:66, 1] - p[[62, 61, 60], 1]).max())
    if gap > 1.0:
        _fill(image, opening, MOUTH_INSIDE)
        teeth_low = inner_upper + gap * np.array([[0, 0], [0, 0.55], [0, 0.6], [0, 0.55], [0, 0]])
        teeth = np.concatenate([smooth(inner_upper, False, 2), smooth(teeth_low, False, 2)[::-1]])
        _fill(image, teeth, TEETH)
    upper = np.concatenate([smooth(outer_upper, False, 2), smooth(inner_upper, False, 2)[::-1]])
    lower = np.concatenate([smooth(outer_lower, False, 2), smooth(inner_lower, False, 2)[::-1]])
    _fill(image, upper, person.lips * 0.88)
    _fill(image, lower, person.lips)
    _stroke(image, smooth(inner_upper, False, 2), person.lips * 0.45, 1.5)


def _brows(image: np.ndarray, person: Person, p: np.ndarray) -> None:
    """Five points a side, thick inside and thin outside, softened like hair."""
    unit = float(np.linalg.norm(p[36] - p[45])) / 1.48
    layer = np.zeros(image.shape[:2], np.uint8)
    for line in (p[17:22][::-1], p[22:27]):
        curve = smooth(line, False, 2)
        half = np.linspace(0.5, 0.22, len(curve))[:, None] * [0, person.brow_width * unit]
        _fill(layer, np.concatenate([curve - half, (curve + half)[::-1]]), (255,))
    share = cv2.GaussianBlur(layer, (0, 0), 0.9).astype(np.float32)[..., None] / 255 * 0.85
    colour = (person.hair * 0.6).astype(np.float32)
    image[:] = (image * (1 - share) + colour * share).astype(np.uint8)


def _before_the_face(image: np.ndarray, person: Person, pose: Pose, p: np.ndarray) -> None:
    """Hair over the forehead, and glasses."""
    hairline = {0: -0.98, 1: -0.95, 2: -1.28, 3: -1.0}[person.hair_style]
    side = 0.1 if person.hair_style == 1 else -0.35
    front = [[-1.1, side], [-0.98, -0.55], [-0.72, hairline + 0.1], [0, hairline], [0.72, hairline + 0.1]]
    back = [[0.98, -0.55], [1.1, side], [1.2, -0.6], [0.95, -1.3], [0, -1.66], [-0.95, -1.3], [-1.2, -0.6]]
    outline = smooth(_flat(pose, np.array(front + back), 0.2))
    _fill(image, outline, person.hair)
    if person.glasses:
        unit = pose.eye_distance
        for start in (36, 42):
            centre = p[start : start + 6].mean(0)
            rim = _ring(centre, 0.4 * unit, 0.29 * unit)
            cv2.polylines(image, [_fixed(rim)], True, (40, 40, 46), 2, cv2.LINE_AA, _SHIFT)
        _stroke(
            image, np.stack([p[39] + [0.04 * unit, 0], p[42] - [0.04 * unit, 0]]), np.array([40, 40, 46]), 2
        )


def _shaded(
    image: np.ndarray,
    person: Person,
    pose: Pose,
    scene: Scene,
    points: np.ndarray,
    intensities: Mapping[int, float],
    actions: Mapping[int, Action],
    outline: np.ndarray,
) -> np.ndarray:
    """Furrows darken, bulges lighten, edges of the head turn away from the light."""
    dark, light = np.zeros((2, SIZE, SIZE), np.uint8)
    _rest_marks(dark, light, person, pose, points)
    for au, intensity in intensities.items():
        for name, strength in actions[au].marks.items():
            value = strength * intensity / 5 * person.strength
            _mark(light if MARKS[name].light else dark, MARKS[name], value, person, pose, points)
    dark, light = cv2.GaussianBlur(dark, (0, 0), 1.1), cv2.GaussianBlur(light, (0, 0), 5)
    change = 1 - dark.astype(np.float32) / 255 * 0.62 + light.astype(np.float32) / 255 * 0.22
    return (image * (change * _relief(pose, scene, outline))[..., None]).clip(0, 255).astype(np.uint8)


def _relief(pose: Pose, scene: Scene, outline: np.ndarray) -> np.ndarray:
    """``float32[SIZE, SIZE]``: the head's roundness under the scene's light, worked out at a quarter size."""
    small = SIZE // 4
    mask = np.zeros((small, small), np.uint8)
    _fill(mask, outline / 4, (255,))
    inside = cv2.GaussianBlur(mask, (0, 0), 4).astype(np.float32) / 255
    x, y = np.meshgrid(np.arange(small, dtype=np.float32), np.arange(small, dtype=np.float32))
    reach = pose.eye_distance * 1.2 / 4
    slope = scene.light[0] * (x - pose.x / 4) / reach + scene.light[1] * (y - pose.y / 4) / reach
    face = 0.72 + 0.31 * inside + np.clip(slope, -0.25, 0.25)
    hard = mask.astype(np.float32) / 255
    return cv2.resize(hard * face + (1 - hard), (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)


REST = {"nasolabial": 0.5, "forehead_inner": 0.35, "under_eye": 0.5, "crows_feet": 0.25, "glabella": 0.2}
"""Marks that age leaves on a face at rest, at most."""


def _rest_marks(dark: np.ndarray, light: np.ndarray, person: Person, pose: Pose, points: np.ndarray) -> None:
    """What every face has: a nose's sides and tip, a philtrum, a chin; and what age adds."""
    for name, strength in REST.items():
        _mark(dark, MARKS[name], strength * person.age, person, pose, points)
    bridge = ((0.12, 0.02), (0.1, 0.3), (0.17, 0.52))
    _mark(dark, Mark(anchor=27, lines=(bridge,), width=0.06), 0.3, person, pose, points)
    _mark(dark, Mark(anchor=57, lines=(((0.0, 1.33), (0.12, 1.335)),), width=0.08), 0.3, person, pose, points)
    _mark(light, Mark(anchor=33, lines=(((0.0, 0.1), (0.0, 0.55)),), width=0.14), 0.8, person, pose, points)
    _mark(light, Mark(anchor=45, lines=(((0.5, 0.45), (0.62, 0.42)),), width=0.34), 0.5, person, pose, points)


def _mark(
    layer: np.ndarray, mark: Mark, value: float, person: Person, pose: Pose, points: np.ndarray
) -> None:
    """Add one mark, mirrored, to a layer of darkness or light from 0 to 255."""
    if value < 0.03:
        return
    shift = points[mark.anchor, :2] - person.points[mark.anchor, :2]
    width = max(1.0, mark.width * pose.eye_distance)
    for line in mark.lines:
        curve = smooth(np.array(line), False, 2) + shift
        both = pose.project(np.concatenate([curve, curve * [-1, 1]]))
        _stroke(layer, both[: len(curve)], 255 * min(value, 1.0), width)
        _stroke(layer, both[len(curve) :], 255 * min(value, 1.0), width)


def _filmed(image: np.ndarray, scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Exposure, the lens's blur, the sensor's noise."""
    image = cv2.GaussianBlur(image, (0, 0), scene.blur)
    grain = rng.integers(0, 256, (SIZE, SIZE), dtype=np.uint8).astype(np.float32) - 127.5
    grain = cv2.GaussianBlur(grain, (0, 0), 0.6) * (scene.noise / 40)
    return (image * scene.gain + grain[..., None]).clip(0, 255).astype(np.uint8)
