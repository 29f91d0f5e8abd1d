"""The history of a training: a line per report, which people and MLflow read while it goes on."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from au_core.data.files import write_text
from au_core.run_folder import read_history
from au_core.training.workers import gathered


class History:
    """``history.jsonl``: one line per report, with the means of all workers' losses since the last one.

    Each worker has one; the first of them writes.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.seconds = path, 0.0
        self.restart()

    def begin_after(self, step: int) -> None:
        """Go on after ``step``: later lines belong to work that was lost and is done again."""
        lines = [line for line in read_history(self.path) if line["step"] <= step]
        self.seconds = lines[-1]["seconds"] if lines else 0.0
        write_text("".join(json.dumps(line) + "\n" for line in lines), self.path)

    def restart(self) -> None:
        """Measure from now on: after validation and checkpoint."""
        self.started, self.images = time.perf_counter(), 0
        self.losses: dict[str, list[Tensor]] = {}

    def add(self, losses: Mapping[str, Tensor], images: int) -> None:
        """Note one step's losses and how many faces R was shown."""
        self.images += images
        for name, loss in losses.items():
            self.losses.setdefault(f"train/{name}", []).append(loss)

    def measure(self) -> dict[str, float]:
        """The time, mean losses and speed so far; asked before validation, whose time is not counted.

        All workers ask together.
        """
        own = {name: torch.stack(values).mean().item() for name, values in self.losses.items()}
        shares = gathered(own)
        means = {name: sum(share[name] for share in shares) / len(shares) for name in own}
        seconds = time.perf_counter() - self.started  # ``item`` waited for a GPU to do it all
        self.seconds += seconds
        if "train/loss_adv" in means:
            means["train/adv_to_sup"] = means["train/loss_adv"] / max(means["train/loss_sup"], 1e-9)
        return {"time": time.time(), **means, "train/images_per_second": self.images / seconds}

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """Append the line of ``step``: what was measured, and scores."""
        line = {"step": step, "seconds": self.seconds, **values}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
