"""Search a space of Algorithm 1's settings with Ray Tune; every trial is a complete Ray Train run.

uv run pipelines/sweep.py --recipe demo --space alpha

Points are compared by the validation subjects' F1 alone; the test part is not looked at. A fold's validation
subjects are test subjects of other folds: of several folds each has its own best point; a common one would
have been chosen on test subjects. Every trial gets its full number of steps: a scheduler that stops trials
leaks their placement groups in Ray 2.60 and hangs.
"""

import argparse
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from au_core.data.faces import list_subjects
from au_core.data.files import read_json, write_text
from au_core.data.locks import held_alone
from au_core.errors import AuError, ConfigError, DatasetError
from au_core.fold_plan import FoldPlan
from au_core.run_folder import RunFolder, read_history
from pipelines.full_protocol import prepare_faces
from pipelines.machinery.arguments import (
    add_experiment_arguments,
    add_settings,
    load_experiment,
    warn_if_small,
    warn_if_thresholds_differ,
)
from pipelines.machinery.board import Board
from pipelines.machinery.cli import run, say, summary
from pipelines.machinery.cluster import check_fits, connect
from pipelines.machinery.experiment import Experiment
from pipelines.machinery.group import claim, train_folds
from pipelines.machinery.points import Scores, best_of, point_of, table_of, text_of
from pipelines.machinery.runs import POLL_SECONDS, at_once
from pipelines.machinery.tracking import Tracking
from tune_spaces import SPACES, load_space

SCORE = "val/f1_avg"
ON_THE_HEAD = {"node:__internal_head__": 0.001}
"""What a trial holds instead of a CPU, which its training needs: of what Ray itself gives every head."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """A space searched over some folds of an experiment."""

    experiment: Experiment
    space: str
    plans: dict[int, FoldPlan]
    """The plan each trial varies, by fold."""

    @property
    def folder(self) -> Path:
        """Of all its trials."""
        return self.experiment.out / "sweeps" / self.space / f"missing={self.rate:g}"

    @property
    def table(self) -> Path:
        """Where its scores are written, of just these folds."""
        return self.folder.parent / f"{self.folder.name},folds={'+'.join(map(str, sorted(self.plans)))}.txt"

    @property
    def rate(self) -> float:
        """Share of labels hidden."""
        (rate,) = {plan.missing_rate for plan in self.plans.values()}
        return rate

    @property
    def grid(self) -> dict[str, Any]:
        """The space and the folds, as Tune takes them."""
        return {**load_space(self.space), "fold": {"grid_search": list(self.plans)}}

    @property
    def configs(self) -> list[dict[str, Any]]:
        """Point and fold of every trial, as Tune gives them to it."""
        values = product(*(value["grid_search"] for value in self.grid.values()))
        return [dict(zip(self.grid, chosen, strict=True)) for chosen in values]

    def job(self, config: dict[str, Any]) -> tuple[FoldPlan, RunFolder]:
        """Plan and folder of the trial that Tune gave ``config`` (a point and a fold)."""
        plan = self.plans[config["fold"]]
        values = dict(point_of(config))
        plan = replace(plan, adversarial=replace(plan.adversarial, **values))
        name = text_of(tuple(values.items())).replace(" ", ",")
        return plan, RunFolder(self.folder / name / f"fold={plan.fold}")


def search(sweep: Sweep) -> Scores:
    """Train every point on every fold, print and write their table; returns their validation F1.

    Raises:
        ConfigError: a folder holds a trial with other settings; no trial has begun.
        AuError: some trials failed; the others stand in the table, are kept and not done again.
    """
    for config in sweep.configs:
        plan, folder = sweep.job(config)
        claim(folder, plan)
    name = f"{sweep.experiment.cfg.name}_{sweep.space}"
    with Tracking(sweep.experiment.out, name, describe(sweep)) as tracking:
        scores, failures = _run_trials(sweep, tracking)
        best = {f"best_point_fold_{fold}": text_of(point) for fold, point in best_of(scores).items()}
        tracking.attach(None, **best)
        table = table_of(scores)
        write_text(f"{table}\n", sweep.table)
        print(f"{sweep.rate:.0%} of the labels hidden\n{table}", flush=True)
        if failures:
            raise AuError("\n  ".join([f"trials failed: {len(failures)}, the others are kept:", *failures]))
    return scores


def _run_trials(sweep: Sweep, tracking: Tracking) -> tuple[Scores, list[str]]:
    """Scores of the points, and why some have none."""
    from ray import tune

    connect()

    board = board_of(sweep, tracking)
    slots = at_once(next(iter(sweep.plans.values())))
    trial = tune.with_resources(tune.with_parameters(run_trial, sweep=sweep), ON_THE_HEAD)
    tuner = tune.Tuner(
        trial,
        param_space=sweep.grid,
        tune_config=tune.TuneConfig(metric=SCORE, mode="max", max_concurrent_trials=slots),
        run_config=tune.RunConfig(
            storage_path=str((sweep.experiment.out / "sweeps" / ".tune").absolute()),
            callbacks=[polls(board)],
            verbose=0,
        ),
    )
    results = tuner.fit()
    board.poll()
    ended = [result for result in results if result.error or SCORE in (result.metrics or {})]
    if len(ended) < len(sweep.configs):
        raise KeyboardInterrupt  # which Tune takes for the end of all trials
    scores: Scores = defaultdict(dict)
    for result in ended:
        config, found = result.config or {}, scores[point_of(result.config or {})]
        if not result.error:
            found[config["fold"]] = (result.metrics or {})[SCORE]
    return scores, [(str(error).splitlines() or ["of an unknown cause"])[-1] for error in results.errors]


def describe(sweep: Sweep) -> dict[str, Any]:
    """What the parent run in MLflow is about."""
    return {"space": sweep.space, "folds": list(sweep.plans), **asdict(sweep.experiment.cfg)}


def board_of(sweep: Sweep, tracking: Tracking) -> Board:
    """What watches the trials, all of them logged to MLflow; those of an earlier sweep are done."""
    jobs, labels = [], {}
    for config in sweep.configs:
        (plan, folder), point = sweep.job(config), text_of(point_of(config))
        labels[plan] = f"{point}  missing={plan.missing_rate:g} fold={plan.fold}"
        tracking.start(plan, folder, point=point)
        if validated(folder):
            tracking.finish(plan, folder)
        else:
            jobs.append((plan, folder))
    say(f"{len(labels) - len(jobs)} of {len(labels)} trials are already finished")
    return Board(jobs, tracking, validated, labels)


def polls(board: Board):  # noqa: ANN201
    """A Tune callback that lets the ``board`` look every now and then."""
    from ray import tune

    class Polls(tune.Callback):
        looked = 0.0

        def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:  # noqa: ANN401
            if time.monotonic() - self.looked >= POLL_SECONDS:
                with suppress(OSError, DatasetError):  # for a moment; the last look is strict
                    board.poll()
                self.looked = time.monotonic()

    return Polls()


def run_trial(config: dict[str, Any], sweep: Sweep) -> None:
    """One trial, in Tune's process: train on one fold, report the best validation score."""
    from ray import tune

    plan, folder = sweep.job(config)
    train_folds([(plan, folder)], sweep.experiment.sources, predict=False)
    if folder.refusal.exists():
        raise AuError(f"{text_of(point_of(config))}: {read_json(folder.refusal)['reason']}")
    tune.report({SCORE: best_score(folder)})


