"""Pictures to look at: what each AU does, who is drawn, and a sequence as a strip or a video."""

from collections.abc import Mapping

import cv2
import numpy as np

from au_core.aus import AU_NAMES, au_column
from au_core.config import SyntheticConfig
from au_core.data.synthetic.anatomy import ACTIONS
from au_core.data.synthetic.expression import AUS, COLUMNS
from au_core.data.synthetic.film import film, play
from au_core.data.synthetic.geometry import Pose
from au_core.data.synthetic.person import draw_person
from au_core.data.synthetic.render import render_face
from au_core.data.synthetic.scene import draw_scene

EDGE = 144
"""Pixels of a face in a sheet."""
LABEL = 150
SMILE: dict[int | str, float] = {6: 3.0, 7: 1.5, 10: 1.5, 12: 4.0, 25: 2.5}


def action_sheet(cfg: SyntheticConfig) -> np.ndarray:
    """A row for each AU, from intensity 0 to 5 on each of three people, as ``uint8[H, W, 3]`` BGR."""
    people = ("F012", "M003", "M013")
    rows = [
        np.concatenate(
            [_label(au), *(portrait(cfg, name, {au: float(i)}) for name in people for i in range(6))], 1
        )
        for au in ACTIONS
    ]
    return np.concatenate(rows)


def people_sheet(cfg: SyntheticConfig) -> np.ndarray:
    """Twenty people, each neutral and smiling, as ``uint8[H, W, 3]`` BGR."""
    names = [f"{sex}{i:03}" for i in range(1, 11) for sex in "FM"]
    pairs = [np.concatenate([portrait(cfg, name, shown) for shown in ({}, SMILE)], 1) for name in names]
    return np.concatenate([np.concatenate(pairs[i : i + 5], 1) for i in range(0, 20, 5)])


def portrait(cfg: SyntheticConfig, name: str, shown: Mapping[int | str, float]) -> np.ndarray:
    """``uint8[EDGE, EDGE, 3]``: one person from the front."""
    rng = np.random.default_rng([cfg.seed, 7, *name.encode()])
    person = draw_person(name, cfg.seed, cfg.difficulty)
    face, _ = render_face(person, shown, Pose(), draw_scene(rng, person, Pose(), cfg.difficulty / 2), rng)
    return cv2.resize(face[28:236, 24:232], (EDGE, EDGE), interpolation=cv2.INTER_AREA)


def strip(cfg: SyntheticConfig, subject: str = "F001", sequence: str = "T1", frames: int = 14) -> np.ndarray:
    """``frames`` pictures of one sequence side by side, the written AUs below each."""
    filmed = annotated_frames(cfg, subject, sequence)
    chosen = [filmed[round(i)] for i in np.linspace(0, len(filmed) - 1, frames)]
    return np.concatenate(chosen, 1)


def annotated_frames(cfg: SyntheticConfig, subject: str, sequence: str) -> list[np.ndarray]:
    """Each frame of a sequence, ``uint8[320, 256, 3]``, with the AUs that are written for it."""
    played = play(cfg, subject, sequence)
    pictures = (image for image, _ in film(cfg, subject, sequence, played.shown))
    return [_with_words(image, codes) for image, codes in zip(pictures, played.codes, strict=True)]


def _with_words(image: np.ndarray, codes: np.ndarray) -> np.ndarray:
    board = np.full((64, image.shape[1], 3), 255, np.uint8)
    words = [f"{COLUMNS[i]}:{codes[i]}" for i in range(len(AUS)) if codes[i] >= 2]
    for i, word in enumerate(words[:12]):
        where = (6 + 62 * (i % 4), 18 + 18 * (i // 4))
        cv2.putText(board, word, where, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (40, 40, 40), 1, cv2.LINE_AA)
    return np.concatenate([image, board])


def _label(au: int) -> np.ndarray:
    cell = np.full((EDGE, LABEL, 3), 255, np.uint8)
    words = [au_column(au), *AU_NAMES.get(au, "").split(" ")]
    for line, word in enumerate(words):
        size, weight = (0.6, 2) if line == 0 else (0.42, 1)
        where = (8, 40 + 19 * line)
        cv2.putText(cell, word, where, cv2.FONT_HERSHEY_SIMPLEX, size, (40, 40, 40), weight, cv2.LINE_AA)
    return cell
