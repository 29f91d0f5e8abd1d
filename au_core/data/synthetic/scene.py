"""Where a sequence is filmed: wall, shoulders, lamp and camera."""

from dataclasses import dataclass

import cv2
import numpy as np

from au_core.data.synthetic.canvas import ellipse, fill, smooth, stroke
from au_core.data.synthetic.geometry import Pose
from au_core.data.synthetic.person import Person

SIZE = 256
"""Edge of a picture in pixels."""
_GRAIN = 320
"""Edge of the field of noise of which every frame takes a part."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scene:
    """What stays the same through a sequence."""

    background: np.ndarray
    """``uint8[SIZE, SIZE, 3]``: everything behind the head."""
    light: np.ndarray
    """``float64[3]``: unit vector towards the lamp, in the camera's axes (right, down, to the camera)."""
    ambient: float
    """Share of the light that comes from everywhere."""
    tones: np.ndarray
    """``uint8[256, 1, 3]``: what comes back from skin at each brightness, see :func:`tones`."""
    blur: float
    """Standard deviation of the lens's blur in pixels."""
    grain: np.ndarray
    """``int8[320, 320, 3]``: the sensor's noise."""


def draw_scene(rng: np.random.Generator, person: Person, pose: Pose, difficulty: float = 1.0) -> Scene:
    """A scene at random, with the shoulders of ``person`` below a head held about as in ``pose``."""
    light = lamp(rng, difficulty)
    noise = rng.uniform(0.8, 1.5 + 2.5 * difficulty)
    grain = cv2.GaussianBlur(rng.normal(0, 1, (_GRAIN, _GRAIN, 3)).astype(np.float32), (0, 0), 0.6)
    grain = grain / grain.std() * (0.8 * noise) + rng.normal(0, 0.5 * noise, (_GRAIN, _GRAIN, 1))
    exposure = rng.uniform(0.88, 1.12) * (1 + rng.normal(0, 0.03, 3))
    return Scene(
        background=(_body(_wall(rng), person, pose, light) * exposure).clip(0, 255).astype(np.uint8),
        light=light,
        ambient=float(rng.uniform(0.42, 0.62)),
        tones=tones(exposure),
        blur=float(rng.uniform(0.2, 0.4 + 0.35 * difficulty)),
        grain=grain.clip(-100, 100).astype(np.int8),
    )


def tones(exposure: np.ndarray) -> np.ndarray:
    """``uint8[256, 1, 3]``: skin's answer to light: redder shadows, flatter highlights; 128 is neutral."""
    light = np.arange(256) / 128
    rolled = np.where(light < 1, light, 1 + 0.75 * (light - 1))
    channels = [np.clip(rolled, 1e-3, None) ** power * 128 for power in (1.2, 1.1, 0.92)]
    return (np.stack(channels, -1) * exposure).clip(0, 255).astype(np.uint8)[:, None]


def lamp(rng: np.random.Generator, difficulty: float) -> np.ndarray:
    """``float64[3]``: a lamp above and to a side; the harder, the farther aside."""
    aside = rng.normal(0, 0.25 + 0.3 * difficulty)
    above = rng.uniform(0.25, 0.75)
    light = np.array([aside, -above, 1.0])
    return light / np.linalg.norm(light)


def _wall(rng: np.random.Generator) -> np.ndarray:
    """A plain room out of focus: a soft gradient, sometimes a door, a curtain, a shelf."""
    grey, tint = rng.uniform(50, 200), rng.normal(0, 7, 3)
    corners = (grey + tint + rng.normal(0, 14, (3, 3, 1)) + rng.normal(0, 2, (3, 3, 3))).clip(15, 245)
    wall = cv2.resize(corners.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    for _ in range(rng.integers(0, 4)):
        x, width = rng.uniform(-20, SIZE), rng.uniform(8, 90)
        y = rng.uniform(-60, 120) if rng.random() < 0.5 else -5
        box = np.array([[x, y], [x + width, y], [x + width, 270], [x, 270]])
        fill(wall, box, (grey + rng.normal(0, 40) + rng.normal(0, 10, 3)).clip(10, 250))
    return cv2.GaussianBlur(wall, (0, 0), rng.uniform(2, 9)).clip(0, 255)


def _body(wall: np.ndarray, person: Person, pose: Pose, light: np.ndarray) -> np.ndarray:
    """Shoulders, neck, and hair that falls on them."""

    def at(points: list[list[float]]) -> np.ndarray:
        return np.array(points) * pose.eye_distance + [pose.x, pose.y]

    image = wall.copy()
    if person.hair_style in ("long", "fringe"):
        low = 2.5 if person.hair_style == "long" else 1.35
        hair = at([[-1.15, low], [-1.32, 0.5], [-1.1, -0.9], [1.1, -0.9], [1.32, 0.5], [1.15, low]])
        fill(image, smooth(hair), person.hair * 0.42)
    if person.hair_style == "bun":
        fill(
            image,
            ellipse(
                (pose.x, pose.y - 1.7 * pose.eye_distance), 0.5 * pose.eye_distance, 0.4 * pose.eye_distance
            ),
            person.hair * 0.7,
        )
    fill(
        image,
        at([[-0.66, 0.9], [-0.7, 2.1], [-1.1, 2.5], [1.1, 2.5], [0.7, 2.1], [0.66, 0.9]]),
        person.skin * [0.62, 0.63, 0.68],
    )
    shoulders = [
        [-3.6, 5],
        [-2.7, 2.85],
        [-1.5, 2.45],
        [-0.75, 2.12],
        [0, 2.42],
        [0.75, 2.12],
        [1.5, 2.45],
        [2.7, 2.85],
        [3.6, 5],
    ]
    fill(image, smooth(at(shoulders), rounds=3), person.clothes)
    stroke(image, smooth(at([[-0.78, 2.13], [0, 2.47], [0.78, 2.13]]), False), person.clothes * 0.7, 2)
    x = np.linspace(-1, 1, SIZE, dtype=np.float32)
    side = 1 + 0.25 * float(light[0]) * x
    shaded = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.2) * side[None, :, None]
    shadow = np.zeros((SIZE, SIZE), np.uint8)  # of the chin on the neck
    fill(
        shadow,
        ellipse(
            (pose.x - 0.3 * light[0] * pose.eye_distance, pose.y + 1.75 * pose.eye_distance),
            0.75 * pose.eye_distance,
            0.42 * pose.eye_distance,
        ),
        255.0,
    )
    shadow = cv2.GaussianBlur(shadow, (0, 0), 7)
    return shaded * (1 - 0.4 * shadow.astype(np.float32)[..., None] / 255)
