"""A training between two steps: what a checkpoint holds."""

import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from au_core.data.files import whole
from au_core.errors import CheckpointError
from au_core.training.game import Game

KEPT = 2
"""Checkpoints kept: should the last be damaged, the one before still goes on."""


def save_state(game: Game, step: int, best: float, folder: Path) -> None:
    """Write networks, optimisers, step and best validation score so far; batches follow from the step.

    The last ``KEPT`` up to this one stay. Later ones are left alone: either they are damaged, and written
    anew when their step comes again, or they are of workers that have taken over from these.

    Raises:
        FullDiskError: there is no room; the checkpoints before are untouched.
    """
    state, path = {**game.state(), "step": step, "best": best}, folder / f"step={step:08d}.pt"
    with whole(path) as temporary:
        torch.save(state, temporary)
    for old in [other for other in _checkpoints(folder) if other <= path][:-KEPT]:
        old.unlink(missing_ok=True)


def restore(game: Game, folder: Path) -> tuple[int, float]:
    """Put the newest readable checkpoint into ``game``; returns its step and best score, or (0, -1).

    Nothing is unpickled. A damaged file is passed over with a warning, and work since the one before is
    done again.

    Raises:
        CheckpointError: a whole checkpoint is of other networks.
        OSError, MemoryError: none can be read now, though they may be whole.
    """
    unread = None
    for path in reversed(_checkpoints(folder)):
        try:
            state = _read(path)
        except Exception as error:  # a damaged archive can fail in many ways
            warnings.warn(f"{path}: cannot be loaded ({error}); using the one before", stacklevel=2)
            unread = error if isinstance(error, (OSError, MemoryError)) else unread
            continue
        try:
            game.load(state)
        except (KeyError, RuntimeError, ValueError) as error:
            advice = f"perhaps of another version; remove {folder} to train again"
            raise CheckpointError(f"{path}: of other networks, {advice} ({error})") from error
        return state["step"], state["best"]
    if unread:
        raise unread
    return 0, -1.0


def _read(path: Path) -> dict[str, Any]:
    """A checkpoint as tensors, numbers and texts; checksums first, which torch writes but never compares."""
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise CheckpointError(f"{damaged} is damaged")
    return torch.load(path, map_location="cpu", weights_only=True)


def _checkpoints(folder: Path) -> list[Path]:
    """Checkpoint files, oldest first."""
    return sorted(folder.glob("step=*.pt"))
