"""The driver's side of a group of workers: claim folders, train, begin again, tell what went wrong."""

import json
import shutil
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

from au_core.compare import flattened
from au_core.config import ScalingConfig
from au_core.data.files import full_disk_named, read_json, write_json
from au_core.data.fold import Sources
from au_core.errors import AuError, ConfigError, FullDiskError
from au_core.fold_plan import FoldPlan
from au_core.run_folder import RunFolder
from pipelines.machinery.deaths import note, words_of_death, worker_errors
from pipelines.machinery.nodes import worker_resources

Job = tuple[FoldPlan, RunFolder]
PACKAGES = (
    "torch",
    "torchvision",
    "ray",
    "opencv-python-headless",
    "pyarrow",
    "scikit-learn",
    "mlflow",
    "numpy",
)


KEEP_MEMORY = {"MALLOC_ARENA_MAX": "1"} | dict.fromkeys(
    ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"), str(16 * 2**30)
)
"""Lets glibc keep what a step frees for the next one: else the kernel hands out gigabytes of zeroed pages in
every step, worst in threads other than the first, where Ray trains (`tests/benchmarks/bare_limit.py`)."""
CHANGED = {
    "faces": "other faces, or other labels of them",
    "further": "other --also or --unlabelled faces, label prior or initial weights",
}
"""What it means that a fingerprint of a plan differs."""
MAX_DEATHS = 4
"""How often in a row workers may die without a step forward: so often is no accident."""
PATIENCE = 30
"""Seconds for which the driver waits for a disk that does not answer."""


def train_folds(
    jobs: Sequence[Job], sources: Sources, predict: bool = True, stop: threading.Event | None = None
) -> None:
    """Train and predict ``jobs`` one after another with one group of workers, whose start costs seconds.

    Each goes on from its last checkpoint if there is one; a finished one is kept. A training that refuses
    to go on, or at which workers die again and again, leaves ``folder.refusal`` and does not stop the others.

    Args:
        jobs: plans with their folders; on a cluster all nodes must see these.
        sources: face shards of the dataset and of what is trained on beside it.
        predict: write the prediction rows too; a sweep must not look at the test part.
        stop: set by who ends Ray, so that the workers' end is not taken for a failure.

    Raises:
        AuError: Ray failed again and again, or others took the folders over; the message says of what.
    """
    group = uuid4().hex[:8]
    for _, folder in jobs:
        write_json(group, folder.owner)
    before, deaths = [_progress(folder) for _, folder in jobs], 0
    while todo := _unsettled(jobs, predict):
        try:
            with full_disk_named(jobs[0][1].path):
                _fit(todo, sources, predict, group)
            break
        except Exception as error:
            _raise_if_full(error)
            if stop and stop.is_set():
                raise
            _check_is_ours(todo[0][1], group)
            if any(folder.refusal.exists() for _, folder in todo):
                continue
            # Machines may come and go for weeks; only standing still is a failure.
            now = [_progress(folder) for _, folder in jobs]
            before, deaths = now, 1 if now != before else deaths + 1
            for _, folder in _unsettled(todo, predict)[:1]:  # at which they stand; the others go on
                _tell_death(folder, error, deaths)
        finally:
            shutil.rmtree(scratch_of(todo[0][1], group), ignore_errors=True)
    for _, folder in jobs:
        folder.owner.unlink(missing_ok=True)


def _unsettled(jobs: Sequence[Job], predict: bool) -> list[Job]:
    """Those in whose folders workers would find something to do."""
    return [(plan, folder) for plan, folder in jobs if not _is_settled(folder, predict)]


def _is_settled(folder: RunFolder, predict: bool) -> bool:
    trained = folder.model.exists() and not folder.checkpoints.exists()
    return folder.refusal.exists() or (folder.predictions.exists() if predict else trained)


def _check_is_ours(folder: RunFolder, group: str) -> None:
    """Make sure that these workers may begin again; a disk of which they died may not answer the driver yet.

    Raises:
        AuError: others have taken over.
    """
    for _ in range(PATIENCE):
        with suppress(OSError):
            folder.is_owned_by(group)
            break
        time.sleep(1)
    if not folder.is_owned_by(group):
        raise AuError(f"{folder.path}: other workers have taken over")


