"""One training, fully described: what decides its result, its folder, and whether it is done already."""

from dataclasses import asdict, dataclass
from typing import Any

from au_core.aus import DatasetSpec
from au_core.compare import digest_of
from au_core.config import (
    EVERYONE,
    AdversarialConfig,
    ScalingConfig,
    TrainConfig,
    check_rate,
    check_scheme,
    is_weights_file,
)
from au_core.errors import ConfigError, words_of


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldPlan:
    """Everything one training depends on: equal plans, equal models; a finished one is not run again."""

    method: str
    missing_rate: float
    fold: int
    """Number of the test part (1, 2, 3), because public repositories number folds differently; 0: no one is
    tested, everyone is learned from."""
    seed: int
    spec: DatasetSpec
    train_subjects: tuple[str, ...]
    val_subjects: tuple[str, ...]
    test_subjects: tuple[str, ...]
    faces: str
    """Fingerprint of the dataset's faces, so that changed data retrains."""
    further: str = ""
    """The same of all else that is read: faces of further datasets and of unlabelled video, a label prior,
    initial weights; empty where there is none."""
    adversarial: AdversarialConfig
    train: TrainConfig
    scaling: ScalingConfig
    missing_scheme: str = "frame"

    def __post_init__(self) -> None:
        check_rate(self.missing_rate)
        check_scheme(self.missing_scheme)

    @property
    def run(self) -> str:
        """Folder of this training below ``OUT/runs``."""
        return f"{self.method}/missing={self.missing_rate:g}/{self.part}/seed={self.seed}"

    @property
    def part(self) -> str:
        """The fold by name; reports and comparisons are of those called ``fold=``."""
        return f"fold={self.fold}" if self.fold else EVERYONE

    @property
    def splits(self) -> tuple[str, ...]:
        """What is predicted: a training on everyone has no ``test``, and ``val`` may be no one."""
        subjects = {"val": self.val_subjects, "test": self.test_subjects}
        return tuple(split for split, people in subjects.items() if people)

    @property
    def label(self) -> str:
        """This training in a few words."""
        return self.run.replace("/", " ")

    @property
    def digest(self) -> str:
        """Short hash of all that should decide the result; a changed setting never resumes old weights.

        ``scaling`` is left out, so that a training can move to another cluster: workers normalise their
        own faces (``sync_batch_norm``), and a GPU may choose another ``precision``. So are the places of
        files, whose content :attr:`further` holds.
        """
        values = asdict(self)
        del values["scaling"]
        if self.adversarial.label_prior:
            values["adversarial"]["label_prior"] = "a file"
        if self.train.weights and is_weights_file(self.train.weights):
            values["train"]["weights"] = "a file"
        return digest_of(values)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "FoldPlan":
        """The inverse of ``dataclasses.asdict``, also after a trip through JSON.

        Raises:
            ConfigError: settings are missing, unknown, or outside their range: another version wrote them.
        """
        try:
            subjects = {
                key: tuple(values[key]) for key in ("train_subjects", "val_subjects", "test_subjects")
            }
            nested = {
                "spec": DatasetSpec.from_dict(values["spec"]),
                "adversarial": AdversarialConfig(**values["adversarial"]),
                "train": TrainConfig(**values["train"]),
                "scaling": ScalingConfig(**values["scaling"]),
            }
            return cls(**{**values, **subjects, **nested})
        except (ConfigError, KeyError, TypeError) as error:
            raise ConfigError(
                f"not the plan of a training of this version ({words_of(error)}); use the version that wrote "
                "it, or move its folder away and train anew"
            ) from error
