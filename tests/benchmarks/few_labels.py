"""Does a label prior help where few labels are left? The demo's people, 90 % of the labels hidden.

    uv run pipelines/full_protocol.py --missing-rates 0.9 --seeds 0 1 2 3 4 --out out/few
    uv run tests/benchmarks/few_labels.py --out out/few --seeds 0 1 2 3 4

The second command trains ``ours`` once more on the faces of the first, with half of D's real vectors from a
label prior, the codes of other performances (no pictures of them are drawn), and with samples of R's answers
as D's input; it compares with O-wlc of the first, fold by fold and seed by seed.
"""

import argparse
import csv
import shutil
from dataclasses import asdict, replace
from pathlib import Path

from au_core.aus import BP4D
from au_core.config import ExperimentConfig, SyntheticConfig
from au_core.data.synthetic.expression import AUS
from au_core.data.synthetic.film import play
from au_core.data.synthetic.write import plan_sequences
from au_core.recipes import demo
from au_core.report.comparisons import mean_difference, over_people
from au_core.report.results import collect, paired
from pipelines.machinery.cli import run
from pipelines.machinery.experiment import Experiment
from pipelines.machinery.runs import run_plans
from pipelines.machinery.tracking import Tracking

RATE = 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/few"), help="of the first command")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--alpha", type=float, default=0.1)
    parser.add_argument("--tasks", type=int, default=4, help="of the prior; the faces show the first four")
    args = parser.parse_args()
    out = args.out.with_name(f"{args.out.name}_prior_{args.alpha:g}_{args.tasks}")
    if not out.exists():
        shutil.copytree(args.out / "faces", out / "faces")
    cfg = settings(args.alpha, tuple(args.seeds), write_prior(out / "prior.csv", args.tasks))
    experiment = Experiment(cfg=cfg, out=out)
    run_plans(experiment.plans(), experiment, lambda: Tracking(out, "few_labels", asdict(cfg)))
    pairs = paired(collect(out).of("ours", RATE), collect(args.out).of("o_wlc", RATE))
    for metric in ("f1", "auc"):
        difference = mean_difference(pairs, lambda run, m=metric: run.score(m))
        higher = sum(ours.score(metric) > other.score(metric) for ours, other in pairs)
        print(f"{metric}: ours - O-wlc {difference}, higher in {higher} of {len(pairs)}")
    print(f"f1, 95 % over test people: {over_people(pairs)}")


def settings(alpha: float, seeds: tuple[int, ...], prior: Path) -> ExperimentConfig:
    """The demo's with few labels and what might help then."""
    cfg = demo()
    game = replace(cfg.adversarial, alpha=alpha, relaxed=0.5, label_prior=str(prior.absolute()))
    return replace(cfg, methods=("ours",), missing_rates=(RATE,), seeds=seeds, adversarial=game)


def write_prior(path: Path, tasks: int) -> Path:
    """7,872 label vectors of the twin's people in other performances of their first tasks."""
    cfg = SyntheticConfig(seed=1, sequences=tasks, frames=192 // tasks, difficulty=0)
    with path.open("w") as file:
        rows = csv.writer(file)
        rows.writerow(BP4D.columns)
        for subject, sequence in plan_sequences(cfg):
            codes = play(cfg, subject, sequence).codes[:, [AUS.index(au) for au in BP4D.aus]]
            rows.writerows((codes >= 2).astype(int).tolist())
    return path


if __name__ == "__main__":
    run(main)
