"""Where everything lies below OUT: the folders other programs build on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from au_core.data.files import read_json
from au_core.errors import ConfigError
from au_core.fold_plan import FoldPlan


@dataclass(frozen=True, slots=True)
class RunFolder:
    """``OUT/runs/<method>/missing=<rate>/fold=<k>/seed=<s>/``: one training and what came of it.

    Of a training on all people ``everyone`` stands in place of the fold.

    Its files come one after another: ``config`` when a command claims the folder, ``checkpoints`` and
    ``candidate`` while it is trained, in their place ``model`` when that is done, then ``predictions`` and
    ``scores``. A training that cannot go on has a ``refusal`` instead.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The training's own id, its plan, and the versions of the packages that carried it out."""
        return self.path / "config.json"

    @property
    def history(self) -> Path:
        """One JSON line per report: step, seconds, losses, validation scores."""
        return self.path / "history.jsonl"

    @property
    def training_set(self) -> Path:
        """How many faces, labels and present AUs are trained on (see ``au_core.data.census``)."""
        return self.path / "training_set.json"

    @property
    def machine(self) -> Path:
        """The device that trained, or went on last, and its arithmetic: both change the last digits."""
        return self.path / "machine.json"

    @property
    def model(self) -> Path:
        """R as chosen on the validation subjects, or of the last step; there when training is finished."""
        return self.path / "model"

    @property
    def candidate(self) -> Path:
        """The best R so far, while the training runs."""
        return self.path / ".candidate"

    @property
    def checkpoints(self) -> Path:
        """What an interrupted training goes on from."""
        return self.path / "checkpoints"

    @property
    def refusal(self) -> Path:
        """Why the training refused to go on, for the driver to tell."""
        return self.path / ".refused.json"

    @property
    def deaths(self) -> Path:
        """Each death of its workers: a line with the time, and below it the whole error."""
        return self.path / "deaths.log"

    @property
    def owner(self) -> Path:
        """Which group of workers may write here: those of a killed driver can live on for a minute."""
        return self.path / ".owner.json"

    @property
    def predictions(self) -> Path:
        """Prediction rows of the validation and test subjects."""
        return self.path / "predictions.parquet"

    @property
    def scores(self) -> Path:
        """Every score, computed from the predictions; the last file of a finished run."""
        return self.path / "scores.json"

    def digest(self) -> str | None:
        """Digest of the plan this folder was made for, None for a new folder."""
        return read_json(self.config)["digest"] if self.config.exists() else None

    def is_owned_by(self, group: str) -> bool:
        """Whether these workers may write here: no others have come, and no new command.

        Raises:
            OSError: the disk does not answer now, which says nothing of others.
        """
        try:
            return json.loads(self.owner.read_text()) == group
        except FileNotFoundError:
            return False

    def plan(self) -> FoldPlan:
        """The training this folder was made for.

        Raises:
            DatasetError: its file is missing or no JSON.
            ConfigError: it is of another version.
        """
        try:
            return FoldPlan.from_dict(read_json(self.config).get("plan", {}))
        except ConfigError as error:
            raise ConfigError(f"{self.config}: {error}") from error


def run_folders(out: Path, part: str = "fold=*") -> list[RunFolder]:
    """Runs below ``OUT/runs``, sorted: those that test a fold; with ``part`` ``*`` also those on everyone."""
    return [
        RunFolder(path.parent) for path in sorted(out.glob(f"runs/*/missing=*/{part}/seed=*/config.json"))
    ]


def read_history(path: Path) -> list[dict[str, Any]]:
    """Whole lines of a history; a line still being written, or a missing file, is not there yet."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
