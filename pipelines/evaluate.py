"""Predict the validation and test subjects with finished models, and score the predictions.

uv run pipelines/evaluate.py --out OUT
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from au_core.errors import ConfigError
from au_core.evaluation.scores import write_scores
from au_core.fold_plan import FoldPlan
from au_core.run_folder import RunFolder, run_folders
from pipelines.machinery.cli import averages, out_root, run, summary
from pipelines.machinery.options import HelpFormatter


def evaluate_run(folder: RunFolder, faces: Path) -> dict[str, Any]:
    """Scores of a finished training: predictions where there are none yet, then ``scores.json``."""
    plan = folder.plan()
    if not folder.predictions.exists():
        _predict_on_cluster(plan, folder, faces)
    return write_scores(plan, folder)


def _predict_on_cluster(plan: FoldPlan, folder: RunFolder, faces: Path) -> None:
    import ray

    from pipelines.machinery.cluster import connect, cores_of, has_gpu, our_errors

    connect()
    scaling = cores_of(replace(plan.scaling, workers=1))  # it was trained elsewhere, perhaps
    gpu = scaling.gpu and has_gpu()
    task = ray.remote(_predict).options(num_cpus=scaling.cpus_per_worker, num_gpus=int(gpu))
    there = RunFolder(folder.path.absolute())
    with our_errors():
        ray.get(task.remote(replace(plan, scaling=scaling), there, faces.absolute(), gpu))


def _predict(plan: FoldPlan, folder: RunFolder, faces: Path, gpu: bool) -> None:
    import torch

    from au_core.evaluation.predict import predict_run
    from au_core.models.device import best_device

    predict_run(plan, folder, faces, torch.device(best_device(gpu)))


def main(argv: list[str] | None = None) -> None:
    """Evaluate every finished training below ``OUT/runs``."""
    parser = argparse.ArgumentParser(description=summary(__doc__), formatter_class=HelpFormatter)
    parser.add_argument("--out", type=Path, default=out_root() / "demo", help="folder of the experiment")
    args = parser.parse_args(argv)
    finished = [folder for folder in run_folders(args.out, part="*") if folder.model.exists()]
    if not finished:
        raise ConfigError(f"{args.out / 'runs'}: no finished training; run pipelines/full_protocol.py first")
    for folder in finished:
        scores = evaluate_run(folder, args.out / "faces")
        print(f"{folder.path}  {averages(scores)}")


if __name__ == "__main__":
    run(main)
