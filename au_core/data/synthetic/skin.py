"""A person's neutral face laid flat: colours with pores, spots, brows, beard and hair, and its outline."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from au_core.data.synthetic.canvas import (
    HEIGHT,
    SCALE,
    WIDTH,
    bell,
    ellipse,
    fill,
    plane,
    smooth,
    stroke,
    to_canvas,
)  # fmt: skip
from au_core.data.synthetic.person import Person
from au_core.data.synthetic.relief import rest_normals

_SS = 2
"""Single hairs are drawn on a canvas this much larger."""
GRID = 8
"""Canvas pixels from one vertex of the skin's mesh to the next."""
_REACH = 0.24
"""How far a moved point takes the skin with it, in eye distances."""


@dataclass(frozen=True, slots=True, eq=False)
class Skin:
    """What is drawn once for a person and then only bent and lit."""

    colour: np.ndarray
    """``uint8[HEIGHT, WIDTH, 3]`` BGR."""
    cover: np.ndarray
    """``uint8[HEIGHT, WIDTH]``: 255 where there is head or hair."""
    normals: np.ndarray
    """``float32[HEIGHT, WIDTH, 3]``"""
    weights: np.ndarray
    """``float32[gh * gw, P]``: how the mesh follows the points."""


@lru_cache(maxsize=4)
def lay_out(person: Person) -> Skin:
    """The skin of a person; the last few people's are kept."""
    rng = np.random.default_rng(person.seed)
    head = _mask(_head_outline(person))
    colour = np.empty((HEIGHT, WIDTH, 3), np.float32)
    colour[:] = person.skin
    colour *= _complexion(person, rng)
    _nostrils(colour, person)
    cover = np.maximum(head, _ears(colour, head, person))
    _beard(colour, head, person, rng)
    _brows(colour, person, rng)
    cover = np.maximum(cover, _hair(colour, person, rng))
    normals = rest_normals(person)
    return Skin(colour.clip(0, 255).astype(np.uint8), cover, normals, _follow(person.points[:, :2]))


def _mask(polygon: np.ndarray, soft: float = 0.7) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    fill(mask, to_canvas(polygon), 255.0)
    return cv2.GaussianBlur(mask, (0, 0), soft)


def _share(mask: np.ndarray) -> np.ndarray:
    return mask.astype(np.float32)[..., None] / 255


def _paint(colour: np.ndarray, paint: np.ndarray, share: np.ndarray) -> None:
    """Cover ``colour`` by ``paint`` where ``share[HEIGHT, WIDTH, 1]`` says."""
    colour += (paint - colour) * share


def _head_outline(person: Person) -> np.ndarray:
    """The jaw's points, closed over the skull."""
    jaw, width = person.points[:17, :2], np.abs(person.points[[0, 16], 0]).mean()
    skull = np.array([[width * 1.03, -0.35], [width * 0.97, -0.85], [width * 0.7, -1.3], [0, -1.55]])
    return smooth(np.concatenate([jaw, skull, skull[-2::-1] * [-1, 1]]))


