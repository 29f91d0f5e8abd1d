"""Who is drawn: one identity from a seed, over the whole human range of colours and proportions."""

from dataclasses import dataclass

import numpy as np

from au_core.data.synthetic.anatomy import GROUPS

SKINS = (
    (182, 200, 232),
    (164, 188, 226),
    (144, 174, 220),
    (106, 142, 196),
    (74, 104, 156),
    (50, 70, 112),
    (38, 52, 82),
)
HAIRS = (
    (26, 28, 32),
    (34, 46, 68),
    (48, 74, 112),
    (96, 140, 182),
    (150, 154, 158),
    (40, 66, 128),
    (196, 198, 200),
)
IRISES = ((34, 52, 84), (50, 78, 112), (150, 124, 88), (96, 118, 84), (28, 38, 54), (160, 150, 130))
"""BGR: light to dark skin; black, brown, chestnut, blond, grey, red, white hair; brown to grey eyes."""


def _mean_face() -> np.ndarray:
    """``float64[82, 3]``: x, y, z of a symmetric face in eye distances, the origin between the eyes."""
    angle = np.linspace(-1, 1, 17)
    jaw = np.stack([1.05 * np.sin(angle * 1.5), 0.12 + 1.6 * np.cos(angle * 1.45) ** 0.85], 1)
    brow = np.array([[0.85, -0.24], [0.72, -0.33], [0.55, -0.36], [0.37, -0.335], [0.2, -0.28]])
    nose = [[0, -0.02], [0, 0.19], [0, 0.4], [0, 0.58]]
    wings = [[-0.24, 0.69], [-0.12, 0.73], [0, 0.75], [0.12, 0.73], [0.24, 0.69]]
    eye = np.array([[0.72, 0.02], [0.58, -0.07], [0.38, -0.07], [0.22, 0.045], [0.37, 0.105], [0.58, 0.105]])
    upper = [[-0.4, 1.03], [-0.22, 0.96], [-0.08, 0.93], [0, 0.945], [0.08, 0.93], [0.22, 0.96], [0.4, 1.03]]
    lower = [[0.25, 1.14], [0.1, 1.195], [0, 1.205], [-0.1, 1.195], [-0.25, 1.14]]
    inner = [[-0.2, 1.025], [0, 1.03], [0.2, 1.025], [0.2, 1.03], [0, 1.035], [-0.2, 1.03]]
    skin = [
        [0.68, 0.44],
        [0.5, 0.24],
        [0.2, -0.7],
        [0.62, -0.7],
        [0.09, -0.28],
        [0.15, 0.3],
        [0.14, 1.44],
        [0.62, 1.06],
    ]
    mirrored = np.array([-1, 1])
    eyes = [eye * mirrored, eye[[3, 2, 1, 0, 5, 4]]]
    both = np.stack([np.array(skin) * mirrored, np.array(skin)], 1).reshape(-1, 2)
    flat = np.concatenate([jaw, brow * mirrored, brow[::-1], nose, wings, *eyes, upper, lower, inner, both])
    return np.column_stack([flat, depth(flat)])


def depth(flat: np.ndarray) -> np.ndarray:
    """How far ``flat[..., 2]`` stands out towards the camera: a paraboloid with a nose."""
    x2, y = flat[..., 0] ** 2, flat[..., 1]
    nose = 0.3 * np.exp(-(((y - 0.57) / 0.26) ** 2) - x2 / 0.028)
    bridge = 0.12 * np.exp(-(((y - 0.15) / 0.3) ** 2) - x2 / 0.03)
    return 1.1 - 0.5 * x2 - 0.16 * (y - 0.35) ** 2 + nose + bridge


MEAN_FACE = _mean_face()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Person:
    """One identity; equal seeds give equal people."""

    name: str
    points: np.ndarray
    """``float64[82, 3]``: the neutral face in eye distances."""
    skin: np.ndarray
    hair: np.ndarray
    iris: np.ndarray
    lips: np.ndarray
    clothes: np.ndarray
    """BGR colours, ``float64[3]``."""
    brow_width: float
    brow_density: float
    hair_style: str
    """``bald``, or one of those that ``skin.py`` knows the hairline of."""
    beard: float
    """0 none, 0.3 stubble, to 1 dense."""
    glasses: int
    """0 none, 1 round, 2 square, 3 rimless."""
    age: float
    """0 smooth to 1 lined: neutral faces carry marks too."""
    strength: float
    """How strongly this person shows an AU of given intensity."""
    faintness: float
    """Exponent from intensity to what is seen: the higher, the fainter weak AUs are."""
    folds: float
    """How deep this person's skin folds."""
    asymmetry: float
    """Share by which one side moves more than the other."""
    seed: int
    """Of spots, pores and single hairs."""

    def seen(self, intensity: float) -> float:
        """How strongly (0 to about 6) an AU of an intensity from 0 to 5 shows on this person."""
        return 5 * (intensity / 5) ** self.faintness * self.strength


