"""Early warnings: a game that has gone wrong, seen in the reports of a training."""

from collections.abc import Sequence
from typing import Any

CERTAIN = 0.98
"""Share of vectors from which on D counts as right all the time."""
BY_HEART = 0.15
"""How much better D may know real vectors it learned from than others."""
MORE_THAN_CHANCE = 0.6
"""Share of real vectors from which on D has learned something at all."""
ONE_ANSWER = 0.01
"""Standard deviation of probabilities over faces below which R gives all faces the same answer."""
IN_A_ROW = 2
"""Reports in a row that must agree, so that a bad start alone warns nobody."""


def warnings_of(lines: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Warnings by name from the ``lines`` of a training's history, judged by its last reports."""
    last = lines[-IN_A_ROW:]
    if len(last) < IN_A_ROW:
        return {}
    found = {
        "d_wins": (
            min(_all(last, "train/d_real", "train/d_fake"), default=0) >= CERTAIN,
            "D is right all the time; if it only tells R's probabilities from 0 and 1, its gradient pushes "
            "them there and teaches little else. Try relaxed, label_smoothing, noise or a smaller lr_d",
        ),
        "by_heart": (
            min(_gaps(last, "train/d_real", "val/d_real"), default=0) > BY_HEART
            and min(_all(last, "train/d_real"), default=0) > MORE_THAN_CHANCE,
            "D knows its real label vectors by heart (it calls those of the validation subjects fake more "
            "often); a label_prior brings more of them, a smaller alpha lets D matter less",
        ),
        "r_collapses": (
            max(_all(last, "val/prob_std") or _all(last, "train/prob_std"), default=1) < ONE_ANSWER,
            "R gives every face the same answer; try a smaller lr_r, or alpha where it is not 0",
        ),
    }
    return {name: text for name, (holds, text) in found.items() if holds}


def _all(lines: Sequence[dict[str, Any]], *keys: str) -> list[float]:
    """Values of ``keys`` in all ``lines``; nothing where one lacks one."""
    values = [line.get(key) for line in lines for key in keys]
    return [value for value in values if value is not None] if None not in values else []


def _gaps(lines: Sequence[dict[str, Any]], high: str, low: str) -> list[float]:
    highs, lows = _all(lines, high), _all(lines, low)
    return [a - b for a, b in zip(highs, lows, strict=False)]
