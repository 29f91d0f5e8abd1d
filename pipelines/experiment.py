"""An experiment on disk: its recipe, its data, its output folder; shared by the commands that train."""

import argparse
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from au_core.config import ExperimentConfig, FoldPlan
from au_core.data.faces import fingerprint, list_au_numbers, list_subjects
from au_core.data.files import write_json
from au_core.data.layout import RunFolder
from au_core.errors import ConfigError
from au_core.plans import plan_runs
from au_core.recipes import RECIPES, load_recipe

Formatter = argparse.ArgumentDefaultsHelpFormatter


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """A recipe applied to data, written to one folder."""

    cfg: ExperimentConfig
    out: Path
    data: Path | None = None
    """The labelled dataset in its own layout; None: the twin is drawn."""
    unlabelled: Path | None = None
    """Folder of more video for T2."""

    @property
    def faces(self) -> Path:
        """Shards of the labelled dataset."""
        return self.out / "faces"

    @property
    def unlabelled_faces(self) -> Path | None:
        """Shards of the unlabelled video, None where there is none."""
        folder = self.out / "faces_unlabelled"
        return folder if self.unlabelled or folder.exists() else None

    def plans(self, cfg: ExperimentConfig) -> list[FoldPlan]:
        """The trainings of ``cfg`` on this experiment's faces.

        Raises:
            ConfigError: there are no faces yet.
        """
        subjects = list_subjects(self.faces)
        if not subjects:
            raise ConfigError(f"{self.faces}: no faces; run pipelines/full_protocol.py first")
        if not cfg.spec.aus:  # a manifest brings its own AUs
            cfg = replace(cfg, spec=replace(cfg.spec, aus=list_au_numbers(self.faces)))
        folders = [self.faces, *([self.unlabelled_faces] if self.unlabelled_faces else [])]
        return plan_runs(cfg, subjects, fingerprint(*folders))

    def folder(self, plan: FoldPlan) -> RunFolder:
        """Where a training of this experiment is written."""
        return RunFolder(self.out / "runs" / plan.run)

    def describe(self) -> dict[str, object]:
        """Write ``experiment.json``, from which the report takes its words, and return it."""
        data = str(self.data) if self.data else "synthetic"
        unlabelled = str(self.unlabelled) if self.unlabelled else None
        words = {"recipe": self.cfg.name, "data": data, "unlabelled": unlabelled, "config": asdict(self.cfg)}
        write_json(words, self.out / "experiment.json")
        return words


def add_experiment_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments every training command has."""
    parser.formatter_class = Formatter
    parser.add_argument("--recipe", default="demo", help="experiment: " + ", ".join(RECIPES))
    parser.add_argument(
        "--data", type=Path, help="labelled dataset in its own layout; without it, people are drawn"
    )
    parser.add_argument("--unlabelled", type=Path, help="folder of more video or pictures, for T2")
    parser.add_argument(
        "--out", type=Path, help="everything is written here; without it, $AU_OUT/RECIPE or out/RECIPE"
    )
    parser.add_argument("--detector", help="dataset, yunet, or a YuNet file (default: the recipe's)")


def load_experiment(args: argparse.Namespace) -> Experiment:
    """The experiment that the command line names.

    Raises:
        ConfigError: an unknown recipe.
    """
    cfg = load_recipe(args.recipe)
    if args.detector:
        cfg = replace(cfg, preprocess=replace(cfg.preprocess, detector=args.detector))
    names = [cfg.name, *(path.resolve().stem for path in (args.data, args.unlabelled) if path)]
    out = args.out or Path(os.environ.get("AU_OUT", "out")) / "-".join(names)
    return Experiment(cfg=cfg, out=out, data=args.data, unlabelled=args.unlabelled)
