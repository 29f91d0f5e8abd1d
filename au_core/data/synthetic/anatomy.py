"""What each action unit does to a face: one row per AU, points it moves, skin it marks. Add a row, add an AU.

Lengths are in eye distances, x outward from the middle, y down, for an AU at intensity 5. Points are the
66 of DISFA (iBUG's 68 without the inner mouth corners), seen as mirrored groups.
"""

from dataclasses import dataclass, field

GROUPS: dict[str, tuple[int, ...]] = {
    "brow_inner": (21, 22),
    "brow_mid": (19, 20, 23, 24),
    "brow_outer": (17, 18, 25, 26),
    "lid_upper": (37, 38, 43, 44),
    "lid_lower": (40, 41, 46, 47),
    "nose_wing": (31, 32, 34, 35),
    "lip_corner": (48, 54),
    "lip_side": (49, 53, 55, 59, 60, 62, 63, 65),
    "lip_upper": (49, 50, 51, 52, 53, 60, 61, 62),
    "lip_upper_mid": (50, 51, 52, 61),
    "lip_upper_outer": (49, 50, 51, 52, 53),
    "lip_lower": (55, 56, 57, 58, 59, 63, 64, 65),
    "lip_lower_outer": (55, 56, 57, 58, 59),
    "jaw": (5, 6, 7, 8, 9, 10, 11),
}
"""Named groups of the 66 points; left of the picture and right of it move as mirror images."""

Line = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Lines in the skin of one half of the face; they follow the point they are anchored to."""

    anchor: int
    """Point (on the right half of the picture) whose displacement the lines share."""
    lines: tuple[Line, ...]
    """Polylines (x, y); mirrored for the other half."""
    width: float = 0.05
    light: bool = False
    """A bulge that catches the light instead of a furrow that loses it."""


MARKS: dict[str, Mark] = {
    "forehead_inner": Mark(
        anchor=22, lines=tuple(((0.0, y), (0.25, y - 0.02), (0.42, y + 0.05)) for y in (-0.62, -0.76, -0.9))
    ),
    "forehead_outer": Mark(
        anchor=25, lines=tuple(((0.4, y), (0.62, y - 0.05), (0.88, y + 0.06)) for y in (-0.6, -0.73, -0.86))
    ),
    "glabella": Mark(anchor=22, lines=(((0.1, -0.5), (0.07, -0.34), (0.09, -0.18)),), width=0.07),
    "brow_knot": Mark(anchor=22, lines=(((0.16, -0.3), (0.22, -0.18)),), width=0.08),
    "crows_feet": Mark(
        anchor=45,
        lines=tuple(((0.84, 0.02 + d / 3), (0.93, d), (1.0, 1.5 * d)) for d in (-0.13, 0.02, 0.17)),
        width=0.03,
    ),
    "under_eye": Mark(anchor=46, lines=(((0.26, 0.16), (0.5, 0.23), (0.76, 0.12)),), width=0.06),
    "cheek": Mark(anchor=46, lines=(((0.52, 0.5), (0.66, 0.44), (0.78, 0.42)),), width=0.3, light=True),
    "lid_tight": Mark(anchor=46, lines=(((0.3, 0.11), (0.5, 0.15), (0.7, 0.1)),), width=0.07),
    "nose_wrinkles": Mark(
        anchor=27, lines=tuple(((0.03, y + 0.03), (0.13, y), (0.2, y + 0.07)) for y in (0.02, 0.13, 0.24))
    ),
    "nasolabial": Mark(anchor=53, lines=(((0.27, 0.58), (0.44, 0.76), (0.54, 1.0)),), width=0.05),
    "nasolabial_upper": Mark(anchor=35, lines=(((0.2, 0.48), (0.32, 0.58), (0.4, 0.76)),), width=0.08),
    "dimple": Mark(
        anchor=54, lines=(((0.47, 0.95), (0.52, 1.04), (0.48, 1.14)), ((0.41, 1.0), (0.43, 1.1))), width=0.07
    ),
    "mouth_down": Mark(anchor=54, lines=(((0.4, 1.1), (0.47, 1.25), (0.46, 1.38)),), width=0.08),
    "chin_dimples": Mark(
        anchor=57,
        lines=tuple(
            ((x, y), (x + 0.05, y + 0.03)) for x, y in ((0.03, 1.43), (0.12, 1.5), (0.06, 1.56), (0.2, 1.42))
        ),
        width=0.06,
    ),
    "chin_boss": Mark(anchor=57, lines=(((0.0, 1.33), (0.16, 1.36), (0.28, 1.47)),), width=0.08),
    "lip_strokes": Mark(
        anchor=51, lines=tuple(((x, 0.86), (x * 0.9, 0.95)) for x in (0.06, 0.16, 0.25)), width=0.04
    ),
    "lip_bulge": Mark(
        anchor=51, lines=(((0.0, 0.86), (0.25, 0.88)), ((0.0, 1.25), (0.25, 1.22))), width=0.1, light=True
    ),
    "lip_press": Mark(anchor=54, lines=(((0.34, 1.02), (0.43, 1.05)),), width=0.08),
}
"""Skin marks by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """One action unit of FACS."""

    au: int
    muscle: str
    moves: dict[str, tuple[float, float]]
    """Displacement (outward, down) of each group at intensity 5."""
    marks: dict[str, float] = field(default_factory=dict)
    """Darkness of each mark at intensity 5, from 0 to 1."""


