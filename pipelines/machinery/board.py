"""What a person sees while trainings run: a line for each report, a warning when the game goes wrong."""

import time
from collections.abc import Callable
from typing import Any

from au_core.data.census import unlearnable
from au_core.data.files import read_json
from au_core.fold_plan import FoldPlan
from au_core.run_folder import RunFolder, read_history
from au_core.training.watch import warnings_of
from pipelines.machinery.cli import averages, say
from pipelines.machinery.cluster import on_a_cluster
from pipelines.machinery.deaths import noted
from pipelines.machinery.group import Job
from pipelines.machinery.nodes import Waiting
from pipelines.machinery.tracking import Tracking

SILENCE = 600.0
"""Seconds without a report after which a training may hang, or five times those it should take if longer."""


def tested(folder: RunFolder) -> str:
    """The scores of an evaluated training in a few words; empty as long as there are none."""
    return averages(read_json(folder.scores)) if folder.scores.exists() else ""


class Board:
    """Watches the folders of running trainings, and tells each report, death, score and refusal.

    And that nothing happens: that a cluster has no place, that a training which has begun says nothing more.
    """

    def __init__(
        self,
        jobs: list[Job],
        tracking: Tracking,
        outcome: Callable[[RunFolder], str] = tested,
        labels: dict[FoldPlan, str] | None = None,
    ) -> None:
        """Of trainings that end with an ``outcome`` in words, empty before; called by ``labels``, if any."""
        self.running, self.tracking, self.n_jobs = list(jobs), tracking, len(jobs)
        self.outcome, self.labels = outcome, labels or {plan: plan.label for plan, _ in jobs}
        self.failures: dict[FoldPlan, str] = {}
        self.counted: set[FoldPlan] = set()
        self.told: dict[FoldPlan, int] = {}
        self.warned: set[tuple[FoldPlan, str]] = set()
        self.deaths = {plan: len(noted(folder.deaths)) for plan, folder in jobs}
        for plan, folder in jobs:
            if lines := read_history(folder.history):
                self.told[plan] = lines[-1]["step"]
                say(f"{self.labels[plan]}  goes on after step {self.told[plan]}")
        self.began, self.begun = time.monotonic(), dict(self.told)
        self.signs = {plan: signs_of(folder) for plan, folder in jobs}
        self.last: dict[FoldPlan, float] = {}
        self.waiting = Waiting(jobs[0][0].scaling) if jobs and on_a_cluster() else None

    def poll(self) -> None:
        """Tell what is new since the last look."""
        for plan, folder in list(self.running):
            self._look_at(plan, folder)
        if self.running and self.waiting:
            self.waiting.poll()

    def _look_at(self, plan: FoldPlan, folder: RunFolder) -> None:
        outcome = self.outcome(folder)  # before its last report is looked for
        self._tell_progress(plan, folder)
        self._tell_deaths(plan, folder)
        self.tracking.follow(plan, folder)
        if outcome:
            self.running.remove((plan, folder))
            rest = f"; the rest in about {duration(self._left())}" if self.running else ""
            done = self.n_jobs - len(self.running)
            say(f"{self.labels[plan]}  done ({done} of {self.n_jobs}): {outcome}{rest}")
            self.tracking.finish(plan, folder)
        elif folder.refusal.exists():
            reason = read_json(folder.refusal)["reason"]
            self.running.remove((plan, folder))
            self.failures[plan] = reason
            say(f"{self.labels[plan]}  failed: {reason}")
            self.tracking.fail(plan, reason)

    def _left(self) -> float:
        """Seconds until all steps of all trainings are made, at the pace since the beginning."""
        made = sum(self.told.values()) - sum(self.begun.values())
        todo = sum(plan.adversarial.steps - self.told.get(plan, 0) for plan, _ in self.running)
        return (time.monotonic() - self.began) / max(1, made) * todo

    def _tell_progress(self, plan: FoldPlan, folder: RunFolder) -> None:
        if plan not in self.counted and folder.training_set.exists():
            self.counted.add(plan)
            say(f"{self.labels[plan]}  {counts_line(read_json(folder.training_set))}")
        lines = read_history(folder.history)
        ours = [line for line in lines if line["step"] > self.begun.get(plan, 0)]  # a pause before is no work
        for line in ours:
            if line["step"] > self.told.get(plan, 0):
                self.told[plan] = line["step"]
                left = seconds_left(ours, line, plan.adversarial.steps)
                say(f"{self.labels[plan]}  {progress_line(line, plan.adversarial.steps, left)}")
        for name, warning in warnings_of(lines).items():
            if (plan, name) not in self.warned:
                self.warned.add((plan, name))
                say(f"{self.labels[plan]}  warning: {warning}")
        next_step = self.told.get(plan, 0) + plan.train.report_every
        self._tell_silence(plan, folder, seconds_left(ours, lines[-1], next_step) if lines else 0)

    def _tell_silence(self, plan: FoldPlan, folder: RunFolder, expected: float) -> None:
        """Warn once if a training that has begun, with steps to make, takes far longer than ``expected``."""
        signs = signs_of(folder)
        if signs != self.signs[plan]:  # others wait for their turn
            self.signs[plan], self.last[plan] = signs, time.monotonic()
        silent = time.monotonic() - self.last.get(plan, float("inf"))
        done = self.told.get(plan, 0) >= plan.adversarial.steps
        if silent > max(SILENCE, 5 * expected) and not done and (plan, "silence") not in self.warned:
            self.warned.add((plan, "silence"))
            say(
                f"{self.labels[plan]}  warning: no report for {duration(silent)}; if its workers do nothing "
                "(see top, nvidia-smi), interrupt, and run the same command again to go on from what is saved"
            )

    def _tell_deaths(self, plan: FoldPlan, folder: RunFolder) -> None:
        for words in noted(folder.deaths)[self.deaths[plan] :]:
            self.deaths[plan] += 1
            say(f"{self.labels[plan]}  {words}")


