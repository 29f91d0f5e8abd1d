"""Carry out plans: as many trainings at once as the cluster holds, each followed, evaluated and logged."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress

from au_core.data.locks import held_alone
from au_core.errors import AuError, DatasetError, words_of
from au_core.evaluation.scores import write_scores
from au_core.fold_plan import FoldPlan
from pipelines.machinery.board import Board
from pipelines.machinery.cli import say
from pipelines.machinery.cluster import check_fits, on_a_cluster
from pipelines.machinery.experiment import Experiment
from pipelines.machinery.group import Job, claim, train_folds
from pipelines.machinery.tasks import raise_failures
from pipelines.machinery.tracking import Tracking

MAX_AT_ONCE = 8
"""Trainings in flight on a cluster, so that an autoscaler sees the demand but the driver stays small."""
MEMORY = 2 * 2**30
"""Bytes a worker takes beside its network, its share of Ray and the driver included (measured: 1.5 to 2)."""
POLL_SECONDS = 1.0


def run_plans(
    plans: Sequence[FoldPlan], experiment: Experiment, open_tracking: Callable[[], Tracking]
) -> Tracking:
    """Train and evaluate every plan that is not finished; all others go on if one fails.

    Returns what they were logged to, ended.
    ``open_tracking`` is called when all folders are this command's: a refusal leaves everything as it is.

    Raises:
        AuError: trainings failed; the message lists them.
    """
    with claimed(plans, experiment) as jobs, open_tracking() as tracking:
        _run_jobs(jobs, experiment, tracking)
    return tracking


def _run_jobs(jobs: Sequence[Job], experiment: Experiment, tracking: Tracking) -> None:
    for plan, folder in jobs:
        tracking.start(plan, folder)
        if folder.scores.exists():
            tracking.finish(plan, folder)
    todo = [(plan, folder) for plan, folder in jobs if not folder.scores.exists()]
    say(f"{len(jobs) - len(todo)} of {len(jobs)} trainings are already finished")
    failures = _run_all(todo, experiment, tracking) if todo else {}
    raise_failures({plan.label: reason for plan, reason in failures.items()}, len(jobs), "trainings")


@contextmanager
def claimed(plans: Sequence[FoldPlan], experiment: Experiment) -> Iterator[list[Job]]:
    """The plans with their folders, ready to be written to, and by this command alone.

    Raises:
        ConfigError: what is not finished asks for more than this machine has, a folder holds other work, or
            another command trains there.
    """
    jobs = [(plan, experiment.folder(plan)) for plan in plans]
    for plan, folder in jobs:
        if not folder.scores.exists():
            check_fits(plan.scaling)
    with ExitStack() as stack:
        stack.enter_context(experiment.reading_faces())
        for plan, folder in jobs:
            if not folder.scores.exists():  # beside the folders, which may be made anew
                stack.enter_context(held_alone(experiment.out / "runs" / ".locks" / plan.run))
        for plan, folder in jobs:
            claim(folder, plan)
        yield jobs


def _run_all(jobs: Sequence[Job], experiment: Experiment, tracking: Tracking) -> dict[FoldPlan, str]:
    """Give ``jobs`` to as many groups of workers as fit, tell how they go; returns why some failed.

    On one machine a group takes a hand of jobs, since its start costs seconds. On a cluster, whose nodes come
    and go, each job has its own, and waits for its turn.
    """
    import ray

    from pipelines.machinery.cluster import connect

    connect()
    n_groups, stop = min(len(jobs), at_once(jobs[0][0])), threading.Event()
    with ThreadPoolExecutor(n_groups) as pool:
        hands = [[job] for job in jobs] if on_a_cluster() else dealt(jobs, n_groups)
        groups = [pool.submit(train_folds, hand, experiment.sources, stop=stop) for hand in hands]
        board = Board(list(jobs), tracking)
        try:
            while not all(group.done() for group in groups):
                wait(groups, timeout=POLL_SECONDS)
                score_new(jobs)
                with suppress(OSError, DatasetError):  # for a moment; the last look is strict
                    board.poll()
        except BaseException:  # above all Ctrl-C: end the workers, or their threads would be waited for
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            ray.shutdown()
            raise
    unscored = score_new(jobs)
    board.poll()
    died = {
        plan: str(g.exception() or "no predictions were written")
        for g, hand in zip(groups, hands, strict=True)
        for plan, _ in hand
    }
    return board.failures | {plan: unscored.get(plan, died[plan]) for plan, _ in board.running}


def score_new(jobs: Sequence[Job]) -> dict[FoldPlan, str]:
    """Score every training that has predictions and no scores yet; returns why some cannot be scored now."""
    reasons = {}
    for plan, folder in jobs:
        try:
            if folder.predictions.exists() and not folder.scores.exists():
                write_scores(plan, folder)
        except AuError as error:
            reasons[plan] = str(error)
        except Exception as error:  # a disk's moment, or a damaged file
            remedy = f"if {folder.predictions} is damaged, remove it and run the same command again"
            reasons[plan] = f"cannot be scored ({words_of(error)}); {remedy}"
    return reasons


def dealt(jobs: Sequence[Job], hands: int) -> list[list[Job]]:
    """``jobs`` in as many hands, dealt forth and back: methods alternate in them, and some take longer."""
    dealt: list[list[Job]] = [[] for _ in range(hands)]
    for i, job in enumerate(jobs):
        turn, place = divmod(i, hands)
        dealt[-1 - place if turn % 2 else place].append(job)
    return dealt


def at_once(plan: FoldPlan) -> int:
    """How many trainings like ``plan`` fit the cluster now; at least one, which waits for the autoscaler."""
    import ray

    there, scaling = ray.cluster_resources(), plan.scaling
    if on_a_cluster() and (scaling.gpu or not there.get("CPU")):  # nodes come when they are asked for
        return MAX_AT_ONCE
    asked = {"CPU": scaling.cpus_per_worker, "memory": memory_of(plan), "GPU": int(scaling.gpu)}
    fits = [there.get(name, 0) // (scaling.workers * amount) for name, amount in asked.items() if amount]
    return int(max(1, min(*fits, MAX_AT_ONCE)))


def memory_of(plan: FoldPlan) -> int:
    """Bytes of memory that a worker of ``plan`` takes; its network's are a GPU's own if it has one."""
    from au_core.models.memory import training_bytes  # torch, which nobody waits for who trains nothing

    batch, train = plan.adversarial.m // plan.scaling.workers, plan.train
    network = 0 if plan.scaling.gpu else training_bytes(train.backbone, train.input_size, batch)
    return MEMORY + network
