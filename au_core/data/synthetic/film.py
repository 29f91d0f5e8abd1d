"""A sequence on film: the performance with its head movements, blinks, looks and speech, frame by frame."""

from collections.abc import Iterator

import numpy as np

from au_core.config import SyntheticConfig
from au_core.data.synthetic.anatomy import ACTIONS, Table
from au_core.data.synthetic.events import Performance, perform
from au_core.data.synthetic.expression import AUS, label_model
from au_core.data.synthetic.geometry import Pose
from au_core.data.synthetic.person import draw_person
from au_core.data.synthetic.render import render_face
from au_core.data.synthetic.scene import draw_scene

TRACKING = 0.08
"""Error of written landmarks at difficulty 1: place (eye distances), scale, angle (radians)."""
LIMIT = np.radians(15)
"""Farthest a head turns about any axis."""


def play(cfg: SyntheticConfig, subject: str, sequence: str) -> Performance:
    """What a sequence shows and what is written about it."""
    model = label_model(cfg.dataset, cfg.difficulty)
    return perform(model, cfg.dataset, subject, sequence, cfg.frames, cfg.seed)


def film(
    cfg: SyntheticConfig,
    subject: str,
    sequence: str,
    shown: np.ndarray,
    aus: tuple[int, ...] = AUS,
    actions: Table = ACTIONS,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pictures ``uint8[256, 256, 3]`` BGR and landmarks ``float64[66, 2]`` of intensities ``shown[N, L]``."""
    rng = np.random.default_rng([cfg.seed, 3, *f"{subject}/{sequence}".encode()])
    person = draw_person(subject, cfg.seed, cfg.difficulty)
    rest, poses = draw_poses(rng, len(shown), cfg.difficulty)
    scene = draw_scene(rng, person, rest, cfg.difficulty)
    habits, gaze = draw_habits(rng, len(shown), cfg.difficulty), draw_gaze(rng, len(shown))
    for t, (values, pose) in enumerate(zip(shown, poses, strict=True)):
        intensities: dict[int | str, float] = dict(zip(aus, values.tolist(), strict=True))
        intensities |= {name: float(habit[t]) for name, habit in habits.items()}
        yield render_face(person, intensities, pose, scene, rng, actions, gaze[t])


def tracked(rng: np.random.Generator, landmarks: np.ndarray, difficulty: float) -> np.ndarray:
    """``landmarks[N, 66, 2]`` as a tracker writes them: a little off, turned, too large or small."""
    frames, middle = len(landmarks), landmarks.mean(1, keepdims=True)
    unit = np.linalg.norm(landmarks[:, 36:42].mean(1) - landmarks[:, 42:48].mean(1), axis=1)[:, None, None]
    slow, quick = (smooth_noise(rng, frames, 4, spacing)[:, None] for spacing in (20.0, 2.0))
    x, y, size, angle = np.moveaxis(0.8 * slow + 0.6 * quick, 2, 0)[..., None] * TRACKING * difficulty
    about = landmarks - middle
    turned = about * (1 + size) + about[..., ::-1] * [-1, 1] * angle
    return middle + turned + np.concatenate([x, y], 2) * unit


def draw_poses(rng: np.random.Generator, frames: int, difficulty: float = 1.0) -> tuple[Pose, list[Pose]]:
    """How the head is held at rest, and in every frame: about 15 degrees at most in each axis."""
    sway = smooth_noise(rng, frames, 6, max(4.0, min(frames / 6, 40.0)))
    turn = np.radians([6.5, 4.5, 3.5]) * (0.4 + 0.6 * difficulty)
    spread = np.concatenate([turn, [0.7, 2.0, 1.5]])
    middle = rng.normal(0, 0.8, 6) * spread + [0, 0, 0, rng.uniform(47, 54), 128, 112]
    held = middle + sway * spread
    held[:, :3] = np.clip(held[:, :3], -LIMIT, LIMIT)
    rest, *poses = [
        Pose(yaw=a, pitch=b, roll=c, eye_distance=size, x=x, y=y)
        for a, b, c, size, x, y in [middle.tolist(), *held.tolist()]
    ]
    return rest, poses


def draw_habits(rng: np.random.Generator, frames: int, difficulty: float) -> dict[str, np.ndarray]:
    """Blinks and speech-like movements, ``float64[frames]`` each in [0, 5]; no AU is coded for them."""
    blink = np.zeros(frames)
    for middle in np.flatnonzero(rng.random(frames) < 0.012 * (0.5 + 0.5 * difficulty)):
        shape = np.clip(5 - 1.9 * np.abs(np.arange(frames) - middle), 0, 5)  # about 5 frames
        blink = np.maximum(blink, shape)
    spacing = max(3.0, min(frames / 6, 60.0))
    talking = np.clip(smooth_noise(rng, frames, 1, spacing)[:, 0] - 0.7, 0, 1) * difficulty
    syllables = smooth_noise(rng, frames, 2, 3.0)
    opened, rounded = np.clip(1.5 + 2 * syllables.T, 0, 5) * talking
    return {"blink": blink, "speak_open": np.clip(opened, 0, 5), "speak_round": np.clip(rounded, 0, 5)}


def draw_gaze(rng: np.random.Generator, frames: int) -> np.ndarray:
    """``float64[frames, 2]``: how far the eyes look right and down, in eye distances; they jump and rest."""
    jumps = np.cumsum(rng.random(frames) < 0.04)
    places = rng.normal(0, 0.025, (int(jumps[-1]) + 1, 2)) * [1, 0.5]
    return np.clip(places[jumps], -0.07, 0.07)


def smooth_noise(rng: np.random.Generator, frames: int, n: int, spacing: float) -> np.ndarray:
    """``float64[frames, n]``, standard normal at every frame, independent beyond about ``spacing`` frames."""
    knots = rng.standard_normal((int(frames / spacing) + 3, n))
    t = np.arange(frames) / spacing + rng.random()
    low, part = t.astype(int), (t % 1)[:, None]
    part = part * part * (3 - 2 * part)
    return (knots[low] * (1 - part) + knots[low + 1] * part) / np.sqrt(part**2 + (1 - part) ** 2)
