"""One map of Ray Data over jobs that may kill or hang their workers: tried again, and then given up."""

import faulthandler
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.machinery.cli import say
from pipelines.machinery.cluster import connect, on_a_cluster, ray_data
from pipelines.machinery.nodes import most

MAX_ACTORS = 32
"""Actors asked of nodes that are still to come."""
TRIES = 3
"""Deaths of a worker over one job after which it is not given to another."""
HANG_FROM = "AU_HANG_SECONDS"
HANG = float(os.environ.get(HANG_FROM, "600"))
"""Seconds without a frame (a batch, a sequence's labels and hashes) that are a hang; its worker is ended."""

Row = dict[str, Any]
"""What is told of a job: numbers and words."""


class JobActor(ABC):
    """Ray Data actor: a job in, its row out; whatever the job writes, it writes to files."""

    def __init__(self, tries: Path) -> None:
        import cv2

        cv2.setNumThreads(1)  # one core an actor; OpenCV's own threads would fight over it
        self.tries = tries

    @abstractmethod
    def work(self, job: str, again: bool) -> Row:
        """Do a job; calls :func:`still_alive` now and then. ``again``: a worker died of it before."""

    @abstractmethod
    def give_up(self, job: str, reason: str) -> Row:
        """The row of a job that nobody will try again."""

    def __call__(self, row: Row) -> Row:
        """The row of one job, with its ``number``."""
        tries, number = self._try(row["number"]), {"number": row["number"]}
        if tries > TRIES:
            reason = f"{TRIES} workers died of it, or hung for {HANG:g} s; see Ray's logs"
            return number | self.give_up(row["job"], reason)
        still_alive()
        try:
            return number | self.work(row["job"], tries > 1)
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _try(self, number: int) -> int:
        """How many workers have begun with this job; Ray would give it to new ones for ever."""
        with (self.tries / str(number)).open("ab") as file:
            file.write(b".")
            return file.tell()


def still_alive() -> None:
    """Put off the end of this worker by :data:`HANG`."""
    faulthandler.dump_traceback_later(HANG, exit=True, file=2)


def fresh_tries(folder: Path) -> Path:
    """An empty folder for the counts of :class:`JobActor`, which every node must see."""
    tries = folder.absolute() / ".tries"
    shutil.rmtree(tries, ignore_errors=True)
    tries.mkdir(parents=True)
    return tries


def n_actors(unit: str) -> int:
    """How many actors with a core or GPU each are asked for: as many as a cluster may come to hold.

    One beyond that could take the core of one that has died, whose jobs would wait for it.
    """
    import ray

    there = int(ray.cluster_resources().get(unit, 0))
    if not on_a_cluster():
        return there
    if not there:
        say(f"waiting for nodes with a {unit}: see 'ray status' on the cluster's head")
    return max(there, min(most(unit), MAX_ACTORS)) or MAX_ACTORS


def _hang_of_driver() -> dict[str, Any] | None:
    """What lets workers on every node have the :data:`HANG` that the command was given, if it was."""
    return {"env_vars": {HANG_FROM: os.environ[HANG_FROM]}} if HANG_FROM in os.environ else None


def map_jobs(
    worker: type[JobActor], args: Sequence[Any], jobs: Sequence[str], tries: Path, gpu: bool = False
) -> Iterator[tuple[int, Row]]:
    """Number and row of each job as it is finished, by ``worker(*args, tries)`` on a core each, or a GPU.

    A job is JSON, whose escapes carry names that are no UTF-8: Ray Data's rows, in Arrow, cannot.

    A second job waits with each actor, which would idle between two: two cores did 1.75 times the work of
    one, without it 1.49 (``tests/benchmarks/preprocessing.py --frames 150 --videos 32``).
    """
    connect()
    data = ray_data()
    data.DataContext.get_current().max_consecutive_actor_init_deaths = 10  # a node may go as its actor starts
    actors = n_actors("GPU" if gpu else "CPU")
    rows = (
        data.from_items(
            [{"number": i, "job": job} for i, job in enumerate(jobs)], override_num_blocks=len(jobs)
        )
        .map(
            worker,  # type: ignore[arg-type] - Ray takes a class of callables too
            fn_constructor_args=(*args, tries),
            compute=data.ActorPoolStrategy(size=min(len(jobs), actors), max_tasks_in_flight_per_actor=2),
            num_cpus=1,
            num_gpus=int(gpu),
            runtime_env=_hang_of_driver(),
        )
        .iter_rows()
    )
    for row in rows:
        yield row.pop("number"), row
    shutil.rmtree(tries, ignore_errors=True)
