"""What the finished trainings of an output folder scored, as numbers to be put into tables and figures."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from au_core.compare import flattened
from au_core.data.census import unlearnable
from au_core.data.files import read_json
from au_core.data.layouts import LAYOUTS, Layout
from au_core.data.protocols import folds_of
from au_core.data.provenance import made_with, read_quality
from au_core.errors import ConfigError
from au_core.methods import OF_D, is_variant
from au_core.report.averages import Spread, over_folds
from au_core.report.run import AT_HALF, BASELINE, SELECTIONS, Run, read_run
from au_core.run_folder import run_folders

SUBJECTS = ("train_subjects", "val_subjects", "test_subjects")
NAMED = {"method", "missing_rate", "fold", "seed", *SUBJECTS, "scaling"}
"""What may differ between trainings of one report."""
SEARCHED = [f"adversarial.{name}" for name in ("alpha", "h_d", "h_r", "lr_d", "relaxed", "hard")]
"""What may differ by method, missing rate and fold: a sweep at the rate, of a space in ``tune_spaces``,
chooses it on the fold's validation subjects."""


BY_D = [*(f"adversarial.{name}" for name in OF_D), "further"]
"""What may differ by method: one without D has no settings of it and reads no label prior."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """All that lies below ``OUT/runs``, and the words of ``OUT/experiment.json`` (empty if there is none)."""

    experiment: dict[str, Any]
    runs: tuple[Run, ...]
    unfinished: tuple[str, ...]
    """Folders, relative to OUT, of trainings that were begun but have no scores yet."""
    sequences: tuple[dict[str, Any], ...] = ()
    """Rows of ``quality.parquet``: what preprocessing found in each sequence of the dataset."""
    made_with: dict[str, Any] = field(default_factory=dict)
    """Settings of PreprocessConfig in the faces' own files; empty where there are none."""

    @property
    def synthetic(self) -> bool:
        """Whether the people were drawn."""
        return self.experiment.get("drawn", False)

    @property
    def config(self) -> dict[str, Any]:
        """The recipe's settings, empty where ``experiment.json`` is missing."""
        return self.experiment.get("config", {})

    @property
    def preprocess(self) -> dict[str, Any]:
        """How the faces were made; as the recipe has it, where they themselves do not tell."""
        return self.made_with or self.config.get("preprocess", {})

    @property
    def protocol(self) -> str:
        """How the subjects were divided, empty if unknown."""
        return self.config.get("protocol", "")

    @property
    def dataset(self) -> str:
        """What the dataset is called, empty if unknown."""
        return self.config.get("spec", {}).get("name", "")

    @property
    def active_from(self) -> list[int]:
        """The lowest codes that mean active in these trainings; one, unless settings were mixed."""
        return sorted({run.plan.spec.active_from for run in self.runs})

    @property
    def own_active_from(self) -> int:
        """The same in the dataset's own labels, which published numbers are of."""
        return LAYOUTS.get(self.config.get("layout", ""), Layout()).active_from

    @property
    def comparable(self) -> bool:
        """Whether published numbers may stand here: beside recorded people, by the dataset's own labels."""
        return not self.synthetic and self.active_from == [self.own_active_from]

    @property
    def validated(self) -> bool:
        """Whether validation subjects chose epochs and thresholds."""
        return any(run.plan.val_subjects for run in self.runs)

    @property
    def selections(self) -> dict[str, str]:
        """``SELECTIONS`` that tell anything: where no one chose thresholds, they are 0.5."""
        if self.validated:
            return SELECTIONS
        return {AT_HALF: "last step, at 0.5", "test_selected": SELECTIONS["test_selected"]}

    @property
    def thresholds(self) -> str:
        """In words, the thresholds of the F1 that is reported."""
        return "chosen on validation subjects" if self.validated else "of 0.5"

    def hidden_as_published(self, rate: float) -> bool:
        """Whether labels are hidden at a rate as the paper hides them, frame by frame; at 0 none are."""
        return rate == 0 or all(run.plan.missing_scheme == "frame" for run in self.runs if run.rate == rate)

    @property
    def methods(self) -> list[str]:
        """Methods with a finished training; the paper's and its baseline first."""
        return sorted({run.method for run in self.runs}, key=_rank)

    @property
    def rates(self) -> list[float]:
        """Missing rates with a finished training."""
        return sorted({run.rate for run in self.runs})

    @property
    def folds(self) -> list[int]:
        """Test parts with a finished training."""
        return sorted({run.fold for run in self.runs})

    @property
    def missing_folds(self) -> list[int]:
        """Test parts of the protocol without any finished training."""
        return [fold for fold in folds_of(self.protocol) if fold not in self.folds] if self.protocol else []

    @property
    def aus(self) -> list[str]:
        """AU columns that were scored in any training."""
        return sorted({au for run in self.runs for au in run.scores["aus"]})

    @property
    def unlike(self) -> dict[str, list[str]]:
        """Settings in which trainings differ though no table tells them apart, with their values."""
        values: dict[tuple[tuple, str], set[str]] = {}
        for run in self.runs:
            plan = {key: value for key, value in asdict(run.plan).items() if key not in NAMED}
            for name, text in flattened(plan).items():
                own = name in BY_D or is_variant(run.method)
                of = (run.method, run.rate, run.fold) if name in SEARCHED else (run.method,) * own
                values.setdefault((of, name), set()).add(text)
        unlike: dict[str, set[str]] = {}
        for (_, name), found in values.items():
            if len(found) > 1:
                unlike.setdefault(name, set()).update(found)
        return {name: sorted(found) for name, found in unlike.items()}

    @property
    def unlearnable(self) -> dict[str, list[int]]:
        """AUs that the training labels of some test parts could not teach, with these parts."""
        return self._folds_by_au(lambda run: unlearnable(run.training_set))

    @property
    def unchosen(self) -> dict[str, list[int]]:
        """AUs that validation subjects never show, with these test parts: nothing chose a threshold."""
        return self._folds_by_au(lambda run: run.unchosen)

    def _folds_by_au(self, find: Callable[[Run], Iterable[str]]) -> dict[str, list[int]]:
        """The AUs that ``find`` finds in any training, with the test parts of these."""
        found: dict[str, set[int]] = {}
        for run in self.runs:
            for au in find(run):
                found.setdefault(au, set()).add(run.fold)
        return {au: sorted(folds) for au, folds in sorted(found.items())}

    def always_active_f1(self, rate: float, au: str) -> float:
        """F1 of the answer "active" to every face, in per cent: the mean over the test parts at a rate."""
        return averaged([run for run in self.runs if run.rate == rate], "f1", au, BASELINE).mean

    def of(self, method: str, rate: float) -> list[Run]:
        """Finished trainings of a method at a missing rate, by fold and seed."""
        return [run for run in self.runs if (run.method, run.rate) == (method, rate)]

    def groups(self) -> list[tuple[str, float, list[Run]]]:
        """Each method and missing rate that has finished trainings, with these, in the order of tables."""
        found = ((method, rate, self.of(method, rate)) for method in self.methods for rate in self.rates)
        return [(method, rate, runs) for method, rate, runs in found if runs]


