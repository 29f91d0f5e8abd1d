"""What each action unit does to a face: one row per AU, points it moves, skin it folds. Add a row, add an AU.

Lengths are in eye distances, x outward from the middle, y down, for an AU at intensity 5. Points are the
66 of DISFA (iBUG's 68 without the inner mouth corners), then some of the skin between; the skin follows.
"""

from collections.abc import Iterator, Mapping
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
    "cheek": (66, 67),
    "under_eye": (68, 69),
    "forehead_inner": (70, 71),
    "forehead_outer": (72, 73),
    "glabella": (74, 75),
    "nose_side": (76, 77),
    "chin": (78, 79),
    "mouth_side": (80, 81),
}
"""Named groups of points; left of the picture and right of it move as mirror images."""

Line = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Mark:
    """Relief in the skin of one half of the neutral face, mirrored for the other; it moves with the skin."""

    lines: tuple[Line, ...]
    """Polylines (x, y) in the middle of the fold."""
    width: float = 0.05
    """Of the fold, in eye distances."""
    height: float = -1.0
    """Negative: a furrow, which loses light; positive: a bulge, which catches it."""


def _bow(y: float, *xy: tuple[float, float]) -> Line:
    return tuple((x, y + dy) for x, dy in xy)


MARKS: dict[str, Mark] = {
    "forehead_inner": Mark(
        lines=tuple(_bow(y, (0, 0.0), (0.2, -0.02), (0.42, 0.03)) for y in (-0.6, -0.74, -0.88)), width=0.05
    ),
    "forehead_outer": Mark(
        lines=tuple(_bow(y, (0.42, 0), (0.62, -0.05), (0.86, 0.07)) for y in (-0.58, -0.71, -0.84)),
        width=0.05,
    ),
    "omega": Mark(lines=(((0.0, -0.6), (0.16, -0.52), (0.2, -0.44)),), width=0.07),
    "glabella": Mark(lines=(((0.1, -0.48), (0.075, -0.34), (0.1, -0.2)),), width=0.07, height=-1.3),
    "brow_knot": Mark(lines=(((0.17, -0.26), (0.27, -0.2)),), width=0.13, height=0.7),
    "crows_feet": Mark(
        lines=tuple(((0.86, 0.01 + d / 3), (0.95, d), (1.02, 1.5 * d)) for d in (-0.12, 0.03, 0.17)),
        width=0.035,
    ),
    "eye_bag": Mark(lines=(((0.26, 0.18), (0.5, 0.27), (0.78, 0.17)),), width=0.055),
    "cheek": Mark(lines=(((0.5, 0.47), (0.66, 0.41), (0.8, 0.4)),), width=0.27, height=1.6),
    "lid_tight": Mark(lines=(((0.28, 0.1), (0.5, 0.155), (0.72, 0.1)),), width=0.05, height=-0.8),
    "lid_bulge": Mark(lines=(((0.3, 0.15), (0.5, 0.19), (0.7, 0.15)),), width=0.09, height=0.7),
    "nose_wrinkles": Mark(
        lines=tuple(((0.0, y + 0.02), (0.1, y), (0.17, y + 0.07)) for y in (-0.02, 0.09, 0.2)),
        width=0.045,
        height=-1.2,
    ),
    "nose_fold": Mark(lines=(((0.14, 0.26), (0.24, 0.42), (0.29, 0.55)),), width=0.06),
    "nasolabial": Mark(
        lines=(((0.26, 0.6), (0.42, 0.74), (0.53, 0.93), (0.55, 1.06)),), width=0.07, height=-1.2
    ),
    "nasolabial_cheek": Mark(lines=(((0.4, 0.62), (0.56, 0.8), (0.64, 0.98)),), width=0.2, height=1.0),
    "nasolabial_upper": Mark(lines=(((0.22, 0.52), (0.33, 0.6), (0.42, 0.76)),), width=0.075, height=-1.3),
    "dimple": Mark(lines=(((0.47, 0.97), (0.5, 1.06), (0.46, 1.15)),), width=0.075, height=-1.6),
    "dimple_bulge": Mark(lines=(((0.57, 0.98), (0.6, 1.08), (0.56, 1.17)),), width=0.13, height=0.9),
    "mouth_down": Mark(lines=(((0.4, 1.12), (0.46, 1.24), (0.45, 1.38)),), width=0.075, height=-1.2),
    "chin_dimples": Mark(
        lines=tuple(
            ((x, y), (x + 0.03, y + 0.02))
            for x, y in ((0.03, 1.4), (0.13, 1.42), (0.07, 1.48), (0.19, 1.47), (0.02, 1.55), (0.13, 1.55))
        ),
        width=0.04,
        height=-1.3,
    ),
    "chin_boss": Mark(lines=(((0.0, 1.46), (0.16, 1.48)),), width=0.24, height=1.3),
    "chin_groove": Mark(lines=(((0.0, 1.3), (0.16, 1.33), (0.27, 1.43)),), width=0.06, height=-1.2),
    "lip_strokes": Mark(
        lines=tuple(((x, 0.82), (x * 0.92, 0.94)) for x in (0.07, 0.16, 0.25, 0.33)), width=0.03, height=-1.0
    ),
    "lip_bulge": Mark(
        lines=(((0.0, 0.88), (0.26, 0.92)), ((0.0, 1.26), (0.26, 1.22))), width=0.12, height=1.1
    ),
    "lip_press": Mark(lines=(((0.36, 1.03), (0.46, 1.06)),), width=0.07, height=-1.2),
    "stretch": Mark(lines=(((0.52, 1.0), (0.57, 1.12), (0.54, 1.24)),), width=0.06, height=-0.9),
}
"""Reliefs of the skin by name."""

