"""Train R against D by Algorithm 1 on one fold; the best R on validation subjects becomes ``model/``.

uv run pipelines/train_fold.py --recipe demo --method ours --missing-rate 0.5 --fold 1
"""

import argparse
from dataclasses import asdict, replace

from au_core.config import EVERYONE
from pipelines.machinery.arguments import (
    METHOD_HELP,
    add_experiment_arguments,
    add_settings,
    load_experiment,
    warn_if_small,
    warn_if_thresholds_differ,
)
from pipelines.machinery.cli import run, summary
from pipelines.machinery.runs import run_plans
from pipelines.machinery.tracking import Tracking


def main(argv: list[str] | None = None) -> None:
    """Train one fold of a recipe whose faces are in ``OUT/faces``, and evaluate it."""
    parser = argparse.ArgumentParser(description=summary(__doc__))
    add_experiment_arguments(parser)
    parser.add_argument("--method", default="ours", help=METHOD_HELP)
    parser.add_argument("--missing-rate", type=float, default=0.0, help="share of labels to hide, in [0, 1)")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--fold", type=int, help="number of the test part (default: the protocol's first)")
    who.add_argument(
        "--everyone",
        action="store_true",
        help="train on all people instead, a model for others: none is left to test on, some still choose "
        "epoch and thresholds",
    )
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches and hidden labels")
    add_settings(parser, argv, makes_faces=False)
    args = parser.parse_args(argv)
    experiment = load_experiment(args)
    recipe = replace(
        experiment.cfg,
        methods=(args.method,),
        missing_rates=(args.missing_rate,),
        seeds=(args.seed,),
        protocol=EVERYONE if args.everyone else experiment.cfg.protocol,
    )
    experiment = replace(experiment, cfg=recipe)
    plans = experiment.plans_by_fold(None if args.fold is None else [args.fold])
    warn_if_small(experiment)
    warn_if_thresholds_differ(experiment)
    run_plans(list(plans.values()), experiment, lambda: Tracking(experiment.out, recipe.name, asdict(recipe)))


if __name__ == "__main__":
    run(main)
