"""Who is drawn: one identity from a seed, over the whole human range of colours and proportions."""

from dataclasses import dataclass

import numpy as np

from au_core.data.synthetic.anatomy import GROUPS

SKINS = ((190, 208, 238), (164, 190, 228), (140, 172, 220), (104, 140, 196), (76, 106, 158), (54, 76, 118))
HAIRS = ((30, 34, 40), (38, 52, 78), (52, 84, 128), (110, 160, 200), (150, 156, 160), (36, 60, 140))
IRISES = ((40, 62, 96), (60, 90, 120), (150, 130, 96), (110, 130, 90), (34, 44, 60))
"""BGR, light to dark skin; black, brown, chestnut, blond, grey, red hair; brown to blue eyes."""


def _mean_face() -> np.ndarray:
    """``float64[66, 3]``: x, y, z of a symmetric face in eye distances, the origin between the eyes."""
    angle = np.linspace(-1, 1, 17)
    jaw = np.stack([1.06 * np.sin(angle * 1.5), 0.12 + 1.6 * np.cos(angle * 1.45) ** 0.85], 1)
    brow = np.array([[0.88, -0.3], [0.74, -0.4], [0.56, -0.43], [0.38, -0.4], [0.21, -0.34]])
    nose = [[0, -0.02], [0, 0.18], [0, 0.38], [0, 0.56]]
    wings = [[-0.22, 0.66], [-0.11, 0.7], [0, 0.72], [0.11, 0.7], [0.22, 0.66]]
    eye = np.array([[0.74, 0.0], [0.6, -0.1], [0.42, -0.1], [0.27, 0.015], [0.41, 0.085], [0.6, 0.085]])
    upper = [
        [-0.4, 1.06],
        [-0.24, 0.98],
        [-0.09, 0.945],
        [0, 0.965],
        [0.09, 0.945],
        [0.24, 0.98],
        [0.4, 1.06],
    ]
    lower = [[0.25, 1.16], [0.1, 1.21], [0, 1.22], [-0.1, 1.21], [-0.25, 1.16]]
    inner = [[-0.2, 1.055], [0, 1.06], [0.2, 1.055], [0.2, 1.065], [0, 1.07], [-0.2, 1.065]]
    mirrored = np.array([-1, 1])
    eyes = [eye * mirrored, eye[[3, 2, 1, 0, 5, 4]]]
    flat = np.concatenate([jaw, brow * mirrored, brow[::-1], nose, wings, *eyes, upper, lower, inner])
    return np.column_stack([flat, depth(flat)])


def depth(flat: np.ndarray) -> np.ndarray:
    """How far ``flat[N, 2]`` stands out towards the camera: an egg with a nose."""
    x, y = flat[:, 0], flat[:, 1]
    egg = np.sqrt(np.clip(1 - (x / 1.25) ** 2 - ((y - 0.35) / 2.1) ** 2, 0.02, None))
    return 1.1 * egg + 0.38 * np.exp(-(((y - 0.56) / 0.28) ** 2) - (x / 0.16) ** 2)


MEAN_FACE = _mean_face()


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """One identity; equal seeds give equal people."""

    points: np.ndarray
    """``float64[66, 3]``: the neutral face in eye distances."""
    skin: np.ndarray
    hair: np.ndarray
    iris: np.ndarray
    lips: np.ndarray
    clothes: np.ndarray
    """BGR colours, ``float64[3]``."""
    brow_width: float
    hair_style: int
    """0 short, 1 long, 2 receding, 3 bun."""
    beard: float
    """0 none to 1 dense."""
    glasses: bool
    age: float
    """0 smooth to 1 lined: neutral faces carry marks too."""
    strength: float
    """How strongly this person shows an AU of given intensity."""
    asymmetry: float
    """Share by which one side moves more than the other."""


def draw_person(name: str, seed: int) -> Person:
    """The person called ``name`` in the dataset of ``seed``; F... are women, M... men, others either."""
    rng = np.random.default_rng([seed, *name.encode()])
    woman = name.startswith("F") or (not name.startswith("M") and rng.random() < 0.45)
    shade = rng.uniform(0, len(SKINS) - 1)
    skin = _between(SKINS, shade) * rng.uniform(0.94, 1.02) * rng.uniform(0.98, 1.02, 3)
    hairs = HAIRS[: 2 + int(4 * (shade < 3))]
    hair = np.array(hairs[rng.integers(len(hairs))], np.float64) * rng.uniform(0.8, 1.2)
    redden = np.array([0.72, 0.62, 0.9]) if woman else np.array([0.82, 0.74, 0.93])
    return Person(
        points=_own_proportions(rng, woman),
        skin=skin,
        hair=hair,
        iris=np.array(IRISES[rng.integers(len(IRISES)) if shade < 3 else 0], np.float64),
        lips=skin * redden * rng.uniform(0.93, 1.04, 3),
        clothes=rng.uniform(40, 200, 3),
        brow_width=float(rng.uniform(0.075, 0.11) if woman else rng.uniform(0.1, 0.15)),
        hair_style=int(rng.choice([1, 1, 3, 0]) if woman else rng.choice([0, 0, 2])),
        beard=0.0 if woman else float(rng.choice([0, 0, 0.25, 0.6]) * rng.uniform(0.6, 1)),
        glasses=bool(rng.random() < 0.15),
        age=float(rng.beta(1.2, 3)),
        strength=float(rng.uniform(0.75, 1.15)),
        asymmetry=float(rng.normal(0, 0.12)),
    )


def _between(colours: tuple[tuple[int, int, int], ...], where: float) -> np.ndarray:
    low = min(int(where), len(colours) - 2)
    a, b = np.array(colours[low], np.float64), np.array(colours[low + 1], np.float64)
    return a + (b - a) * (where - low)


def _own_proportions(rng: np.random.Generator, woman: bool) -> np.ndarray:
    """The mean face with this person's widths, heights, and resting brows and mouth."""
    p = MEAN_FACE.copy()
    p[:17, 0] *= rng.normal(0.96 if woman else 1.02, 0.04)  # jaw width
    p[5:12, 1] += rng.normal(-0.03 if woman else 0.04, 0.05)  # chin length
    p[27:36, 0] *= rng.normal(1, 0.1)
    p[48:, 0] *= rng.normal(1, 0.08)  # mouth width
    p[48:, 1] += rng.normal(0, 0.03)
    lip = rng.normal(1.1 if woman else 0.95, 0.15)
    p[list(GROUPS["lip_upper_outer"]), 1] -= 0.03 * (lip - 1)
    p[list(GROUPS["lip_lower_outer"]), 1] += 0.06 * (lip - 1)
    p[17:27, 1] += rng.normal(0, 0.035)  # low brows look a little like AU 4, high ones like AU 1 + 2
    p[list(GROUPS["brow_inner"]), 1] += rng.normal(0, 0.02)
    p[list(GROUPS["lip_corner"]), 1] += rng.normal(0, 0.02)  # a drooping mouth looks a little like AU 15
    p[list(GROUPS["lid_upper"]), 1] += rng.normal(0, 0.012)
    return p