def _complexion(person: Person, rng: np.random.Generator) -> np.ndarray:
    """``float32[HEIGHT, WIDTH, 3]``: blood in cheeks, nose and lids; pores, freckles, moles."""
    dark = 1 - np.mean(person.skin) / 255
    blood = 0.5 * bell(0, 0.58, 0.22, 0.16) + 0.12 * bell(0, 1.05, 0.5, 0.2)
    for side in (-1, 1):
        blood += 0.6 * bell(side * 0.7, 0.52, 0.36, 0.26) + 0.3 * bell(side * 0.5, 0.03, 0.3, 0.14)
    tone = 1 - blood[..., None] * np.array([0.14, 0.12, 0.02], np.float32)
    bags = bell(-0.5, 0.17, 0.26, 0.08) + bell(0.5, 0.17, 0.26, 0.08)
    tone -= (bags * (0.05 + 0.12 * person.age))[..., None]
    cloud = cv2.resize(
        rng.normal(0, 0.02, (14, 12)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
    )
    pores = cv2.GaussianBlur(rng.normal(0, 0.05, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 0.8)
    tone += (cloud + pores * (0.5 + person.age))[..., None]
    spots = np.zeros((HEIGHT, WIDTH), np.uint8)
    for _ in range(int(rng.integers(0, 60)) if dark < 0.35 and rng.random() < 0.35 else 0):
        stroke(spots, to_canvas(rng.normal([0, 0.4], [0.5, 0.25], (1, 2))), float(rng.uniform(40, 110)), 1)
    for _ in range(int(rng.integers(0, 4))):
        place = to_canvas(rng.normal([0, 0.6], [0.6, 0.6], (1, 2)))[0]
        fill(spots, ellipse(place, 1.3, 1.3), 200.0)
    return tone * (1 - 0.4 * _share(cv2.GaussianBlur(spots, (0, 0), 0.7)))


def _nostrils(colour: np.ndarray, person: Person) -> None:
    wing, base = abs(person.points[35, 0]), person.points[33, 1]
    holes = np.zeros((HEIGHT, WIDTH), np.uint8)
    for side in (-1, 1):
        hole = ellipse((side * wing * 0.52, base - 0.035), 0.055 * wing / 0.22, 0.026)
        fill(holes, to_canvas(hole), 235.0)
        curl = np.array([[0.75, -0.16], [1.05, -0.08], [0.98, 0.0], [0.75, 0.02]]) * [side * wing, 1]
        stroke(holes, to_canvas(smooth(curl + np.array([0, base - 0.015]), False)), 90.0, 2)
    stroke(holes, to_canvas(np.array([[-0.1, base + 0.01], [0, base + 0.025], [0.1, base + 0.01]])), 60.0, 2)
    share = _share(cv2.GaussianBlur(holes, (0, 0), 1.0))
    _paint(colour, (person.skin * [0.22, 0.22, 0.32]).astype(np.float32), share * 0.85)


def _ears(colour: np.ndarray, head: np.ndarray, person: Person) -> np.ndarray:
    """Ears beside the head; returns what they cover."""
    width, cover = np.abs(person.points[[0, 16], 0]).mean(), np.zeros((HEIGHT, WIDTH), np.uint8)
    inner = cover.copy()
    for side in (-1, 1):
        fill(cover, to_canvas(ellipse((side * (width + 0.06), 0.2), 0.13, 0.3)), 255.0)
        fill(inner, to_canvas(ellipse((side * (width + 0.08), 0.2), 0.05, 0.18)), 255.0)
    outside = (1 - _share(head)) * _share(cover)
    _paint(colour, (person.skin * [0.86, 0.86, 0.95]).astype(np.float32), outside)
    _paint(
        colour,
        (person.skin * 0.66).astype(np.float32),
        (1 - _share(head)) * 0.6 * _share(cv2.GaussianBlur(inner, (0, 0), 2)),
    )
    return cover


def _hairs(rng: np.random.Generator, roots: np.ndarray, way: np.ndarray, spread: float) -> np.ndarray:
    """``uint8`` canvas of single short hairs from ``roots[N, 2]`` along ``way[N, 2]`` (eye distances)."""
    layer = np.zeros((HEIGHT * _SS, WIDTH * _SS), np.uint8)
    ends = roots + way + rng.normal(0, spread, roots.shape)
    lines = np.stack([to_canvas(roots, _SS), to_canvas(ends, _SS)], 1)
    cv2.polylines(layer, list(np.round(lines * 16).astype(np.int32)), False, (255.0,), 1, cv2.LINE_AA, 4)
    return cv2.resize(layer, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def _brows(colour: np.ndarray, person: Person, rng: np.random.Generator) -> None:
    """Five points a side, thick inside and thin outside: a soft ground and single hairs."""
    ground, hairs = np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    for line, side in ((person.points[17:22, :2][::-1], -1), (person.points[22:27, :2], 1)):
        curve = smooth(line, False, 3)
        half = np.interp(np.linspace(0, 1, len(curve)), [0, 0.2, 0.65, 1], [0.36, 0.5, 0.4, 0.12])
        half = half[:, None] * person.brow_width
        fill(ground, to_canvas(np.concatenate([curve - half * [0, 1], (curve + half * [0, 1])[::-1]])), 255.0)
        at = rng.integers(0, len(curve), 170)
        roots = curve[at] + half[at] * rng.uniform(-0.9, 1, (170, 1)) * [0, 1]
        slant = np.interp(at / len(curve), [0, 0.4, 1], [0.2, 0.75, 1])[:, None]
        way = np.concatenate([side * slant, -(1 - slant) * 0.9 - 0.1], 1) * 0.075
        hairs = np.maximum(hairs, _hairs(rng, roots, way, 0.012))
    ink = 0.45 * _share(cv2.GaussianBlur(ground, (0, 0), 1.6)) + 0.75 * _share(hairs)
    _paint(colour, (person.hair * 0.5).astype(np.float32), (ink * person.brow_density).clip(0, 0.92))


def _beard(colour: np.ndarray, head: np.ndarray, person: Person, rng: np.random.Generator) -> None:
    if person.beard <= 0:
        return
    p = person.points[:, :2]
    right = [p[14] * [0.86, 1], p[54] + [0.1, -0.1], p[35] + [0.1, 0.1], p[33] + [0, 0.07]]
    left = [p[31] + [-0.1, 0.1], p[48] + [-0.1, -0.1], p[2] * [0.86, 1]]
    cheeks = np.concatenate([p[1:16], right, left])
    area = cv2.GaussianBlur(np.minimum(_mask(smooth(cheeks)), head), (0, 0), 3.5)
    n = 1400
    roots = np.stack([rng.uniform(-1.1, 1.1, n), rng.uniform(0.4, 1.9, n)], 1)
    short = 0.02 + 0.07 * person.beard
    hairs = _hairs(rng, roots, np.stack([roots[:, 0] * 0.3, np.ones(n)], 1) * short, 0.02)
    ink = _share(area) * (0.5 * person.beard + (0.25 + 0.45 * person.beard) * _share(hairs))
    _paint(colour, (person.hair * 0.62 + person.skin * 0.12).astype(np.float32), ink.clip(0, 0.95))


_HAIRLINES = {"short": -0.92, "long": -0.9, "receding": -1.22, "bun": -0.95, "curly": -0.88, "fringe": -0.48}


def _hair(colour: np.ndarray, person: Person, rng: np.random.Generator) -> np.ndarray:
    """Hair over the skull; returns what it covers."""
    if person.hair_style == "bald":
        return np.zeros((HEIGHT, WIDTH), np.uint8)
    line, volume = _HAIRLINES[person.hair_style] + rng.normal(0, 0.03), rng.uniform(0.06, 0.14)
    width = np.abs(person.points[[0, 16], 0]).mean()
    low = {"long": 0.9, "curly": 0.25, "fringe": 0.7}.get(person.hair_style, -0.1)
    volume += {"curly": 0.2, "long": 0.06}.get(person.hair_style, 0)
    temple = 0.9 if person.hair_style in ("long", "curly", "fringe") else 0.97
    part = rng.uniform(-0.3, 0.3)
    half = np.array(
        [[width, low], [width * temple, -0.3], [width * 0.84, line + 0.3], [width * 0.5, line + 0.06]]
    )
    front = np.concatenate([half * [-1, 1], [[part, line]], half[::-1]])
    out = width + volume
    back = np.array(
        [[out, low], [out * 1.03, -0.3], [out * 0.98, -0.9], [out * 0.66, -1.48], [0, -1.66 - volume]]
    )
    back = np.concatenate([back, back[-2::-1] * [-1, 1]])
    mask = _mask(
        smooth(np.concatenate([front, back]), rounds=3), 1.0 if person.hair_style != "curly" else 1.6
    )
    strands = _strands(person, rng, part)
    _paint(colour, person.hair.astype(np.float32) * strands[..., None], _share(mask))
    edge = cv2.GaussianBlur(mask, (0, 0), 4).astype(np.float32) / 255 * (1 - _share(mask)[..., 0])
    colour *= 1 - 0.35 * edge[..., None]  # the shadow it throws
    return mask


def _strands(person: Person, rng: np.random.Generator, part: float) -> np.ndarray:
    """``float32[HEIGHT, WIDTH]``: light and dark strands, combed from the parting, or curls."""
    x, y = plane()
    if person.hair_style == "curly":
        noise = rng.normal(0, 1, (HEIGHT // 4, WIDTH // 4)).astype(np.float32)
        curls = cv2.GaussianBlur(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), (0, 0), 1)
        return 0.95 + (0.2 if person.hair.mean() < 100 else 0.09) * np.tanh(1.5 * curls)
    angle = np.arctan2(x - part, 1.75 + y) * 90 + 2.5 * np.sin(3 * y + 2 * x)
    fine = np.interp(angle, np.arange(-170, 171), rng.normal(0, 1, 341)).astype(np.float32)
    broad = np.interp(angle, np.arange(-170, 171, 6), rng.normal(0, 1, 57)).astype(np.float32)
    sheen = 0.3 * np.exp(-(((y + 1.25 + 0.2 * x**2) / 0.16) ** 2))
    return 0.95 + 0.13 * fine + 0.12 * broad + sheen


def _follow(points: np.ndarray) -> np.ndarray:
    """``float32[gh * gw, P]``: each mesh vertex's displacement as a sum of the points'.

    Ridge regression on Gaussians; points far off stay where they are.
    """
    far = np.array([[x, y] for y in (-1.9, -1.3) for x in (-1.7, -0.6, 0.6, 1.7)])
    far = np.concatenate([far, [[s * 1.35, y] for s in (-1, 1) for y in (-0.5, 0.2, 0.9, 1.6)]])
    centres = np.concatenate([points, far])
    y, x = np.mgrid[0:HEIGHT:GRID, 0:WIDTH:GRID]
    vertices = (np.stack([x.ravel(), y.ravel()], 1) - to_canvas(np.zeros((1, 2)))) / SCALE
    kernel = _gauss(centres, centres) + 0.06 * np.eye(len(centres))
    solved = np.linalg.solve(kernel, _gauss(centres, vertices)).T
    return solved[:, : len(points)].astype(np.float32)


def _gauss(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / (2 * _REACH**2))
