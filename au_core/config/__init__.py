"""Every setting of the project: frozen dataclasses, each field explained, each value checked once, here."""

from au_core.config.adversarial import AdversarialConfig
from au_core.config.experiment import EVERYONE, ExperimentConfig
from au_core.config.missing import SCHEMES, check_rate, check_scheme
from au_core.config.preprocess import PreprocessConfig
from au_core.config.scaling import ScalingConfig
from au_core.config.synthetic import TWIN_SIZES, SyntheticConfig
from au_core.config.train import TrainConfig, is_weights_file

__all__ = [
    "EVERYONE",
    "SCHEMES",
    "TWIN_SIZES",
    "AdversarialConfig",
    "ExperimentConfig",
    "PreprocessConfig",
    "ScalingConfig",
    "SyntheticConfig",
    "TrainConfig",
    "check_rate",
    "check_scheme",
    "is_weights_file",
]
