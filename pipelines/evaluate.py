"""Predict the validation and test subjects with finished models, and score the predictions.

uv run pipelines/evaluate.py --out OUT
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from au_core.config import ScalingConfig
from au_core.errors import AuError, ConfigError, words_of
from au_core.evaluation.scores import write_scores
from au_core.fold_plan import FoldPlan
from au_core.run_folder import RunFolder, run_folders
from pipelines.machinery.cli import averages, out_root, run, summary
from pipelines.machinery.options import HelpFormatter
from pipelines.machinery.tasks import as_done, raise_failures


def evaluate(folders: Sequence[RunFolder], faces: Path) -> None:
    """Predictions of finished trainings where there are none yet, then ``scores.json``.

    Raises:
        AuError: some cannot be predicted or scored; the message lists them, all others are.
    """
    reasons = {}
    for folder, error in _predicted(folders, faces):
        try:
            if error:
                raise error
            scores = write_scores(folder.plan(), folder)
        except Exception as reason:
            reasons[str(folder.path)] = words_of(reason)
        else:
            print(f"{folder.path}  {averages(scores)}", flush=True)
    raise_failures(reasons, len(folders), "trainings")


def _predicted(folders: Sequence[RunFolder], faces: Path) -> Iterator[tuple[RunFolder, Exception | None]]:
    """Each folder once its predictions are there, or with what stands in their way."""
    plans: dict[RunFolder, FoldPlan] = {}
    for folder in folders:
        try:
            plan = folder.plan()
        except AuError as error:
            yield folder, error
            continue
        if folder.predictions.exists():
            yield folder, None
        else:
            plans[folder] = plan
    jobs = {each: (plan, RunFolder(each.path.absolute()), faces.absolute()) for each, plan in plans.items()}
    scalings = [plan.scaling for plan in plans.values()] or [ScalingConfig()]
    cores = max(scaling.cpus_per_worker for scaling in scalings)
    gpu = any(scaling.gpu for scaling in scalings)
    yield from as_done(_predict, jobs, ScalingConfig(cpus_per_worker=cores, gpu=gpu))


def _predict(plan: FoldPlan, folder: RunFolder, faces: Path, cores: int, gpu: bool) -> None:
    import torch

    from au_core.evaluation.predict import predict_run
    from au_core.models.device import best_device

    here = replace(plan.scaling, workers=1, cpus_per_worker=cores)  # it was trained elsewhere, perhaps
    predict_run(replace(plan, scaling=here), folder, faces, torch.device(best_device(gpu)))


def main(argv: list[str] | None = None) -> None:
    """Evaluate every finished training below ``OUT/runs``."""
    parser = argparse.ArgumentParser(description=summary(__doc__), formatter_class=HelpFormatter)
    parser.add_argument("--out", type=Path, default=out_root() / "demo", help="folder of the experiment")
    args = parser.parse_args(argv)
    finished = [folder for folder in run_folders(args.out, part="*") if folder.model.exists()]
    if not finished:
        raise ConfigError(f"{args.out / 'runs'}: no finished training; run pipelines/full_protocol.py first")
    evaluate(finished, args.out / "faces")


if __name__ == "__main__":
    run(main)
