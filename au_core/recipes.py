"""One function per protocol of the paper, and the demo a laptop runs; variants change one thing."""

from collections.abc import Callable
from dataclasses import replace

from au_core.aus import BP4D, BP4D_FERA, DISFA, DatasetSpec
from au_core.config import (
    AdversarialConfig,
    ExperimentConfig,
    PreprocessConfig,
    ScalingConfig,
    SyntheticConfig,
    TrainConfig,
)
from au_core.errors import ConfigError

PAPER_TRAIN = TrainConfig(backbone="resnet50", weights="IMAGENET1K_V1")
MANIFEST = DatasetSpec(name="manifest", aus=())
"""The AUs are those of the manifest's columns."""
YUNET = PreprocessConfig(detector="yunet")
GPU = ScalingConfig(workers=1, cpus_per_worker=4, gpu=True)
PAPER_RATES = (0.1, 0.2, 0.3, 0.4, 0.5)


def demo() -> ExperimentConfig:
    """Drawn people in BP4D's layout, half of the labels hidden, three folds, with and without D.

    Run:  uv run pipelines/full_protocol.py
    Sized for two CPU cores and a few minutes, with people that are easy to read (difficulty 0). They are
    drawn: its scores say nothing about real faces.
    """
    return ExperimentConfig(
        name="demo",
        spec=BP4D,
        missing_rates=(0.5,),
        synthetic=SyntheticConfig(layout="bp4d", subjects=41, sequences=4, frames=24, difficulty=0.0),
        adversarial=AdversarialConfig(alpha=0.01, m1=16, m2=16, steps=240, lr_r=1e-3, lr_d=1e-3),
        train=TrainConfig(backbone="resnet10", input_size=80, report_every=80),
    )


def bp4d_three_fold() -> ExperimentConfig:
    """BP4D, 12 AUs, three subject-independent folds (Table 1, "3-fold"; published avg F1 63.3).

    Run:  ray submit cluster.yaml pipelines/full_protocol.py -- --recipe bp4d_three_fold --data DIR
    """
    return ExperimentConfig(
        name="bp4d_three_fold",
        spec=BP4D,
        adversarial=AdversarialConfig(alpha=0.01),
        train=PAPER_TRAIN,
        scaling=GPU,
    )


def bp4d_missing() -> ExperimentConfig:
    """The same at missing rates 0.1 to 0.5 (Fig. 4; published avg F1 62.6 at 0.1, 60.6 at 0.5)."""
    return replace(bp4d_three_fold(), name="bp4d_missing", missing_rates=PAPER_RATES)


def bp4d_train_dev() -> ExperimentConfig:
    """BP4D, 11 AUs, FERA 2015's training and development subjects (Table 1; published avg F1 61.0)."""
    return replace(bp4d_three_fold(), name="bp4d_train_dev", spec=BP4D_FERA, protocol="train_dev")


def bp4d_60_20_20() -> ExperimentConfig:
    """BP4D, 12 AUs, 60 % / 20 % / 20 % of the subjects (Table 1; published avg F1 58.7); our own draw."""
    return replace(bp4d_three_fold(), name="bp4d_60_20_20", protocol="60_20_20")


def disfa_three_fold() -> ExperimentConfig:
    """DISFA, 8 AUs, three subject-independent folds (Table 3; published avg F1 58.9)."""
    return replace(
        bp4d_three_fold(),
        name="disfa_three_fold",
        spec=DISFA,
        layout="disfa",
        adversarial=AdversarialConfig(alpha=0.001),
    )


def disfa_missing() -> ExperimentConfig:
    """The same at missing rates 0.1 to 0.5 (Fig. 4; published avg F1 58.5 at 0.1, 56.0 at 0.5)."""
    return replace(disfa_three_fold(), name="disfa_missing", missing_rates=PAPER_RATES)


def disfa_demo() -> ExperimentConfig:
    """The demo in DISFA's layout: videos, intensities from 0 to 5, 8 AUs."""
    return replace(
        demo(),
        name="disfa_demo",
        spec=DISFA,
        layout="disfa",
        synthetic=SyntheticConfig(layout="disfa", subjects=27, sequences=1, frames=144, difficulty=0.0),
    )


def bp4d_lists() -> ExperimentConfig:
    """BP4D from ME-GraphAU's or JAA-Net's list files and the pictures they name; faces by YuNet.

    Run:  ray submit cluster.yaml pipelines/full_protocol.py -- --recipe bp4d_lists --data DIR
    """
    return replace(bp4d_three_fold(), name="bp4d_lists", layout="lists", preprocess=YUNET)


def disfa_lists() -> ExperimentConfig:
    """DISFA likewise; its lists hold 0 and 1, where 1 stands for intensity 2 or more."""
    spec = replace(DISFA, active_from=1)
    return replace(disfa_three_fold(), name="disfa_lists", spec=spec, layout="lists", preprocess=YUNET)


def bp4d_plus_three_fold() -> ExperimentConfig:
    """BP4D+ (140 people, four coded tasks), 12 AUs; no folds are standard, so they are drawn by subject."""
    return replace(
        bp4d_three_fold(),
        name="bp4d_plus_three_fold",
        spec=replace(BP4D, name="BP4D+"),
        layout="bp4d_plus",
        protocol="hashed_three_fold",
    )


def manifest_three_fold() -> ExperimentConfig:
    """Your own labelled pictures or video, listed in a CSV with the AUs you have; folds drawn by subject.

    Faces by YuNet: a CSV has no landmarks.

    Run:  uv run pipelines/full_protocol.py --recipe manifest_three_fold --data manifest.csv
    """
    return replace(
        bp4d_three_fold(),
        name="manifest_three_fold",
        spec=MANIFEST,
        layout="manifest",
        protocol="hashed_three_fold",
        preprocess=YUNET,
    )


RECIPES: dict[str, Callable[[], ExperimentConfig]] = {
    recipe.__name__: recipe
    for recipe in (
        demo,
        disfa_demo,
        bp4d_three_fold,
        bp4d_missing,
        bp4d_train_dev,
        bp4d_60_20_20,
        disfa_three_fold,
        disfa_missing,
        bp4d_lists,
        disfa_lists,
        bp4d_plus_three_fold,
        manifest_three_fold,
    )
}


def load_recipe(name: str) -> ExperimentConfig:
    """The experiment called ``name``.

    Raises:
        ConfigError: there is none.
    """
    if name not in RECIPES:
        raise ConfigError(f"unknown recipe {name!r}; expected one of {', '.join(RECIPES)}")
    return RECIPES[name]()
