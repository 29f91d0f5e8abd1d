"""The faces of one fold: what is trained on, with which labels, and what is validated or tested on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from au_core.config import FoldPlan
from au_core.data.faces import Faces, join_faces, list_subjects, load_faces
from au_core.data.masking import is_labelled


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """X of Algorithm 1 and which of its rows keep their labels (T1)."""

    faces: Faces
    labelled: np.ndarray
    """``bool[N]``"""


def load_training_set(plan: FoldPlan, faces: Path, unlabelled: Path | None) -> TrainingSet:
    """Training subjects' faces, labels hidden at the plan's rate, then the faces of ``unlabelled`` video."""
    coded = load_faces(faces, plan.spec, plan.train_subjects)
    keep = is_labelled(coded.identity, plan.missing_rate, plan.seed)
    extra = (
        load_faces(unlabelled, plan.spec, list_subjects(unlabelled), all_faces=True) if unlabelled else None
    )
    n_extra = len(extra) if extra is not None else 0
    return TrainingSet(join_faces(coded, extra), np.concatenate([keep, np.zeros(n_extra, bool)]))


def load_split(plan: FoldPlan, faces: Path, split: str) -> Faces:
    """Faces with all their labels of the ``val`` or ``test`` subjects."""
    return load_faces(faces, plan.spec, {"val": plan.val_subjects, "test": plan.test_subjects}[split])