def _tell_death(folder: RunFolder, error: Exception, deaths: int) -> None:
    """Note that workers died of a training; let it be, for this time, after :data:`MAX_DEATHS` in a row.

    Raises:
        AuError: they did not die of it: Ray failed again and again.
    """
    words, last = words_of_death(error), deaths == MAX_DEATHS
    then = f"given up after {deaths} times" if last else "going on from what is saved"
    note(f"{words}; {then}", error, folder.deaths)
    if last:
        reason = f"{words}, {deaths} times without a step forward; see {folder.deaths}"
        if not worker_errors(error):
            raise AuError(reason) from error
        write_json({"reason": reason}, folder.refusal)


def _raise_if_full(error: Exception) -> None:
    """Raise what a full disk did to the driver or a worker: on such a disk no worker leaves a refusal."""
    for cause in (error, *worker_errors(error)):
        if isinstance(cause, FullDiskError):
            raise cause from error


def _progress(folder: RunFolder) -> list[str]:
    """What is there of a training: other checkpoints, a model, predictions or a refusal mean it moved."""
    landmarks = (*folder.checkpoints.glob("step=*"), folder.model, folder.predictions, folder.refusal)
    return sorted(path.name for path in landmarks if path.exists())


def scratch_of(folder: RunFolder, group: str) -> Path:
    """Where Ray keeps its own notes of a group of workers; of no use to anyone after it."""
    return folder.path / f".ray-{group}"


def claim(folder: RunFolder, plan: FoldPlan) -> None:
    """Write the plan into a new run folder, or make sure that an old one was made for the same plan.

    A folder of another plan that holds no work yet is made anew.

    Raises:
        ConfigError: it was made for another one, and holds work: results, a model, or checkpoints.
    """
    for left in folder.path.glob(".ray*"):  # by a killed driver
        shutil.rmtree(left, ignore_errors=True)
    folder.owner.unlink(missing_ok=True)
    folder.refusal.unlink(missing_ok=True)  # of an earlier attempt: it is tried again
    if folder.digest() == plan.digest:
        return
    finished = any(path.exists() for path in (folder.model, folder.predictions, folder.scores))
    if finished or any(folder.checkpoints.glob("step=*")):
        before, work = read_json(folder.config)["plan"], "a" if finished else "an interrupted"
        raise ConfigError(
            f"{folder.path} holds {work} training with other settings ({_difference(before, plan)}); "
            "choose another --out, or remove that folder to train again"
        )
    shutil.rmtree(folder.path, ignore_errors=True)
    versions = {package: version(package) for package in PACKAGES}
    words = {"id": uuid4().hex, "digest": plan.digest, "plan": asdict(plan), "versions": versions}
    write_json(words, folder.config)


def _difference(before: dict[str, Any], plan: FoldPlan) -> str:
    """The first setting in which a stored plan differs, for people."""
    then, now = flattened(before), flattened(json.loads(json.dumps(asdict(plan))))
    for key in sorted(key for key in now if not key.startswith("scaling.")):
        if key in CHANGED and then.get(key, "") != now[key]:
            return CHANGED[key]
        if then.get(key, "None") != now[key]:
            return f"{key} was {then.get(key)}, is {now[key]}"
    return "an older version of the settings"


def _fit(jobs: Sequence[Job], sources: Sources, predict: bool, group: str) -> None:
    """Run the workers from the last checkpoints to the end."""
    from ray.train import FailureConfig, RunConfig
    from ray.train.torch import TorchTrainer

    from pipelines.machinery.backend import GroupConfig
    from pipelines.machinery.worker import train_worker

    scaling = jobs[0][0].scaling
    TorchTrainer(
        train_worker,
        train_loop_config={
            "jobs": [(plan, RunFolder(folder.path.absolute())) for plan, folder in jobs],
            "sources": sources.absolute(),
            "predict": predict,
            "group": group,
        },
        torch_config=GroupConfig(),
        scaling_config=ray_scaling(scaling),
        # Ray keeps nothing worth keeping: checkpoints lie in the run's own folder, where only an equal
        # plan finds them, so every group gets a name of its own.
        run_config=RunConfig(
            name=f"{jobs[0][0].digest}-{uuid4().hex[:8]}",
            storage_path=str(scratch_of(jobs[0][1], group).absolute()),
            failure_config=FailureConfig(max_failures=0),  # `train_folds` tries again
            worker_runtime_env={"env_vars": KEEP_MEMORY},
        ),
    ).fit()


def ray_scaling(scaling: ScalingConfig):  # noqa: ANN201
    """Our scaling settings in Ray Train's terms."""
    from ray import train

    resources = worker_resources(scaling)
    return train.ScalingConfig(
        num_workers=scaling.workers, use_gpu=scaling.gpu, resources_per_worker=resources
    )
