"""Finished models on another labelled dataset: on whose faces they may be judged, and how well they do."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from au_core.aus import UNKNOWN
from au_core.data.faces import list_subjects, load_faces
from au_core.data.files import read_json, write_table
from au_core.data.fold import may_share_people, same_people
from au_core.errors import ConfigError
from au_core.evaluation.scores import labels_and_probabilities, scores_by_selection
from au_core.models.card import ModelCard, load_card
from au_core.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class Judged:
    """A finished training, and the dataset on which it is judged."""

    run: RunFolder
    faces: Path
    """Face shards of the dataset."""
    dataset: str
    """What the dataset is called in its rows."""
    active_from: int
    """The lowest of its codes that means active."""

    def strangers(self) -> list[str]:
        """People of the dataset whom R was not trained on, and who chose neither its epoch nor thresholds.

        Raises:
            ConfigError: there are none, or R began from a model that may have seen them.
        """
        plan, people = self.run.plan(), list_subjects(self.faces)
        trained_on = read_json(self.run.training_set)["people"]
        for name in {*load_card(self.run.model).seen} - trained_on.keys():
            if same_people(name, self.dataset):
                raise ConfigError(f"{self.run.path}: began from a model of {name}; expected another dataset")
        chose = {plan.spec.name: plan.val_subjects}
        seen = {
            person
            for dataset, names in (*trained_on.items(), *chose.items())
            if may_share_people(dataset, self.dataset)
            for person in names
        }
        if not (left := [person for person in people if person not in seen]):
            raise ConfigError(f"{self.run.path}: trained on all {len(people)} people of {self.faces}")
        return left

    def note(self) -> dict[str, Any]:
        """What its predictions depend on beside the faces' content."""
        card = load_card(self.run.model)
        return {"model": card.sha256, "dataset": self.dataset, "active_from": self.active_from}

    def predict(self, table: Path, cores: int, gpu: bool) -> None:
        """Write prediction rows of every coded face of the :meth:`strangers`, all in the split ``test``.

        Raises:
            ConfigError: no such person, or no AU that both R and the dataset know.
        """
        import torch  # with all else that needs it: seconds, for which scores and refusals do not wait

        from au_core.evaluation.predict import predict_set, prediction_rows
        from au_core.models.checkpoint import load_recognizer
        from au_core.models.device import best_device

        recognizer, card = load_recognizer(self.run.model)
        faces = load_faces(self.faces, replace(card.spec, active_from=self.active_from), self.strangers())
        faces = faces[(faces.labels != UNKNOWN).any(axis=1)]
        if not len(faces):
            raise ConfigError(f"{self.faces}: codes none of the model's {', '.join(card.spec.columns)}")
        torch.set_num_threads(cores)
        with ThreadPoolExecutor(cores) as pool:
            prob = predict_set(recognizer.to(best_device(gpu)), faces, card.input_size, pool)
        write_table(prediction_rows(faces, prob, "test", card.spec), table)


def scores_elsewhere(table: Path, card: ModelCard) -> dict[str, Any]:
    """Scores of prediction rows at the model's own thresholds (``test``), at the rows' best, and at 0.5.

    Null for AUs that the dataset does not code, or that R has not learned.
    """
    columns = card.spec.columns
    y, prob = labels_and_probabilities(pq.read_table(table), columns, "test")
    y[:, [column in card.unlearned for column in columns]] = UNKNOWN
    own = np.array([card.thresholds[column] for column in columns])
    return {
        "frames": {"test": len(y)},
        "coded": dict(zip(columns, (y != UNKNOWN).sum(0).tolist(), strict=True)),
        "thresholds": card.thresholds,
        **scores_by_selection(prob, y, own, columns),
    }