def draw_person(name: str, seed: int, difficulty: float = 1.0) -> Person:
    """The person called ``name`` in the dataset of ``seed``; F... are women, M... men, others either."""
    rng = np.random.default_rng([seed, 5, *name.encode()])
    woman = name.startswith("F") or (not name.startswith("M") and rng.random() < 0.45)
    shade, age = rng.uniform(0, len(SKINS) - 1), float(rng.beta(1.2, 2.2))
    skin = _between(SKINS, shade) * rng.uniform(0.95, 1.02) * rng.uniform(0.98, 1.02, 3)
    redden = np.array([0.74, 0.66, 0.93]) if woman else np.array([0.82, 0.76, 0.95])
    fair = shade < 3
    hair = 6 if age > 0.8 else 4 if age > 0.65 else rng.choice([0, 1, 2, 3, 5] if fair else [0, 0, 1])
    style = rng.choice(
        ["long", "long", "bun", "short", "curly", "fringe"]
        if woman
        else ["short", "short", "receding", "bald", "curly"]
    )
    spread = 0.5 + 0.5 * difficulty
    return Person(
        name=name,
        points=_own_proportions(rng, woman, difficulty),
        skin=skin,
        hair=np.array(HAIRS[hair], np.float64) * rng.uniform(0.85, 1.15),
        iris=np.array(IRISES[rng.integers(len(IRISES)) if fair else rng.choice([0, 4])], np.float64),
        lips=skin * redden * rng.uniform(0.95, 1.03, 3),
        clothes=rng.uniform(30, 190) + rng.normal(0, 22, 3),
        brow_width=float(rng.uniform(0.07, 0.105) if woman else rng.uniform(0.09, 0.14)),
        brow_density=float(rng.uniform(0.45, 1.0)),
        hair_style=str(style),
        beard=0.0 if woman else float(rng.choice([0.0, 0.0, 0.3, 0.9]) * rng.uniform(0.7, 1)),
        glasses=int(rng.integers(1, 4)) if rng.random() < 0.2 else 0,
        age=age,
        strength=float(np.exp(rng.normal(0, 0.16 * spread) - 0.02 * difficulty)),
        faintness=0.9 + 0.15 * difficulty,
        folds=float(np.clip(0.55 + 0.6 * age + rng.normal(0, 0.15 * spread), 0.25, 1.4)),
        asymmetry=float(rng.normal(0, 0.12 * spread)),
        seed=int(rng.integers(2**31)),
    )


def _between(colours: tuple[tuple[int, int, int], ...], where: float) -> np.ndarray:
    low = min(int(where), len(colours) - 2)
    a, b = np.array(colours[low], np.float64), np.array(colours[low + 1], np.float64)
    return a + (b - a) * (where - low)


def _own_proportions(rng: np.random.Generator, woman: bool, difficulty: float) -> np.ndarray:
    """The mean face with this person's widths and heights, and a rest that looks a little like some AU."""
    p = MEAN_FACE.copy()
    skull = rng.normal(0.95 if woman else 1.01, 0.035)
    p[:17, 0] *= skull * (1 + rng.normal(0, 0.035) * np.abs(np.linspace(-1, 1, 17)))  # jaw width, cheek width
    chin = rng.normal(-0.04 if woman else 0.03, 0.05)
    p[4:13, 1] += chin
    p[27:36, 0] *= rng.normal(0.96 if woman else 1.05, 0.11)
    p[29:36, 1] += rng.normal(0, 0.025)
    mouth = rng.normal(0, 0.03) + 0.3 * chin
    p[48:66, 0] *= rng.normal(1, 0.08)
    p[48:66, 1] += mouth
    p[78:82, 1] += mouth
    lip = rng.normal(0.25 if woman else -0.1, 0.5)
    p[list(GROUPS["lip_upper_outer"]), 1] -= 0.02 * lip
    p[list(GROUPS["lip_lower_outer"]), 1] += 0.03 * lip
    for group, spread in (("lid_upper", 0.012), ("lid_lower", 0.008), ("brow_outer", 0.02)):
        p[list(GROUPS[group]), 1] += rng.normal(0, spread)
    p[17:27, 0] *= rng.normal(1, 0.03)
    mimic = 0.25 + 0.4 * difficulty
    p[17:27, 1] += np.clip(
        rng.normal(0.01, 0.035 * mimic), -0.08, 0.07
    )  # low brows look like AU 4, high ones like 1 + 2
    p[list(GROUPS["brow_inner"]), 1] += rng.normal(0, 0.025 * mimic)
    p[list(GROUPS["lip_corner"]), 1] += rng.normal(0, 0.028 * mimic)  # a drooping mouth looks like AU 15
    p[list(GROUPS["lid_upper"]), 1] += abs(rng.normal(0, 0.014 * mimic))  # heavy lids look like AU 7
    return p