Moves = dict[str, tuple[float, float]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Action:
    """One action unit of FACS, or what a pair of them does beyond both."""

    muscle: str
    moves: Moves
    """Displacement (outward, down) of each group at intensity 5."""
    marks: dict[str, float] = field(default_factory=dict)
    """Depth of each mark at intensity 5, about from 0 to 1."""


ACTIONS: dict[int, Action] = {
    1: Action(
        muscle="frontalis, pars medialis",
        moves={"brow_inner": (0.01, -0.24), "brow_mid": (0, -0.08), "forehead_inner": (0, -0.1)},
        marks={"forehead_inner": 1.0},
    ),
    2: Action(
        muscle="frontalis, pars lateralis",
        moves={"brow_outer": (0.02, -0.2), "brow_mid": (0, -0.14), "forehead_outer": (0, -0.09)},
        marks={"forehead_outer": 1.0},
    ),
    4: Action(
        muscle="corrugator supercilii, depressor supercilii",
        moves={
            "brow_inner": (-0.1, 0.15),
            "brow_mid": (-0.05, 0.12),
            "brow_outer": (0, 0.05),
            "glabella": (-0.02, 0.05),
        },
        marks={"glabella": 1.0, "brow_knot": 0.8},
    ),
    5: Action(muscle="levator palpebrae superioris", moves={"lid_upper": (0, -0.085)}),
    6: Action(
        muscle="orbicularis oculi, pars orbitalis",
        moves={
            "lid_lower": (0, -0.045),
            "cheek": (0.02, -0.1),
            "under_eye": (0, -0.07),
            "brow_outer": (0, 0.03),
        },
        marks={"crows_feet": 0.9, "eye_bag": 0.9, "cheek": 1.0},
    ),
    7: Action(
        muscle="orbicularis oculi, pars palpebralis",
        moves={"lid_lower": (0, -0.06), "lid_upper": (0, 0.03), "under_eye": (0, -0.02)},
        marks={"lid_tight": 1.0, "lid_bulge": 1.0},
    ),
    9: Action(
        muscle="levator labii superioris alaeque nasi",
        moves={
            "nose_wing": (0.03, -0.08),
            "nose_side": (0, -0.07),
            "brow_inner": (-0.03, 0.06),
            "lip_upper": (0, -0.03),
        },
        marks={"nose_wrinkles": 1.0, "nose_fold": 0.8},
    ),
    10: Action(
        muscle="levator labii superioris",
        moves={
            "lip_upper": (0, -0.05),
            "lip_upper_mid": (0, -0.05),
            "nose_wing": (0.03, -0.03),
            "cheek": (0, -0.03),
        },
        marks={"nasolabial_upper": 1.0},
    ),
    12: Action(
        muscle="zygomaticus major",
        moves={
            "lip_corner": (0.12, -0.15),
            "lip_side": (0.085, -0.085),
            "mouth_side": (0.08, -0.06),
            "cheek": (0.02, -0.04),
        },
        marks={"nasolabial": 0.9, "nasolabial_cheek": 0.8},
    ),
    14: Action(
        muscle="buccinator",
        moves={"lip_corner": (0.05, 0.0), "mouth_side": (-0.03, 0)},
        marks={"dimple": 1.0, "dimple_bulge": 0.8},
    ),
    15: Action(
        muscle="depressor anguli oris",
        moves={"lip_corner": (0.02, 0.13), "lip_side": (0.01, 0.065), "mouth_side": (0, 0.05)},
        marks={"mouth_down": 1.0},
    ),
    17: Action(
        muscle="mentalis",
        moves={"lip_lower": (0, -0.06), "lip_upper": (0, -0.03), "chin": (0, -0.09), "jaw": (0, -0.03)},
        marks={"chin_dimples": 1.0, "chin_boss": 0.9, "chin_groove": 0.9},
    ),
    20: Action(
        muscle="risorius, platysma",
        moves={"lip_corner": (0.17, 0.03), "lip_side": (0.09, 0.01), "mouth_side": (0.1, 0.02)},
        marks={"stretch": 0.9},
    ),
    23: Action(
        muscle="orbicularis oris, lips tightened",
        moves={
            "lip_corner": (-0.09, 0),
            "lip_side": (-0.05, 0),
            "lip_upper_outer": (0, 0.035),
            "lip_lower_outer": (0, -0.045),
        },
        marks={"lip_strokes": 1.0},
    ),
    24: Action(
        muscle="orbicularis oris, lips pressed",
        moves={"lip_upper_outer": (0, 0.06), "lip_lower_outer": (0, -0.085), "lip_corner": (-0.02, 0.01)},
        marks={"lip_bulge": 1.0, "lip_press": 0.9},
    ),
    25: Action(
        muscle="depressor labii inferioris, or orbicularis oris relaxed",
        moves={"lip_lower": (0, 0.11), "lip_upper": (0, -0.025)},
    ),
    26: Action(
        muscle="masseter, relaxed",
        moves={"lip_lower": (0, 0.2), "jaw": (0, 0.2), "chin": (0, 0.2), "lip_corner": (-0.03, 0.06)},
    ),
}
"""The 17 AUs coded in BP4D or DISFA (Ekman, Friesen & Hager 2002)."""

PAIRS: dict[tuple[int, int], Action] = {
    (1, 4): Action(
        muscle="the brow of grief: inner ends up and together",
        moves={"brow_inner": (0.0, -0.08), "brow_outer": (0, 0.03)},
        marks={"omega": 0.9, "forehead_inner": 0.3},
    ),
    (6, 12): Action(
        muscle="the cheek is pushed up from both sides",
        moves={"cheek": (0.02, -0.03), "lid_lower": (0, -0.015)},
        marks={"crows_feet": 0.3, "eye_bag": 0.3, "cheek": 0.4},
    ),
    (12, 15): Action(
        muscle="pulled up and down, the corners go outward",
        moves={"lip_corner": (0.02, 0.02), "lip_side": (0.01, 0.01)},
        marks={"dimple": 0.4, "nasolabial": -0.2},
    ),
    (25, 26): Action(muscle="the dropped jaw has parted the lips already", moves={"lip_lower": (0, -0.07)}),
}
"""What two AUs do together beyond their sum; in force with the weaker of the two."""

HABITS: dict[str, Action] = {
    "blink": Action(
        muscle="levator palpebrae relaxed", moves={"lid_upper": (0, 0.24), "lid_lower": (0, -0.01)}
    ),
    "speak_open": Action(
        muscle="jaw in speech", moves={"lip_lower": (0, 0.07), "jaw": (0, 0.05), "chin": (0, 0.05)}
    ),
    "speak_round": Action(
        muscle="lips in speech",
        moves={"lip_corner": (-0.07, 0), "lip_side": (-0.03, 0), "lip_upper_mid": (0, 0.01)},
    ),
}
"""Movements that are no AU and that no one codes, from 0 to 5 as well."""

Table = Mapping[int, Action]


def active_actions(
    shown: Mapping[int | str, float], actions: Table = ACTIONS
) -> Iterator[tuple[float, Action]]:
    """Each action with its strength in [0, 1]; pairs of AUs with the weaker one's."""
    for key, intensity in shown.items():
        yield intensity / 5, HABITS[key] if isinstance(key, str) else actions[key]
    for (a, b), action in PAIRS.items():
        if a in shown and b in shown:
            yield min(shown[a], shown[b]) / 5, action
