"""One finished training, as its files have it, and what its scores are called."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from au_core.data.files import read_json
from au_core.errors import ConfigError
from au_core.fold_plan import FoldPlan
from au_core.report.averages import spread
from au_core.run_folder import RunFolder, read_history

METRICS = ("f1", "auc", "accuracy")
AT_HALF = "test_at_half"
"""Accuracy is reported at 0.5, because thresholds chosen for F1 lower it."""
SELECTIONS = {
    "test": "validation-selected",
    "test_selected": "test-selected",
    AT_HALF: "at 0.5",
}
"""Scores of the test part in ``scores.json``, by where the thresholds come from."""
BASELINE = "always_1"
"""Beside them: those of the answer "active" to every face."""
DISTRIBUTIONS = "distributions"
"""Beside them: how often AUs are present, alone and given another, in labels and answers."""
SOFT = "distributions_soft"
"""The same of probabilities."""
FORMS = {DISTRIBUTIONS: "answers at 0.5", SOFT: "probabilities"}
"""What distributions are of."""
PEOPLE = "people"
"""Beside them: counts of each test person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One finished training: the files of its folder, read."""

    plan: FoldPlan
    scores: dict[str, Any]
    history: list[dict[str, Any]]
    training_set: dict[str, Any]
    """Counts of :func:`au_core.data.census.census`."""
    machine: dict[str, str]
    """``device`` and ``precision``; empty if an older version trained it."""

    @property
    def method(self) -> str:
        """Name in ``au_core.methods``, or a variant's."""
        return self.plan.method

    @property
    def rate(self) -> float:
        """Share of training labels hidden."""
        return self.plan.missing_rate

    @property
    def fold(self) -> int:
        """Number of the test part."""
        return self.plan.fold

    @property
    def fold_and_seed(self) -> tuple[int, int]:
        """Runs that agree in both, and in the rate, saw the same faces and labels."""
        return self.plan.fold, self.plan.seed

    @property
    def unchosen(self) -> list[str]:
        """AUs that its validation subjects never show; none where it has no such subjects."""
        return [au for au, f1 in self.scores["val"]["f1"].items() if f1 is None and self.plan.val_subjects]

    def score(self, metric: str, au: str = "avg", selection: str = "") -> float:
        """A score of the test part in per cent, NaN where it is undefined.

        Without a ``selection`` the one that is reported: at the chosen thresholds, accuracy at 0.5.
        """
        part = self.scores[selection or (AT_HALF if metric == "accuracy" else "test")]
        value = part[f"{metric}_avg"] if au == "avg" else part[metric].get(au)  # trained without this AU
        return np.nan if value is None else 100 * value

    def p_off(self, form: str, au: str = "avg") -> float:
        """How far P(AU) is from that of the labels, in points, by one of ``FORMS``; NaN where undefined."""
        of = self.scores[form]
        if au == "avg":
            return np.nan if of["marginal_avg"] is None else 100 * of["marginal_avg"]
        there, true = of["marginal"].get(au), of["marginal_true"].get(au)  # both null, or neither
        return np.nan if there is None else 100 * abs(there - true)

    def average(self, metric: str, aus: Sequence[str], selection: str = "") -> float:
        """Mean score of the AU columns ``aus`` in per cent, of those in which it is defined."""
        return spread(self.score(metric, au, selection) for au in aus).mean


Pairs = Sequence[tuple[Run, Run]]
"""Ours and another method's trainings, each pair of one fold, seed and missing rate."""


def read_run(folder: RunFolder) -> Run:
    """A finished training from its folder.

    Raises:
        ConfigError: an older version scored it, or another one wrote its settings.
    """
    scores = read_json(folder.scores)
    if missing := {*SELECTIONS, BASELINE, *FORMS, PEOPLE} - scores.keys():
        raise ConfigError(
            f"{folder.scores} lacks {min(missing)}, so it is of an older version; "
            "pipelines/evaluate.py --out OUT scores again"
        )
    return Run(
        plan=folder.plan(),
        scores=scores,
        history=read_history(folder.history),
        training_set=read_json(folder.training_set),
        machine=read_json(folder.machine) if folder.machine.exists() else {},
    )
