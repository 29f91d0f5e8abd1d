"""The driver's side of one training: claim its folder, run the workers, tell what went wrong."""

import json
import shutil
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from au_core.config import FoldPlan
from au_core.data.files import read_json, write_json
from au_core.data.layout import RunFolder
from au_core.errors import AuError, ConfigError

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


def train_fold(plan: FoldPlan, folder: RunFolder, faces: Path, unlabelled: Path | None) -> None:
    """Train to ``folder.model``, going on from its last checkpoint if there is one. A finished one is kept.

    Args:
        plan: everything the result depends on.
        folder: where everything is written; on a cluster all nodes must see it.
        faces: shards of the labelled dataset.
        unlabelled: shards of more unlabelled video for T2.

    Raises:
        ConfigError: the folder holds a run of other settings.
        AuError: the training could not go on; the message says why.
    """
    claim(folder, plan)
    if folder.model.exists():
        return
    folder.refusal.unlink(missing_ok=True)
    _fit(plan, {"folder": folder.path, "faces": faces, "unlabelled": unlabelled})
    if folder.refusal.exists():
        raise AuError(f"{folder.path}: {read_json(folder.refusal)['reason']}")
    shutil.rmtree(folder.checkpoints, ignore_errors=True)


def claim(folder: RunFolder, plan: FoldPlan) -> None:
    """Write the plan into a new run folder, or make sure that an old one was made for the same plan.

    Raises:
        ConfigError: it was made for another one, and is finished.
    """
    if folder.digest() == plan.digest:
        return
    if folder.model.exists():
        before = read_json(folder.config)["plan"]
        raise ConfigError(
            f"{folder.path} holds a finished training with other settings ({_difference(before, plan)}); "
            "choose another --out, or remove that folder to train again"
        )
    shutil.rmtree(folder.path, ignore_errors=True)
    versions = {package: version(package) for package in PACKAGES}
    write_json({"digest": plan.digest, "plan": asdict(plan), "versions": versions}, folder.config)


def _difference(before: dict[str, Any], plan: FoldPlan) -> str:
    """The first setting in which a stored plan differs, for people."""
    now = json.loads(json.dumps(asdict(plan)))
    for key in sorted(set(now) - {"scaling"}):
        if isinstance(now[key], dict):
            for name in now[key]:
                if before[key].get(name) != now[key][name]:
                    return f"{key}.{name} was {before[key].get(name)}, is {now[key][name]}"
        elif before.get(key) != now[key]:
            return f"{key} was {before.get(key)}, is {now[key]}"
    return "an older version of the settings"


def _fit(plan: FoldPlan, paths: dict[str, Path | None]) -> None:
    """Run the workers to the end, restarting them from the last checkpoint if one dies."""
    from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
    from ray.train.torch import TorchTrainer

    from pipelines.worker import train_worker

    scaling, folder = plan.scaling, RunFolder(Path(str(paths["folder"])))
    resources = {"CPU": scaling.cpus_per_worker, **({"GPU": 1} if scaling.gpu else {})}
    trainer = TorchTrainer(
        train_worker,
        train_loop_config={
            "plan": asdict(plan),
            **{k: str(p.absolute()) if p else None for k, p in paths.items()},
        },
        scaling_config=ScalingConfig(
            num_workers=scaling.workers, use_gpu=scaling.gpu, resources_per_worker=resources
        ),
        run_config=RunConfig(
            name=plan.digest,  # the same name goes on from old weights, so it must change with the plan
            storage_path=str(folder.checkpoints.absolute()),
            failure_config=FailureConfig(max_failures=3),
            checkpoint_config=CheckpointConfig(num_to_keep=2),
        ),
    )
    try:
        trainer.fit()
    except TrainingFailedError as error:
        raise AuError(f"{folder.path}: training failed three times over: {_root_cause(error)}") from error


def _root_cause(error: Exception) -> str:
    """The last line of the first worker's error; the whole trace is in Ray's logs."""
    failures = getattr(error, "worker_failures", {})
    return str(next(iter(failures.values()), error)).strip().splitlines()[-1]
