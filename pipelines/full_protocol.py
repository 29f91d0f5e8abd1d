"""The whole protocol in one command: data, faces, every training of a recipe, scores, report.

uv run pipelines/full_protocol.py                          the embedded demo: no data, no download
uv run pipelines/full_protocol.py --recipe bp4d_three_fold --data BP4D
"""

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from au_core.config import ExperimentConfig, PreprocessConfig
from au_core.data.prior import load_label_prior, read_prior
from au_core.data.protocols import split_subjects
from au_core.errors import ConfigError
from au_core.methods import settings_of
from pipelines.machinery.arguments import (
    METHOD_HELP,
    add_experiment_arguments,
    add_settings,
    load_experiment,
    warn_if_thresholds_differ,
)
from pipelines.machinery.cli import run, summary
from pipelines.machinery.cluster import check_fits
from pipelines.machinery.experiment import Experiment
from pipelines.machinery.tracking import Tracking, tracking_uri, without_password


def full_protocol(experiment: Experiment) -> Path:
    """Carry out ``experiment``; what is finished is not done again. Returns the report's page."""
    from pipelines.machinery.runs import run_plans
    from pipelines.report import report

    prepare_faces(experiment)
    plans = experiment.plans()
    warn_if_thresholds_differ(experiment)
    tracking = run_plans(
        plans,
        experiment,
        lambda: Tracking(experiment.out, experiment.cfg.name, experiment.write_description()),
    )
    page = report(experiment.out)
    tracking.attach(page)
    return page


def prepare_faces(experiment: Experiment) -> None:
    """Draw the twin if no data is given, then turn all video into aligned faces."""
    from pipelines.machinery.datasets import (
        check_uncoded,
        list_dataset,
        refuse_labelled,
        refuse_leftovers,
        refuse_to_redo,
        with_detector_file,
    )
    from pipelines.machinery.finding import find_faces
    from pipelines.make_synthetic import make_synthetic

    cfg, data = experiment.cfg, experiment.data
    _check(experiment)
    own = [] if data is None else [cfg.layout]
    check_uncoded(cfg.preprocess, [*own, *(layout for layout, _ in experiment.also)])
    labelled = [
        list_dataset(layout, folder, experiment.also_faces[layout], cfg.preprocess)
        for layout, folder in experiment.also
    ]
    unlabelled = []
    if experiment.unlabelled and experiment.unlabelled_faces:
        settings = for_unlabelled(cfg.preprocess)
        unlabelled = [list_dataset("videos", experiment.unlabelled, experiment.unlabelled_faces, settings)]
    if data is None:
        assert cfg.synthetic
        with_detector_file(cfg.layout, cfg.preprocess)  # before a minute of drawing
        data = make_synthetic(cfg.synthetic, experiment.out / "synthetic")
    coded = list_dataset(cfg.layout, data, experiment.faces, cfg.preprocess, cfg.spec.name, experiment.root)
    split_subjects(cfg.protocol, cfg.spec.name, coded.subjects, cfg.train.validation_subjects)
    datasets = coded, *labelled, *unlabelled
    refuse_labelled(unlabelled, [coded, *labelled])
    for dataset in datasets:
        refuse_to_redo(dataset, experiment.out)
        refuse_leftovers(dataset)
    for dataset in datasets:
        find_faces(dataset)


def _check(experiment: Experiment) -> None:
    """Ask first what would else fail after hours of finding faces."""
    from au_core.models.memory import training_bytes
    from au_core.models.recognizer import build_backbone

    cfg = experiment.cfg
    for method in cfg.methods:
        settings_of(method, cfg.adversarial)
    if experiment.data is None and cfg.synthetic is None:
        raise ConfigError(
            f"recipe {cfg.name} needs --data DIR, a dataset in the {cfg.layout} layout; "
            "without data, run --recipe demo or disfa_demo"
        )
    if not (experiment.out / "experiment.json").exists():  # else it began, and may be finished
        check_fits(cfg.scaling)
        build_backbone(cfg.train.backbone, cfg.train.weights)
        training_bytes(cfg.train.backbone, cfg.train.input_size, cfg.adversarial.m)
    if prior := cfg.adversarial.label_prior:
        if cfg.spec.aus and not experiment.also:
            load_label_prior(Path(prior), cfg.spec.columns)
        else:  # a manifest's AUs are not known yet, nor their union with others'
            read_prior(Path(prior))


def for_unlabelled(cfg: PreprocessConfig) -> PreprocessConfig:
    """The same faces from video that has no landmark files: every face that YuNet finds."""
    detector = "yunet" if cfg.detector == "dataset" else cfg.detector
    return replace(cfg, detector=detector, all_faces=True)


def with_lists(cfg: ExperimentConfig, args: argparse.Namespace) -> ExperimentConfig:
    """``cfg`` with seeds, methods and missing rates of the command line, each once, where there are any."""
    given = {name: getattr(args, name) for name in ("seeds", "methods", "missing_rates")}
    return replace(cfg, **{name: tuple(dict.fromkeys(values)) for name, values in given.items() if values})


def main(argv: list[str] | None = None) -> None:
    """Run a recipe from its data to its report."""
    parser = argparse.ArgumentParser(description=summary(__doc__))
    add_experiment_arguments(parser)
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        help="of weights, batches and hidden labels; with five a small difference can be told from chance "
        "(without it, the recipe's)",
    )
    parser.add_argument("--methods", nargs="+", metavar="METHOD", help=f"likewise; each {METHOD_HELP}")
    parser.add_argument(
        "--missing-rates", type=float, nargs="+", help="shares of labels to hide, in [0, 1) (likewise)"
    )
    add_settings(parser, argv)
    args = parser.parse_args(argv)
    experiment = load_experiment(args)
    experiment = replace(experiment, cfg=with_lists(experiment.cfg, args))
    page = full_protocol(experiment)
    print(f"report: {page}", file=sys.stderr)
    print(f"compare: {where_to_compare(tracking_uri(experiment.out))}", file=sys.stderr)


def where_to_compare(uri: str) -> str:
    """The address of MLflow's server, or the command that shows its database; without the password of either.

    >>> where_to_compare("postgresql://anna:secret@db/m")
    'uv run mlflow ui --workers 1 --backend-store-uri "$MLFLOW_TRACKING_URI"'
    """
    if uri.startswith("http"):
        return without_password(uri)
    shown = shlex.quote(uri) if uri == without_password(uri) else '"$MLFLOW_TRACKING_URI"'
    return f"uv run mlflow ui --workers 1 --backend-store-uri {shown}"


if __name__ == "__main__":
    run(main)
