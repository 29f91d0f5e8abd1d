"""Carry out plans: as many trainings at once as the cluster holds, each followed, evaluated and logged."""

import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from au_core.config import FoldPlan, ScalingConfig
from au_core.errors import AuError
from au_core.training.state import read_history
from pipelines.evaluate import evaluate_run
from pipelines.experiment import Experiment
from pipelines.tracking import Tracking
from pipelines.trainer import claim, train_fold

MAX_AT_ONCE = 8
"""Trainings in flight on a cluster, so that an autoscaler sees the demand but the driver stays small."""
POLL_SECONDS = 1.0


def run_plans(plans: Sequence[FoldPlan], experiment: Experiment, tracking: Tracking) -> None:
    """Train and evaluate every plan that is not finished; all others go on if one fails.

    Raises:
        AuError: trainings failed; the message lists them.
    """
    folders = {plan: experiment.folder(plan) for plan in plans}
    for plan, folder in folders.items():
        claim(folder, plan)
        tracking.start(plan, folder)
    todo = [plan for plan in plans if not folders[plan].scores.exists()]
    _say(f"{len(plans) - len(todo)} of {len(plans)} trainings are already finished")
    failures = _run_all(todo, experiment, tracking) if todo else {}
    for plan, folder in folders.items():
        if plan not in failures:
            tracking.finish(plan, folder)
    if failures:
        reasons = "\n  ".join(str(reason) for reason in failures.values())
        raise AuError(f"{len(failures)} of {len(plans)} trainings failed:\n  {reasons}")


Failures = dict[FoldPlan, Exception]


def _run_all(plans: Sequence[FoldPlan], experiment: Experiment, tracking: Tracking) -> Failures:
    """Run ``plans`` in threads while telling how they go; returns the failures."""
    from pipelines.cluster import connect

    connect()
    failures: Failures = {}
    with ThreadPoolExecutor(at_once(plans[0].scaling)) as pool:
        running = {pool.submit(_train_and_evaluate, plan, experiment): plan for plan in plans}
        told: dict[FoldPlan, int] = {}
        try:
            while running:
                done, _ = wait(running, timeout=POLL_SECONDS)
                for plan in running.values():
                    _tell_progress(plan, experiment, told)
                    tracking.follow(plan, experiment.folder(plan))
                for future in done:
                    _tell_result(running.pop(future), future, failures, tracking)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failures


def _train_and_evaluate(plan: FoldPlan, experiment: Experiment) -> dict[str, Any]:
    folder = experiment.folder(plan)
    train_fold(plan, folder, experiment.faces, experiment.unlabelled_faces)
    return evaluate_run(folder, experiment.faces)


def at_once(scaling: ScalingConfig) -> int:
    """How many trainings fit the cluster now; at least one, which then waits for the autoscaler."""
    import ray

    there = ray.cluster_resources()
    fits = there.get("CPU", 0) // (scaling.workers * scaling.cpus_per_worker)
    if scaling.gpu:
        fits = MAX_AT_ONCE  # GPU nodes come when they are asked for
    return int(max(1, min(fits, MAX_AT_ONCE)))


def _tell_progress(plan: FoldPlan, experiment: Experiment, told: dict[FoldPlan, int]) -> None:
    for line in read_history(experiment.folder(plan).history):
        if line["step"] > told.get(plan, 0):
            told[plan] = line["step"]
            _say(f"{plan.label}  {progress_line(line, plan.adversarial.steps)}")


def progress_line(line: dict[str, Any], steps: int) -> str:
    """One report of a training as people read it."""
    losses = "  ".join(f"{key[6:]} {line[key]:.3f}" for key in sorted(line) if key.startswith("train/loss"))
    left = (steps - line["step"]) * line["seconds"] / line["step"]
    speed, f1 = line["train/images_per_second"], line["val/f1_avg"]
    return f"step {line['step']}/{steps}  {losses}  val F1 {f1:.3f}  {speed:.0f} faces/s  {left:.0f} s left"


def _tell_result(
    plan: FoldPlan, future: Future[dict[str, Any]], failures: dict[FoldPlan, Exception], tracking: Tracking
) -> None:
    error = future.exception()
    if isinstance(error, Exception):
        failures[plan] = error
        tracking.fail(plan, str(error))
        _say(f"{plan.label}  failed: {error}")
    else:
        test = future.result()["test"]
        _say(f"{plan.label}  done: test F1 {test['f1_avg']:.3f}, AUC {test['auc_avg']:.3f}")


def _say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)
