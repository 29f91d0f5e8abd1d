"""A training of a minute's shape in seconds: ``python -m tests.pipelines.toy_training OUT STEPS WORKERS``."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from au_core.config import ExperimentConfig, ScalingConfig
from au_core.fold_plan import FoldPlan
from au_core.recipes import demo
from au_core.run_folder import RunFolder, read_history
from pipelines.machinery.cli import run
from pipelines.machinery.experiment import Experiment
from pipelines.machinery.runs import run_plans
from pipelines.machinery.tracking import Tracking
from tests.toy import write_toy_faces

REPORT = 3
OF_THE_CLOCK = {"time", "seconds", "train/images_per_second"}
"""What a history says of when, and how fast: never twice the same."""


def tiny_config(steps: int, report_every: int) -> ExperimentConfig:
    """The demo, small enough for toy faces."""
    cfg = demo()
    return replace(
        cfg,
        adversarial=replace(cfg.adversarial, m1=8, m2=8, steps=steps),
        train=replace(cfg.train, input_size=32, report_every=report_every),
    )


def toy_experiment(out: Path, steps: int, workers: int = 1, **adversarial: Any) -> Experiment:
    cfg = replace(tiny_config(steps, REPORT), methods=("ours",), scaling=ScalingConfig(workers=workers))
    cfg = replace(cfg, adversarial=replace(cfg.adversarial, **adversarial))
    if not (out / "faces").exists():
        write_toy_faces(out / "faces")
    return Experiment(cfg=cfg, out=out)


def toy_folder(experiment: Experiment) -> RunFolder:
    return experiment.folder(toy_plan(experiment))


def train_toy(experiment: Experiment) -> RunFolder:
    """Train and evaluate the one method on the first fold."""
    run_plans([toy_plan(experiment)], experiment, lambda: Tracking(experiment.out, "toy", {}))
    return toy_folder(experiment)


def lines_of(folder: RunFolder) -> list[dict[str, float]]:
    """All that a training's history says of it, but for the clock."""
    lines = read_history(folder.history)
    return [{key: value for key, value in line.items() if key not in OF_THE_CLOCK} for line in lines]


def toy_plan(experiment: Experiment) -> FoldPlan:
    (plan,) = (plan for plan in experiment.plans() if plan.fold == 1)
    return plan


if __name__ == "__main__":
    run(lambda: train_toy(toy_experiment(Path(sys.argv[1]), *map(int, sys.argv[2:]))))
