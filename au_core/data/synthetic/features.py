"""What opens and closes, drawn anew in every frame: eyes, mouth; and glasses before them."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from au_core.data.synthetic.canvas import Colour, ellipse, fill, smooth, stroke
from au_core.data.synthetic.person import Person

_SS = 2
"""Drawn this much larger, then averaged down."""
INSIDE, TEETH, TONGUE = (38, 26, 52), (205, 218, 226), (92, 92, 168)
Light = Callable[[tuple[slice, slice]], np.ndarray]
"""From a part of the picture to the light on it, ``uint8[h, w, 3]``; 128 is neutral."""


class Stamp:
    """A small layer over the part of a picture around some points; colours and cover drawn enlarged."""

    def __init__(self, image: np.ndarray, points: np.ndarray, margin: float, ground: np.ndarray) -> None:
        height, width = image.shape[:2]
        low = np.clip((points.min(0) - margin).astype(int), 0, [width - 2, height - 2])
        high = np.clip((points.max(0) + margin + 1).astype(int), low + 2, [width, height])
        self.image, self.box = image, (slice(low[1], high[1]), slice(low[0], high[0]))
        self.size = (high - low).tolist()
        self.offset = low - 0.5 + 0.5 / _SS
        shape = self.size[1] * _SS, self.size[0] * _SS
        self.colour, self.cover = np.empty((*shape, 3), np.uint8), np.zeros(shape, np.uint8)
        self.colour[:] = ground.astype(np.uint8)

    def at(self, points: np.ndarray) -> np.ndarray:
        """Pixels of the enlarged layer."""
        return (points - self.offset) * _SS

    def area(self, polygon: np.ndarray, colour: Colour) -> None:
        """Fill an area and cover what is below it."""
        polygon = self.at(polygon)
        fill(self.colour, polygon, colour)
        fill(self.cover, polygon, 255.0)

    def line(self, lines: np.ndarray, colour: Colour, width: float, cover: float = 255.0) -> None:
        """Draw one line or several over what is below."""
        lines = self.at(lines)
        stroke(self.colour, lines, colour, width * _SS)
        stroke(self.cover, lines, cover, width * _SS)

    def disc(self, centre: np.ndarray, radius: float, colour: Sequence[float]) -> None:
        """Draw a disc on what is covered already."""
        x, y = np.round(self.at(centre) * 16).astype(int).tolist()
        cv2.circle(self.colour, (x, y), round(radius * _SS * 16), colour, -1, cv2.LINE_AA, 4)

    def tint(self, polygon: np.ndarray, colour: Colour, share: float, soft: float) -> None:
        """Mix a colour into what the stamp has drawn, softly."""
        mask = np.zeros(self.cover.shape, np.uint8)
        fill(mask, self.at(polygon), 255.0 * share)
        weight = cv2.multiply(cv2.GaussianBlur(mask, (0, 0), soft * _SS), 1 / 255, dtype=cv2.CV_32F)  # type: ignore[call-overload]
        paint = np.empty_like(self.colour)
        paint[:] = np.array(colour).astype(np.uint8)
        self.colour = cv2.blendLinear(paint, self.colour, weight, 1 - weight)

    def press(self, light: Light | None, soft: float = 0.0) -> None:
        """Put the layer into the picture, under its light."""
        colour = cv2.resize(self.colour, self.size, interpolation=cv2.INTER_AREA)
        cover = cv2.resize(self.cover, self.size, interpolation=cv2.INTER_AREA)
        if soft:
            cover = cv2.GaussianBlur(cover, (3, 3), soft)
        if light is not None:
            colour = cv2.multiply(colour, light(self.box), scale=1 / 128)
        share = cv2.multiply(cover, 1 / 255, dtype=cv2.CV_32F)  # type: ignore[call-overload]
        part = np.ascontiguousarray(self.image[self.box])
        self.image[self.box] = cv2.blendLinear(colour, part, share, 1 - share)


def draw_eyes(
    image: np.ndarray, light: Light, person: Person, p: np.ndarray, unit: float, gaze: np.ndarray
) -> None:
    """Both eyes between their lids ``p[36:48]``, looking ``gaze`` (eye distances) off the middle."""
    stamp = Stamp(image, p[36:48], 0.16 * unit, person.skin * 0.4)
    lids = [(smooth(six[:4], False), smooth(six[[3, 4, 5, 0]], False), six) for six in (p[36:42], p[42:48])]
    for upper, lower, six in lids:
        if six[[4, 5], 1].mean() - six[[1, 2], 1].mean() > 0.02 * unit:
            _eyeball(stamp, person, upper, lower, (six[0] + six[3]) / 2 + gaze * unit, unit)
    lash = (0.05 if person.name.startswith("F") else 0.036) * unit
    dark = np.minimum(person.hair * 0.4, 40)
    upper, lower = np.array([lid[0] for lid in lids]), np.array([lid[1] for lid in lids])
    crease = upper[:, 2:-2] - [0, (0.055 + 0.02 * person.age) * unit]
    stamp.line(crease, person.skin * 0.6, 0.022 * unit, 110.0)
    stamp.line(lower[:, 1:-1], person.skin * 0.55, 0.018 * unit, 150.0)
    stamp.line(upper, dark, lash, 235.0)
    stamp.press(light)


def _eyeball(
    stamp: Stamp, person: Person, upper: np.ndarray, lower: np.ndarray, centre: np.ndarray, unit: float
) -> None:
    """White, iris and pupil where the lids leave them open, under the upper lid's shadow."""
    white = np.array([214, 220, 224]) * (0.9 + 0.1 * np.mean(person.skin) / 255)
    stamp.area(np.concatenate([upper, lower[1:-1]]), white)
    centre = centre - [0, 0.012 * unit]
    for radius, bright in ((0.122, 0.45), (0.108, 1.0), (0.07, 1.25)):
        stamp.disc(centre, radius * unit, (person.iris * bright).tolist())
    stamp.disc(centre, 0.05 * unit, (14, 12, 12))
    stamp.disc(centre + np.array([0.035, -0.045]) * unit, 0.02 * unit, (252, 252, 252))
    stroke(stamp.colour, stamp.at(upper + np.array([0, 0.025 * unit])), person.skin * 0.3, 0.035 * unit * _SS)


