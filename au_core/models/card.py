"""What is known of a finished R without loading it: ``model.json``, and ``thresholds.json`` beside it."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from au_core.aus import DatasetSpec
from au_core.data.files import read_json, write_json
from au_core.data.fold import same_people
from au_core.errors import CheckpointError, ConfigError, DamagedError, DatasetError

CARD, THRESHOLDS, WEIGHTS = "model.json", "thresholds.json", "model.safetensors"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCard:
    """What is needed to apply R: its network, its AUs, and the faces it was trained on."""

    backbone: str
    spec: DatasetSpec
    input_size: int
    """Edge of the face R sees, in pixels."""
    face_size: int
    """Edge of the aligned faces it was trained on, before they were resized to ``input_size``."""
    jpeg_quality: int = 95
    """Of these faces; cards that do not say are of 95."""
    step: int = 0
    """Step of Algorithm 1 these weights are from: chosen on the validation subjects, or the last."""
    sha256: str = ""
    """Of the weights file, which has no checksum of its own."""
    thresholds: dict[str, float] = field(default_factory=dict)
    """Probability from which an AU counts as active, chosen on validation subjects; 0.5 if never chosen."""
    unlearned: tuple[str, ...] = ()
    """AU columns whose training labels were all alike, or none: R's answers there mean nothing."""
    training: str = ""
    """The training in words, for whoever finds the folder without its run."""
    seen: tuple[str, ...] = ()
    """Datasets of the faces that it, or a model it began from, was trained on; cards that do not say: that of
    ``spec``."""
    drawn: bool = False
    """Whether it was trained on drawn people: what it says of real faces means nothing."""

    def answers(self, prob: np.ndarray) -> np.ndarray:
        """R's probabilities ``prob[N, L]`` as they are handed to users: NaN where R has learned nothing."""
        return np.where([au in self.unlearned for au in self.spec.columns], prob.dtype.type(np.nan), prob)

    def active(self, prob: np.ndarray) -> np.ndarray:
        """Which of ``prob[..., L]`` reach the threshold of their AU, a ``bool[..., L]``; NaN never does."""
        return prob >= np.array([self.thresholds[au] for au in self.spec.columns], prob.dtype)


def save_thresholds(thresholds: dict[str, float], folder: Path) -> None:
    """Write the validation-chosen thresholds beside the model; only evaluation knows them."""
    write_json(thresholds, folder / THRESHOLDS)


def load_card(folder: Path) -> ModelCard:
    """The card of a model folder, or of a run folder that holds one as ``model/``.

    Raises:
        CheckpointError: there is no model, it cannot be read, or is of another version.
        DamagedError: its files do not hold what was written.
    """
    folder = model_folder(folder)
    try:
        values = read_json(folder / CARD)
        spec = DatasetSpec.from_dict(values["spec"])
        path = folder / THRESHOLDS
        chosen = read_json(path) if path.exists() else {}
        if chosen and set(chosen) != set(spec.columns):
            raise CheckpointError(f"{path}: thresholds of {', '.join(chosen)}, not of the model's AUs")
        thresholds = {column: float(chosen.get(column, 0.5)) for column in spec.columns}
        names = {
            "unlearned": tuple(values.get("unlearned", ())),
            "seen": tuple(values.get("seen", [spec.name])),
        }
        return ModelCard(**{**values, "spec": spec, "thresholds": thresholds, **names})
    except (DatasetError, KeyError, TypeError, ValueError) as error:
        kind = DamagedError if isinstance(error.__cause__, ValueError) else CheckpointError  # no JSON
        raise kind(f"{folder / CARD}: no card of a recogniser ({error})") from error


def model_folder(folder: Path) -> Path:
    """``folder`` itself if it holds a model, else its ``model/``.

    Raises:
        CheckpointError: neither does.
    """
    for candidate in (folder, folder / "model"):
        if (candidate / CARD).is_file():
            return candidate
    raise CheckpointError(
        f"{folder}: no model here; expected a run folder such as OUT/runs/ours/missing=0.5/fold=1/seed=0 "
        f"(holding model/{CARD}) from a finished training"
    )


def initial_weights(weights: str, dataset: str) -> str:
    """``weights`` as a training on ``dataset`` begins with them: a name as it is, a file by its whole path.

    Of a model or run folder it is the file of the weights.

    Raises:
        CheckpointError: a folder without a model, or a card that cannot be read.
        ConfigError: that model has seen this dataset's people, whom folds validate and test on.
    """
    path = Path(weights).absolute()
    path = model_folder(path) / WEIGHTS if path.is_dir() else path
    if again := [name for name in seen_by(path) if same_people(name, dataset)]:
        raise ConfigError(
            f"--weights {weights}: trained on {again[0]}, perhaps on people of this training's test part; "
            f"expected a model of another dataset (if of other people: a copy of {WEIGHTS} without its card)"
        )
    return str(path) if path.is_file() else weights


def seen_by(weights: Path) -> tuple[str, ...]:
    """Datasets that a model has seen whose ``weights`` lie beside its card; none of any other file."""
    own = weights.name == WEIGHTS and (weights.parent / CARD).is_file()
    return load_card(weights.parent).seen if own else ()
