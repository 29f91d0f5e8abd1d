"""A whole execution of the protocol."""

from dataclasses import dataclass, field

from au_core.aus import BP4D, DatasetSpec
from au_core.config.adversarial import AdversarialConfig
from au_core.config.checks import require
from au_core.config.missing import check_rate, check_scheme
from au_core.config.preprocess import PreprocessConfig
from au_core.config.scaling import ScalingConfig
from au_core.config.synthetic import SyntheticConfig
from au_core.config.train import TrainConfig
from au_core.data.layouts import LAYOUTS

EVERYONE = "everyone"
"""A protocol that evaluates nobody: one training on all people, for use on others; its fold is 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExperimentConfig:
    """One execution of the protocol: a dataset, its folds, and every training on them."""

    name: str
    """The recipe's name; also the MLflow experiment."""
    spec: DatasetSpec = BP4D
    """AUs to recognise."""
    layout: str = "bp4d"
    """On-disk layout of ``--data``."""
    protocol: str = "three_fold"
    """``three_fold``, ``hashed_three_fold``, ``train_dev``, ``60_20_20``, or :data:`EVERYONE`."""
    methods: tuple[str, ...] = ("ours", "o_wlc")
    """Methods to train, by their names in ``au_core.methods``, or variants of them."""
    missing_rates: tuple[float, ...] = (0.0,)
    """Shares of the training labels to hide."""
    missing_scheme: str = "frame"
    """What is hidden as one: ``frame`` (the paper's T1 and T2), ``entry``, ``sequence`` or ``subject``."""
    seeds: tuple[int, ...] = (0,)
    """Each repeats everything with other initial weights, batches and hidden labels."""
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    adversarial: AdversarialConfig = field(default_factory=AdversarialConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    scaling: ScalingConfig = field(default_factory=ScalingConfig)
    synthetic: SyntheticConfig | None = None
    """The drawn dataset to use when no ``--data`` is given; None: data is required."""

    def __post_init__(self) -> None:
        require(self.layout in LAYOUTS, f"layout must be one of {', '.join(LAYOUTS)}, got {self.layout!r}")
        check_scheme(self.missing_scheme)
        for rate in self.missing_rates:
            check_rate(rate)
        self.adversarial.check_workers(self.scaling.workers)