ACTIONS: dict[int, Action] = {
    action.au: action
    for action in (
        Action(
            au=1,
            muscle="frontalis, pars medialis",
            moves={"brow_inner": (0.0, -0.24), "brow_mid": (0.0, -0.08)},
            marks={"forehead_inner": 0.9},
        ),
        Action(
            au=2,
            muscle="frontalis, pars lateralis",
            moves={"brow_outer": (0.02, -0.22), "brow_mid": (0.0, -0.14)},
            marks={"forehead_outer": 0.9},
        ),
        Action(
            au=4,
            muscle="corrugator supercilii",
            moves={"brow_inner": (-0.1, 0.17), "brow_mid": (-0.04, 0.12), "brow_outer": (0.0, 0.04)},
            marks={"glabella": 1.0, "brow_knot": 0.7},
        ),
        Action(au=5, muscle="levator palpebrae superioris", moves={"lid_upper": (0.0, -0.09)}),
        Action(
            au=6,
            muscle="orbicularis oculi, pars orbitalis",
            moves={"lid_lower": (0.0, -0.05), "brow_outer": (0.0, 0.03)},
            marks={"crows_feet": 0.8, "under_eye": 0.8, "cheek": 0.9},
        ),
        Action(
            au=7,
            muscle="orbicularis oculi, pars palpebralis",
            moves={"lid_lower": (0.0, -0.06), "lid_upper": (0.0, 0.05)},
            marks={"lid_tight": 0.9},
        ),
        Action(
            au=9,
            muscle="levator labii superioris alaeque nasi",
            moves={"nose_wing": (0.03, -0.09), "brow_inner": (-0.03, 0.07), "lip_upper": (0.0, -0.04)},
            marks={"nose_wrinkles": 1.0},
        ),
        Action(
            au=10,
            muscle="levator labii superioris",
            moves={"lip_upper": (0.0, -0.06), "lip_upper_mid": (0.0, -0.06), "nose_wing": (0.03, -0.03)},
            marks={"nasolabial_upper": 1.0},
        ),
        Action(
            au=12,
            muscle="zygomaticus major",
            moves={"lip_corner": (0.17, -0.17), "lip_side": (0.09, -0.08)},
            marks={"nasolabial": 0.9},
        ),
        Action(au=14, muscle="buccinator", moves={"lip_corner": (0.05, -0.02)}, marks={"dimple": 1.0}),
        Action(
            au=15,
            muscle="depressor anguli oris",
            moves={"lip_corner": (0.02, 0.18), "lip_side": (0.01, 0.07)},
            marks={"mouth_down": 0.9},
        ),
        Action(
            au=17,
            muscle="mentalis",
            moves={"lip_lower": (0.0, -0.06), "lip_upper": (0.0, -0.02), "jaw": (0.0, -0.04)},
            marks={"chin_dimples": 1.0, "chin_boss": 0.9},
        ),
        Action(
            au=20,
            muscle="risorius",
            moves={"lip_corner": (0.2, 0.03), "lip_side": (0.1, 0.01), "lip_upper_outer": (0.0, 0.03)},
        ),
        Action(
            au=23,
            muscle="orbicularis oris",
            moves={
                "lip_corner": (-0.1, 0.0),
                "lip_side": (-0.06, 0.0),
                "lip_upper_outer": (0.0, 0.05),
                "lip_lower_outer": (0.0, -0.06),
            },
            marks={"lip_strokes": 1.0},
        ),
        Action(
            au=24,
            muscle="orbicularis oris, lips pressed",
            moves={"lip_upper_outer": (0.0, 0.075), "lip_lower_outer": (0.0, -0.1)},
            marks={"lip_bulge": 0.9, "lip_press": 0.9},
        ),
        Action(
            au=25,
            muscle="depressor labii inferioris",
            moves={"lip_lower": (0.0, 0.1), "lip_upper": (0.0, -0.02)},
        ),
        Action(
            au=26,
            muscle="masseter, relaxed",
            moves={"lip_lower": (0.0, 0.2), "jaw": (0.0, 0.2), "lip_corner": (-0.03, 0.06)},
        ),
    )
}
"""The 17 AUs coded in BP4D or DISFA (Ekman, Friesen & Hager 2002)."""
