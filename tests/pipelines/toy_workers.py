"""Workers of toy trainings without Ray: ``python -m tests.pipelines.toy_workers OUT [STEPS]`` for each.

They find each other as torchrun's workers do, by the environment.
"""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from ray import train

from au_core.data.files import write_json
from au_core.run_folder import RunFolder
from au_core.training import loop
from pipelines.machinery import group, worker
from pipelines.machinery.experiment import Experiment
from tests.pipelines.conftest import in_this_process
from tests.pipelines.processes import begin, finish
from tests.pipelines.toy_training import toy_experiment, toy_folder, toy_plan, train_toy

STEPS = 8
"""Of the longer one, so many that the best lies between."""
GROUP = "toy"


def toy_jobs(out: Path) -> list[group.Job]:
    """A training ``own``, in which workers normalise their own faces, and a step of ``all``, all workers'."""
    plan = toy_plan(toy_experiment(out, STEPS))
    own = replace(plan, train=replace(plan.train, precision="fp32", report_every=1))
    shared = replace(own.train, sync_batch_norm=True)
    step = replace(own, train=shared, adversarial=replace(own.adversarial, steps=1))
    return [(own, RunFolder(out / "own")), (step, RunFolder(out / "all"))]


def train_alone(out: Path) -> None:
    """By one worker, in this process."""
    _claim(toy_jobs(out))
    _work(out)


def train_together(out: Path, workers: int) -> None:
    """By several, each a process of its own."""
    _claim(toy_jobs(out))
    _run_workers(workers, out)


def train_toy_together(experiment: Experiment) -> RunFolder:
    """What ``train_toy`` does, by as many workers as are asked for."""
    plan = toy_plan(experiment)
    _claim([(plan, experiment.folder(plan))])
    _run_workers(plan.scaling.workers, experiment.out, plan.adversarial.steps)
    with in_this_process():
        return train_toy(experiment)  # finds predictions, which it scores


def _run_workers(workers: int, out: Path, *steps: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    meet = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "CUDA_VISIBLE_DEVICES": ""}
    worlds = {"WORLD_SIZE": workers, "LOCAL_WORLD_SIZE": workers}
    ranks = [{"RANK": rank, "LOCAL_RANK": rank} for rank in range(workers)]
    environments = [{k: str(v) for k, v in {**meet, **worlds, **rank}.items()} for rank in ranks]
    runs = [begin("tests.pipelines.toy_workers", out, *steps, **environment) for environment in environments]
    for run in runs:
        finish(run)


def checkpoint_of(folder: RunFolder, step: int) -> Path:
    """A checkpoint that was kept, though the training is finished."""
    return folder.path / f"kept-{step}.pt"


def predicting_ranks(folder: RunFolder) -> list[int]:
    """Which workers predicted a finished training's faces."""
    return sorted(int(path.suffix[1:]) for path in folder.path.glob("predicted.*"))


def _claim(jobs: list[group.Job]) -> None:
    for plan, folder in jobs:
        group.claim(folder, plan)
        write_json(GROUP, folder.owner)


def _work(out: Path) -> None:
    with _traced():
        _fit(toy_jobs(out), toy_experiment(out, STEPS))


def _work_undisturbed(out: Path, steps: int) -> None:
    experiment = toy_experiment(out, steps)
    _fit([(toy_plan(experiment), toy_folder(experiment))], experiment)


def _fit(jobs: list[group.Job], experiment: Experiment) -> None:
    with in_this_process():
        group._fit(jobs, experiment.sources, True, GROUP)


@contextmanager
def _traced() -> Iterator[None]:
    """Keep all checkpoints, and who predicts."""
    save, predict = loop.save_state, worker.predict_run

    def keep(game, step, best, folder):
        save(game, step, best, folder)
        os.link(folder / f"step={step:08d}.pt", checkpoint_of(RunFolder(folder.parent), step))

    def tell(plan, folder, *rest):
        (folder.path / f"predicted.{train.get_context().get_world_rank()}").touch()
        predict(plan, folder, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "save_state", keep)
        patch.setattr(worker, "predict_run", tell)
        yield


if __name__ == "__main__":
    out, *steps = sys.argv[1:]
    _work_undisturbed(Path(out), int(*steps)) if steps else _work(Path(out))
