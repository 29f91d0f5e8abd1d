"""The arguments that every training command has, and the experiment they stand for."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from au_core.config import (
    SCHEMES,
    AdversarialConfig,
    ExperimentConfig,
    PreprocessConfig,
    ScalingConfig,
    TrainConfig,
)
from au_core.data.faces import are_drawn, are_intensities
from au_core.data.layouts import LAYOUTS
from au_core.data.readers import refuse_base
from au_core.errors import ConfigError
from au_core.methods import METHODS
from au_core.models.card import initial_weights
from au_core.recipes import RECIPES, demo, load_recipe
from pipelines.machinery.cli import out_root, say
from pipelines.machinery.cluster import cores_of
from pipelines.machinery.experiment import Experiment
from pipelines.machinery.options import HelpFormatter, add_fields, with_options

METHOD_HELP = (
    f"one of: {', '.join(METHODS)}; a variant with other settings by a name of yours, such as ours+relaxed, "
    "stands beside them in the report"
)


def add_experiment_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments every training command has."""
    parser.formatter_class = HelpFormatter
    parser.add_argument("--recipe", default="demo", help="experiment: " + ", ".join(RECIPES))
    parser.add_argument(
        "--data",
        type=Path,
        help="labelled dataset in its own layout; where faces are there already (train_fold.py), only OUT's "
        "default name depends on it",
    )
    add_root(parser)
    parser.add_argument(
        "--active-from",
        type=int,
        choices=range(1, 6),
        help="lowest code of --data that means active (default: 2 for DISFA's intensities, else 1)",
    )
    parser.add_argument(
        "--missing-scheme",
        choices=SCHEMES,
        help="what is hidden as one where labels are: frames (whose neighbours in a video tell nearly the "
        "same), single labels, whole sequences or subjects (default: the recipe's, frame)",
    )
    parser.add_argument("--unlabelled", type=Path, help="folder of more video or pictures, for T2")
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="LAYOUT=DIR",
        help="another labelled dataset to train every fold on; its AUs join the recipe's (may be repeated)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="everything is written here (default: a folder named by recipe and data, in $AU_OUT or out)",
    )


def add_root(parser: argparse.ArgumentParser) -> None:
    """The argument that every command has whose data may be a manifest."""
    parser.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="folder in which the paths of a manifest begin (default: the one that its CSV lies in)",
    )


def add_settings(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None, makes_faces: bool = True
) -> None:
    """Options for the settings of a training, and of its faces where the command makes them.

    Their help shows the values of the recipe in ``argv``.
    """
    asked = argparse.ArgumentParser(add_help=False)
    asked.add_argument("--recipe", default="demo")
    cfg = RECIPES.get(asked.parse_known_args(argv)[0].recipe, demo)()
    of = f"(defaults: those of recipe {cfg.name})"
    if makes_faces:
        add_fields(parser, PreprocessConfig, f"from a frame to a face {of}", cfg.preprocess, ["all_faces"])
    add_fields(parser, AdversarialConfig, f"Algorithm 1, Eq. 3-5 {of}", cfg.adversarial)
    add_fields(parser, TrainConfig, f"network and training, which the paper leaves open {of}", cfg.train)
    add_fields(parser, ScalingConfig, f"what one training takes of the cluster {of}", cfg.scaling)


def load_experiment(args: argparse.Namespace) -> Experiment:
    """The experiment that the command line names.

    Raises:
        ConfigError: an unknown recipe, or what its settings or ``--also`` cannot be.
    """
    cfg = load_recipe(args.recipe)
    refuse_base(cfg.layout, args.root)
    cfg = _with_settings(cfg, args)
    if args.active_from:
        cfg = replace(cfg, spec=replace(cfg.spec, active_from=args.active_from))
    _refuse_test_people(args, cfg.layout)
    also = _all_different([_layout_and_folder(text) for text in args.also])
    names = [cfg.name, *([_name(args.data)] if args.data else [])]
    names += [f"{layout}-{_name(path)}" for layout, path in also]
    names += [f"unlabelled-{_name(args.unlabelled)}"] if args.unlabelled else []
    out = args.out or out_root() / "-".join(names)
    return Experiment(cfg=cfg, out=out, data=args.data, root=args.root, unlabelled=args.unlabelled, also=also)