def collect(out: Path) -> Results:
    """Read every run below ``out``.

    Raises:
        ConfigError: none is finished, or one was scored by an older version.
    """
    found = run_folders(out)
    done = [folder for folder in found if folder.scores.exists()]
    if not done:
        raise ConfigError(
            f"{out / 'runs'}: no scores of a finished training ({len(found)} begun); "
            "run pipelines/full_protocol.py, or pipelines/evaluate.py if models are there"
        )
    words = out / "experiment.json"
    runs = map(read_run, done)
    return Results(
        experiment=read_json(words) if words.exists() else {},
        runs=tuple(sorted(runs, key=lambda run: (_rank(run.method), run.rate, run.fold_and_seed))),
        unfinished=tuple(str(f.path.relative_to(out)) for f in found if f not in done),
        sequences=tuple(read_quality(out / "faces")),
        made_with=made_with(out / "faces"),
    )


def _rank(method: str) -> tuple[bool, bool, str]:
    return method != "ours", method != "o_wlc", method


def averaged(runs: Iterable[Run], metric: str, au: str = "avg", selection: str = "") -> Spread:
    """A score of :meth:`Run.score` over seeds and folds."""
    return over_folds((run.fold, run.score(metric, au, selection)) for run in runs)


def paired(ours: Sequence[Run], theirs: Sequence[Run]) -> list[tuple[Run, Run]]:
    """One of ours and one of theirs for each fold and seed that both have."""
    other = {run.fold_and_seed: run for run in theirs}
    return [(run, other[run.fold_and_seed]) for run in ours if run.fold_and_seed in other]