def signs_of(folder: RunFolder) -> list[int]:
    """What changes when workers begin with a training, and when they report."""
    return [path.stat().st_mtime_ns for path in (folder.training_set, folder.history) if path.exists()]


def counts_line(counts: dict[str, Any]) -> str:
    """What a training learns from, and which AUs nobody could learn from it."""
    text = f"{counts['faces']:,} faces, {counts['labelled']:,} labelled ({counts['labelled_share']:.0%})"
    if counts["labelled"] < counts["faces"] and not counts["unlabelled_drawn"]:
        text += ", too few unlabelled ones to be drawn"
    elif counts["labelled"] == counts["faces"]:
        text += ", none unlabelled: T2 is empty"
    if aus := unlearnable(counts):
        text += f"; warning: always absent, always present or never coded: {', '.join(aus)}"
    return text


def seconds_left(lines: list[dict[str, Any]], now: dict[str, Any], steps: int) -> float:
    """Seconds until ``steps``: by the last stretch between reports, validation included, if there is one."""
    before = [line for line in lines if line["step"] < now["step"]]
    if before:
        pace = (now["time"] - before[-1]["time"]) / (now["step"] - before[-1]["step"])
    else:
        pace = now["seconds"] / now["step"]
    return pace * (steps - now["step"])


def progress_line(line: dict[str, Any], steps: int, left: float) -> str:
    """One report of a training as people read it; D is told by how often it is right."""
    parts = [f"step {line['step']}/{steps}", f"supervised {line['train/loss_sup']:.2f}"]
    if "train/loss_adv" in line:
        parts += [
            f"adversarial {line['train/loss_adv']:.2f} (1:{1 / max(line['train/adv_to_sup'], 1e-9):.0f})",
            f"D right on real {line['train/d_real']:.0%}, fake {line['train/d_fake']:.0%}",
        ]
    if "val/f1_avg" in line:
        parts.append(f"val F1 {100 * line['val/f1_avg']:.1f}")
    return "  ".join([*parts, f"{line['train/images_per_second']:.0f} faces/s", f"{duration(left)} left"])


def duration(seconds: float) -> str:
    """A time span for people.

    >>> duration(48), duration(600), duration(9000)
    ('48 s', '10 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
