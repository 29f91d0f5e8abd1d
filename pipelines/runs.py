"""Carry out plans: as many trainings at once as the cluster holds, each followed, evaluated and logged."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from au_core.config import FoldPlan, ScalingConfig
from au_core.data.files import read_json
from au_core.data.layout import RunFolder
from au_core.errors import AuError
from au_core.training.state import read_history
from pipelines.cli import say
from pipelines.evaluate import write_scores
from pipelines.experiment import Experiment
from pipelines.tracking import Tracking
from pipelines.trainer import Job, claim, train_folds

MAX_AT_ONCE = 8
"""Trainings in flight on a cluster, so that an autoscaler sees the demand but the driver stays small."""
MEMORY = 2 * 2**30
"""Bytes that a worker of a training takes, its share of Ray and the driver included (measured: 1.5 to 2)."""
POLL_SECONDS = 1.0


def run_plans(plans: Sequence[FoldPlan], experiment: Experiment, tracking: Tracking) -> None:
    """Train and evaluate every plan that is not finished; all others go on if one fails.

    Raises:
        AuError: trainings failed; the message lists them.
    """
    jobs = [(plan, experiment.folder(plan)) for plan in plans]
    for plan, folder in jobs:
        claim(folder, plan)
        tracking.start(plan, folder)
    todo = [(plan, folder) for plan, folder in jobs if not folder.scores.exists()]
    say(f"{len(jobs) - len(todo)} of {len(jobs)} trainings are already finished")
    failures = _run_all(todo, experiment, tracking) if todo else {}
    for plan, folder in jobs:
        if plan not in failures:
            tracking.finish(plan, folder)
    if failures:
        reasons = "\n  ".join(f"{plan.label}: {reason}" for plan, reason in failures.items())
        raise AuError(f"{len(failures)} of {len(jobs)} trainings failed, the others are kept:\n  {reasons}")


def _run_all(jobs: Sequence[Job], experiment: Experiment, tracking: Tracking) -> dict[FoldPlan, str]:
    """Deal ``jobs`` to as many groups of workers as fit, tell how they go; returns why some failed."""
    import ray

    from pipelines.cluster import connect

    connect()
    n_groups = min(len(jobs), at_once(jobs[0][0].scaling))
    with ThreadPoolExecutor(n_groups) as pool:
        hands = [jobs[k::n_groups] for k in range(n_groups)]
        groups = [pool.submit(train_folds, hand, experiment.sources) for hand in hands]
        board = Board(list(jobs), tracking)
        try:
            while not all(group.done() for group in groups):
                wait(groups, timeout=POLL_SECONDS)
                board.look()
        except BaseException:  # above all Ctrl-C: end the workers, or their threads would be waited for
            ray.shutdown()
            raise
    board.look()
    died = [str(group.exception()) for group in groups if group.exception()]
    return board.failures | {plan: (died or ["no predictions were written"])[0] for plan, _ in board.running}


class Board:
    """Watches the folders of running trainings: tells each report, scores what is predicted."""

    def __init__(self, jobs: list[Job], tracking: Tracking) -> None:
        self.running, self.tracking = jobs, tracking
        self.failures: dict[FoldPlan, str] = {}
        self.told: dict[FoldPlan, int] = {}

    def look(self) -> None:
        """Tell what is new since the last look."""
        for plan, folder in self.running:
            self._tell_progress(plan, folder)
            self.tracking.follow(plan, folder)
            if folder.predictions.exists():
                test = write_scores(plan, folder)["test"]
                say(f"{plan.label}  done: test F1 {test['f1_avg']:.3f}, AUC {test['auc_avg']:.3f}")
                self.tracking.finish(plan, folder)
            elif folder.refusal.exists():
                self.failures[plan] = read_json(folder.refusal)["reason"]
                self.tracking.fail(plan, self.failures[plan])
        self.running = [
            (plan, folder)
            for plan, folder in self.running
            if not folder.scores.exists() and plan not in self.failures
        ]

    def _tell_progress(self, plan: FoldPlan, folder: RunFolder) -> None:
        for line in read_history(folder.history):
            if line["step"] > self.told.get(plan, 0):
                self.told[plan] = line["step"]
                say(f"{plan.label}  {progress_line(line, plan.adversarial.steps)}")


def at_once(scaling: ScalingConfig) -> int:
    """How many trainings fit the cluster now; at least one, which then waits for the autoscaler."""
    import ray

    there = ray.cluster_resources()
    if scaling.gpu or not there.get("CPU"):  # nodes come when they are asked for
        return MAX_AT_ONCE
    by_cpu = there["CPU"] // (scaling.workers * scaling.cpus_per_worker)
    by_memory = there.get("memory", 0) // (scaling.workers * MEMORY)
    return int(max(1, min(by_cpu, by_memory, MAX_AT_ONCE)))


def progress_line(line: dict[str, Any], steps: int) -> str:
    """One report of a training as people read it."""
    losses = "  ".join(f"{key[6:]} {line[key]:.3f}" for key in sorted(line) if key.startswith("train/loss"))
    left = (steps - line["step"]) * line["seconds"] / line["step"]
    speed, f1 = line["train/images_per_second"], line["val/f1_avg"]
    return f"step {line['step']}/{steps}  {losses}  val F1 {f1:.3f}  {speed:.0f} faces/s  {left:.0f} s left"
