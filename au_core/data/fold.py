"""The faces of one fold: what is trained on, with which labels, and what is validated or tested on."""

from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path

import numpy as np

from au_core.aus import UNKNOWN
from au_core.compare import content_of, digest_of
from au_core.config import AdversarialConfig, TrainConfig
from au_core.data.faces import Faces, fingerprint, join_faces, list_subjects, load_faces
from au_core.data.masking import visible_labels
from au_core.data.prior import load_label_prior
from au_core.errors import DatasetError
from au_core.fold_plan import FoldPlan

FURTHER = ", further "


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Face folders of one experiment."""

    coded: Path
    """Of the dataset that is divided into folds."""
    also: tuple[tuple[Path, int], ...] = ()
    """Of further labelled datasets, all of it for training, each with the lowest code that means active."""
    unlabelled: Path | None = None
    """Of video without labels."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.coded, *self.further)

    @property
    def further(self) -> tuple[Path, ...]:
        """All but the first."""
        return (*(path for path, _ in self.also), *([self.unlabelled] if self.unlabelled else []))

    def absolute(self) -> "Sources":
        """The same by absolute paths, for a worker in another folder."""
        also = tuple((path.absolute(), active_from) for path, active_from in self.also)
        unlabelled = self.unlabelled and self.unlabelled.absolute()
        return Sources(coded=self.coded.absolute(), also=also, unlabelled=unlabelled)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """X of Algorithm 1, the labels that were left to it, and more real label vectors for D."""

    faces: Faces
    """N of them."""
    labels: np.ndarray
    """``int8[N, L]``, UNKNOWN where an AU is not coded or its label is hidden."""
    prior: np.ndarray | None = None
    """``int8[P, L]`` label vectors without faces."""


def further_of(sources: Sources, game: AdversarialConfig, train: TrainConfig) -> str:
    """``further`` of a :class:`FoldPlan` with these settings."""
    files = [Path(path) for path in (game.label_prior, train.weights) if path]
    contents = [content_of(path) for path in files if path.is_file()]
    further = [fingerprint(*sources.further), *contents] if sources.further or contents else None
    return digest_of(further) if further else ""


def check_unchanged(plan: FoldPlan, sources: Sources) -> None:
    """Make sure that a training reads what it was planned for: another command may have been here since.

    Raises:
        DatasetError: it is not.
    """
    read = fingerprint(sources.coded), further_of(sources, plan.adversarial, plan.train)
    if read != (plan.faces, plan.further):
        raise DatasetError(
            f"{sources.coded}, or what is trained on beside it, has changed since this training was planned; "
            "run the command again when nothing else writes there"
        )


def load_training_set(plan: FoldPlan, sources: Sources) -> TrainingSet:
    """Training subjects' and other labelled faces, labels hidden at the plan's rate; then unlabelled ones.

    Where datasets are mixed, ``plan.spec`` is the union of their AUs, UNKNOWN where one does not code them.
    """
    faces = load_faces(sources.coded, plan.spec, plan.train_subjects)
    own = {*faces.dataset}
    for path, active_from in sources.also:
        spec = replace(plan.spec, active_from=active_from)
        more = without_held_out(load_faces(path, spec, list_subjects(path)), own, plan)
        faces = join_faces(faces, told_apart(more, {*faces.dataset}))
    labels = visible_labels(faces, plan.spec.columns, plan.missing_rate, plan.seed, plan.missing_scheme)
    prior = plan.adversarial.label_prior
    held_out = {*plan.val_subjects, *plan.test_subjects}
    vectors = load_label_prior(Path(prior), plan.spec.columns, held_out) if prior else None
    if sources.unlabelled:
        people = list_subjects(sources.unlabelled)
        extra = load_faces(sources.unlabelled, plan.spec, people, all_faces=True)
        faces, labels = join_faces(faces, extra), np.concatenate([labels, extra.labels])
    return TrainingSet(faces, labels, vectors)


def told_apart(more: Faces, taken: set[str]) -> Faces:
    """``more`` by other names than those ``taken``: two manifests may code different AUs."""
    names = {name: _free(name, taken) for name in {*more.dataset}}
    return replace(more, dataset=np.array([names[name] for name in more.dataset], object))


def _free(name: str, taken: set[str]) -> str:
    further = (f"{name}{FURTHER}{k}" for k in count(1))
    return next(free for free in chain([name], further) if free not in taken)


def true_name(dataset: str) -> str:
    """What a dataset is called that :func:`told_apart` has renamed, or not."""
    return dataset.partition(FURTHER)[0]


def without_held_out(faces: Faces, datasets: set[str], plan: FoldPlan) -> Faces:
    """``faces`` without the people whom ``plan`` validates or tests on, if they are those of ``datasets``.

    A further dataset may show them again; equal names in other datasets are other people's.
    """
    held_out = {*plan.val_subjects, *plan.test_subjects}
    again = {name for name in {*faces.dataset} for own in datasets if may_share_people(name, own)}
    people = zip(faces.dataset, faces.subject, strict=True)
    kept = [dataset not in again or subject not in held_out for dataset, subject in people]
    return faces[np.array(kept, bool)]


def may_share_people(a: str, b: str) -> bool:
    """Whether equal names may mean the same people: a manifest may list anyone."""
    return same_people(a, b) or "manifest" in (a, b)


def same_people(a: str, b: str) -> bool:
    """Whether two datasets are of the same people: DISFA+ filmed DISFA's again."""
    return a == b or {a, b} == {"DISFA", "DISFA+"}


def load_split(plan: FoldPlan, faces: Path, split: str) -> Faces:
    """The coded faces of the ``val`` or ``test`` subjects, with all their labels.

    Raises:
        DatasetError: there is none.
    """
    people = {"val": plan.val_subjects, "test": plan.test_subjects}[split]
    found = load_faces(faces, plan.spec, people)
    coded = (found.labels != UNKNOWN).any(axis=1)
    if not coded.any():
        raise DatasetError(
            f"{faces}: none of the {len(found)} faces of {', '.join(people)} has a code; expected labels of "
            "the people who choose the epoch or are tested on"
        )
    return found[coded]