def _refuse_test_people(args: argparse.Namespace, layout: str) -> None:
    """Make sure that the unlabelled video is not the labelled dataset's own.

    Beside the files of a manifest there may be other people's, which are compared once they are listed.
    """
    for name in ("data", "root") if args.unlabelled else ():
        more, folder = args.unlabelled.resolve(), getattr(args, name)
        own = folder and folder.resolve()
        if own and own.is_relative_to(more):
            raise ConfigError(
                f"--unlabelled {args.unlabelled} holds --{name} {folder}, so every fold would be trained on "
                "the faces of its own test people; expected a folder of other video"
            )
        if own and own.is_dir() and layout != "manifest" and more.is_relative_to(own):
            raise ConfigError(
                f"--unlabelled {args.unlabelled} lies in --data {folder}, so folds would be trained on the "
                "faces of their own test people; expected a folder of other video (--uncoded N takes frames "
                "that nobody coded, of training people alone)"
            )


def _with_settings(cfg: ExperimentConfig, args: argparse.Namespace) -> ExperimentConfig:
    """``cfg`` with what the command line says otherwise; files by absolute paths, for workers elsewhere."""
    adversarial, train = with_options(cfg.adversarial, args), with_options(cfg.train, args)
    scaling = with_options(cfg.scaling, args)
    return replace(
        cfg,
        missing_scheme=args.missing_scheme or cfg.missing_scheme,
        adversarial=replace(adversarial, label_prior=_absolute(adversarial.label_prior)),
        train=replace(train, weights=train.weights and initial_weights(train.weights, cfg.spec.name)),
        preprocess=with_options(cfg.preprocess, args),
        scaling=scaling if "cpus_per_worker" in args else cores_of(scaling),
    )


def warn_if_small(experiment: Experiment) -> None:
    """Tell whoever forgot ``--recipe`` that people's faces meet the network of drawn ones."""
    cfg = experiment.cfg
    if cfg.synthetic and not are_drawn(experiment.faces):
        say(f"warning: {cfg.name} is a small network and few steps, made for drawn people; see --recipe")


def warn_if_thresholds_differ(experiment: Experiment) -> None:
    """Tell whoever mixes intensities of which the same one is active in one dataset and not in another."""
    spec, also = experiment.cfg.spec, experiment.also_faces.items()
    coded = [(spec.name, spec.active_from, experiment.faces)]
    coded += [(layout, LAYOUTS[layout].active_from, folder) for layout, folder in also]
    intense = [(name, active_from) for name, active_from, folder in coded if are_intensities(folder)]
    if len({active_from for _, active_from in intense}) > 1:
        words = ", ".join(f"from {active_from} in {name}" for name, active_from in intense)
        say(f"warning: codes are intensities up to 5, active {words} (--active-from changes that of --data)")


def _absolute(path: str | None) -> str | None:
    """A file by its whole path."""
    return str(Path(path).absolute()) if path and Path(path).is_file() else path


def _name(path: Path) -> str:
    """What the data at ``path`` is called: a folder's name, a file's without its suffix."""
    path = path.resolve()
    return path.stem if path.is_file() else path.name


def _all_different(also: list[tuple[str, Path]]) -> tuple[tuple[str, Path], ...]:
    layouts = [layout for layout, _ in also]
    if twice := [layout for layout in layouts if layouts.count(layout) > 1]:
        raise ConfigError(f"--also {twice[0]}= is given twice; expected one dataset of each layout")
    return tuple(also)


def _layout_and_folder(text: str) -> tuple[str, Path]:
    layout, _, folder = text.partition("=")
    labelled = [name for name, facts in LAYOUTS.items() if facts.labelled]
    if layout not in labelled or not folder:
        known = ", ".join(labelled)
        raise ConfigError(f"--also {text}: expected LAYOUT=DIR such as disfa=/data/DISFA; layouts: {known}")
    return layout, Path(folder)