def draw_mouth(image: np.ndarray, light: Light, person: Person, p: np.ndarray, unit: float) -> None:
    """Lips ``p[48:66]``, and what is seen between them."""
    inner_upper = p[[48, 60, 61, 62, 54]]
    top, bottom = smooth(inner_upper, False), smooth(p[[54, 63, 64, 65, 48]], False)
    outer_lower = smooth(p[[54, 55, 56, 57, 58, 59, 48]], False)
    stamp = Stamp(image, p[48:66], 0.1 * unit, person.lips)
    stamp.area(np.concatenate([smooth(p[48:55], False), top[::-1]]), person.lips * 0.82)
    stamp.area(np.concatenate([outer_lower, bottom[::-1]]), person.lips * 0.96)
    shine, thick = p[56:59].mean(0) * 0.55 + p[63:66].mean(0) * 0.45, float(p[57, 1] - p[64, 1])
    bright = np.minimum(person.lips * 1.3 + 18, 255)
    stamp.tint(ellipse(shine, 0.14 * unit, 0.22 * thick), bright, 0.55, 0.03 * unit)
    gap = float((p[63:66, 1] - p[[62, 61, 60], 1]).max())
    if gap > 0.025 * unit:
        _between_lips(stamp, np.concatenate([top, bottom]), inner_upper, gap, unit)
    parting = top if gap > 0.025 * unit else (top + bottom[::-1]) / 2
    stamp.line(parting, person.lips * 0.38, 0.02 * unit, 220.0)
    ends = np.array([[[0.02, 0], [-0.03, 0.008]], [[-0.02, 0], [0.03, 0.008]]]) * unit
    stamp.line(p[[48, 54], None] + ends, person.skin * 0.35, 0.035 * unit, 190.0)
    stamp.press(light, 0.7)


def _between_lips(
    stamp: Stamp, opening: np.ndarray, inner_upper: np.ndarray, gap: float, unit: float
) -> None:
    """The dark of the mouth, the upper teeth, the tongue if it is wide open."""
    stamp.area(opening, INSIDE)
    high = min(0.13 * unit, 0.62 * gap)
    drop = np.array([0.0, 0.8, 1.0, 0.8, 0.0])[:, None] * [0, high]
    teeth = np.concatenate([smooth(inner_upper, False), smooth(inner_upper + drop, False)[::-1]])
    stamp.area(teeth, TEETH)
    if gap > 0.16 * unit:
        stamp.tint(
            ellipse(inner_upper[2] + [0, 0.84 * gap], 0.16 * unit, 0.18 * gap), TONGUE, 0.8, 0.02 * unit
        )


def draw_glasses(image: np.ndarray, person: Person, p: np.ndarray, unit: float) -> None:
    """A frame around the eyes' places ``p[2, 2]``, a bridge, and a glint."""
    dark, thick = np.array([38, 36, 36.0]), {1: 2.0, 2: 2.6, 3: 1.0}[person.glasses]
    across = (p[1] - p[0]) / np.linalg.norm(p[1] - p[0])
    down = np.array([-across[1], across[0]])
    axes = np.stack([across, down]) * unit
    stamp = Stamp(image, np.concatenate([p - 0.4 * unit, p + 0.4 * unit]), 0.28 * unit, dark)
    ring = ellipse((0, 0), 1, 1)
    if person.glasses != 1:
        ring = np.sign(ring) * np.abs(ring) ** 0.55
    for centre, side in zip(p, (-1, 1), strict=True):
        rim = stamp.at(centre + (ring * [0.4, 0.29] + [0, 0.04]) @ axes)
        stroke(stamp.colour, rim, dark, thick * _SS, closed=True)
        stroke(stamp.cover, rim, 225.0, thick * _SS, closed=True)
        stamp.line(centre + np.array([[side * 0.4, -0.06], [side * 0.66, -0.06]]) @ axes, dark, thick, 225.0)
        stamp.line(centre + np.array([[0.1, -0.2], [0.22, -0.12]]) @ axes, (235, 235, 235), 1.5, 110.0)
    bridge = np.array([[-0.11, 0.02], [0, -0.05], [0.11, 0.02]]) @ axes + p.mean(0)
    stamp.line(smooth(bridge, False), dark, thick, 225.0)
    stamp.press(None)
