"""The faces of one fold: what is trained on, with which labels, and what is validated or tested on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from au_core.config import FoldPlan
from au_core.data.faces import Faces, join_faces, list_subjects, load_faces
from au_core.data.masking import visible_labels
from au_core.data.prior import load_label_prior


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """X of Algorithm 1, the labels that were left to it, and more real label vectors for D."""

    faces: Faces
    labels: np.ndarray
    """``int8[N, L]``, UNKNOWN where an AU is not coded or its label is hidden."""
    prior: np.ndarray | None = None
    """``int8[P, L]`` label vectors without faces."""


def load_training_set(plan: FoldPlan, faces: Path, unlabelled: Path | None) -> TrainingSet:
    """Training subjects' faces, labels hidden at the plan's rate, then the faces of ``unlabelled`` video."""
    coded = load_faces(faces, plan.spec, plan.train_subjects)
    labels = visible_labels(coded, plan.spec.columns, plan.missing_rate, plan.seed, plan.missing_scheme)
    prior = plan.adversarial.label_prior
    vectors = load_label_prior(Path(prior), plan.spec.columns) if prior else None
    if not unlabelled:
        return TrainingSet(coded, labels, vectors)
    extra = load_faces(unlabelled, plan.spec, list_subjects(unlabelled), all_faces=True)
    return TrainingSet(join_faces(coded, extra), np.concatenate([labels, extra.labels]), vectors)


def load_split(plan: FoldPlan, faces: Path, split: str) -> Faces:
    """Faces with all their labels of the ``val`` or ``test`` subjects."""
    return load_faces(faces, plan.spec, {"val": plan.val_subjects, "test": plan.test_subjects}[split])
