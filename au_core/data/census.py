"""Counts of a training set's faces and labels: how many are really labelled, which AUs cannot be learned."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from au_core.data.faces import Faces
from au_core.data.fold import true_name
from au_core.errors import DatasetError


def census(
    faces: Faces, labels: np.ndarray, columns: Sequence[str], unlabelled_drawn: bool
) -> dict[str, Any]:
    """``training_set.json`` of ``faces`` with ``labels[N, L]``: whose they are, how many know and show an AU.

    ``labelled_share`` is of all faces that are trained on: of whole people or sequences a missing rate can
    only hide so many as there are, and unlabelled video adds to the others. ``unlabelled_drawn``: whether
    these others are enough to be m2 of every batch.
    """
    known, present = labels >= 0, labels == 1
    labelled = int(known.any(axis=1).sum())
    return {
        "people": people_of(faces),
        "faces": len(faces),
        "labelled": labelled,
        "labelled_share": labelled / len(faces),
        "unlabelled_drawn": unlabelled_drawn,
        "known": dict(zip(columns, known.sum(axis=0).tolist(), strict=True)),
        "present": dict(zip(columns, present.sum(axis=0).tolist(), strict=True)),
    }


def people_of(faces: Faces) -> dict[str, list[str]]:
    """Subjects of ``faces`` by dataset."""
    people: dict[str, set[str]] = {}
    for dataset, subject in {*zip(faces.dataset, faces.subject, strict=True)}:
        people.setdefault(true_name(dataset), set()).add(subject)
    return {dataset: sorted(found) for dataset, found in sorted(people.items())}


def unlearnable(counts: dict[str, Any]) -> list[str]:
    """AU columns whose training labels are all alike, or none: whatever R answers there, it has not learned.

    >>> unlearnable({"known": {"AU01": 0, "AU02": 9, "AU4": 9}, "present": {"AU01": 0, "AU02": 9, "AU4": 1}})
    ['AU01', 'AU02']
    """
    return [au for au, known in counts["known"].items() if counts["present"][au] in (0, known)]


def check_validation(faces: Faces) -> Faces:
    """Validation ``faces`` if they can choose anything.

    Raises:
        DatasetError: no AU is coded as present in any of them.
    """
    if not (faces.labels == 1).any():
        people = ", ".join(sorted(np.unique(faces.subject.astype(str))))
        raise DatasetError(
            f"validation subjects {people}: no AU is coded as present in any of their {len(faces)} faces, so "
            "neither epoch nor thresholds can be chosen; a larger share (--validation-subjects) takes more "
            "people where the protocol lists none, video without labels belongs in --unlabelled"
        )
    return faces