def validated(folder: RunFolder) -> str:
    """The score of a trial in a few words; empty as long as it is not trained."""
    trained = folder.model.exists() and not folder.checkpoints.exists()
    return f"validation F1 {100 * best_score(folder):.1f}" if trained else ""


def best_score(folder: RunFolder) -> float:
    """Highest validation F1 in the history of a finished training: that of the R it kept."""
    return max(line[SCORE] for line in read_history(folder.history))


def main(argv: list[str] | None = None) -> None:
    """Search a space and print its points, best first."""
    parser = argparse.ArgumentParser(description=summary(__doc__))
    add_experiment_arguments(parser)
    add_settings(parser, argv)
    parser.add_argument("--space", default="alpha", help="search space: " + ", ".join(SPACES))
    parser.add_argument(
        "--folds",
        type=int,
        nargs="+",
        help="test parts left out, one trial each (default: the first); always with the recipe's first seed",
    )
    parser.add_argument(
        "--missing-rate", type=float, help="share of labels to hide, in [0, 1) (default: the recipe's last)"
    )
    args = parser.parse_args(argv)
    load_space(args.space)
    experiment = load_experiment(args)
    if experiment.cfg.train.validation_subjects == 0:
        raise ConfigError("a sweep compares its points on validation subjects, got --validation-subjects 0")
    check_fits(experiment.cfg.scaling)
    experiment = replace(experiment, out=experiment.out.absolute())  # Tune runs a trial in its own folder
    if args.data or not list_subjects(experiment.faces):  # else as train_fold.py: of what is there
        prepare_faces(experiment)
    rates = experiment.cfg.missing_rates if args.missing_rate is None else (args.missing_rate,)
    cfg = replace(experiment.cfg, methods=("ours",), missing_rates=rates[-1:], seeds=experiment.cfg.seeds[:1])
    plans = replace(experiment, cfg=cfg).plans_by_fold(args.folds)
    warn_if_small(experiment)
    warn_if_thresholds_differ(experiment)
    sweep = Sweep(experiment=replace(experiment, cfg=cfg), space=args.space, plans=plans)
    with held_alone(sweep.folder), experiment.reading_faces():
        search(sweep)


if __name__ == "__main__":
    run(main)
