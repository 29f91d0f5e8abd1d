from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from au_core.aus import BP4D, DISFA
from au_core.data.files import read_json, write_json, write_table
from au_core.data.fold import load_split
from au_core.errors import ConfigError
from au_core.evaluation.elsewhere import Judged, scores_elsewhere
from au_core.evaluation.predict import prediction_rows
from au_core.models.card import load_card
from au_core.run_folder import RunFolder
from tests.toy import CARD, write_toy_faces, write_untrained_model
from tests.toy_runs import write_run


@pytest.fixture
def run(tmp_path) -> RunFolder:
    """A model of BP4D's F001 and F002, chosen on F003, tested on M001."""
    folder = write_run(tmp_path / "out", "ours", 0.5, 1, 0, 0.5)
    write_untrained_model(folder.path)
    return folder


def test_who_was_learned_from_or_chose_is_not_judged_on(run, tmp_path):
    faces = write_toy_faces(tmp_path / "faces", ["F001", "F003", "F004", "F099"])
    assert Judged(run, faces, "BP4D", 1).strangers() == ["F004", "F099"]
    assert len(Judged(run, faces, "DISFA", 2).strangers()) == 4  # the same names, other people
    assert Judged(run, faces, "manifest", 1).strangers() == ["F004", "F099"]  # it may be BP4D's


def test_people_of_further_datasets_were_learned_from_too(run, tmp_path):
    counts = read_json(run.training_set)
    people = {**counts["people"], "DISFA": ["SN001"], "manifest": ["carla"]}
    write_json({**counts, "people": people}, run.training_set)
    faces = write_toy_faces(tmp_path / "faces", ["F001", "F003", "SN001", "SN002", "carla"])
    assert Judged(run, faces, "DISFA+", 2).strangers() == ["F001", "F003", "SN002"]
    assert Judged(run, faces, "manifest", 1).strangers() == ["SN002"], "it may be anyone's"
    assert len(Judged(run, faces, "BP4D+", 1).strangers()) == 4, "carla's manifest may be BP4D+'s"


def test_what_a_model_it_began_from_has_seen_is_refused(run, tmp_path):
    """Whom of it, nobody noted."""
    card = run.model / "model.json"
    write_json({**read_json(card), "seen": ["BP4D", "DISFA"]}, card)
    faces = write_toy_faces(tmp_path / "faces", ["SN001"])
    for dataset in ("DISFA", "DISFA+"):
        with pytest.raises(ConfigError, match="began from a model of DISFA"):
            Judged(run, faces, dataset, 2).strangers()
    assert Judged(run, faces, "BP4D+", 1).strangers() == ["SN001"]


def test_nobody_new_is_an_error(run, tmp_path):
    faces = write_toy_faces(tmp_path / "faces", ["F001", "F002"])
    with pytest.raises(ConfigError, match="trained on all 2 people"):
        Judged(run, faces, "BP4D", 1).strangers()


def test_only_coded_faces_of_strangers_are_answered(run, tmp_path):
    faces, table = tmp_path / "faces", tmp_path / "predictions.parquet"
    write_toy_faces(faces, ["F001", "M001"], frames=5)
    write_toy_faces(faces, ["F099"], frames=4, aus=(5, 12))
    write_toy_faces(faces, ["F100"], frames=3, aus=(5,))  # codes nothing that R knows
    Judged(run, faces, "BP4D", 1).predict(table, 1, gpu=False)
    rows = pq.read_table(table).to_pandas()
    assert rows.subject.value_counts().to_dict() == {"M001": 5, "F099": 4}
    assert (rows.split == "test").all() and rows[rows.subject == "F099"].AU01_true.isna().all()
    write_toy_faces(tmp_path / "others", ["F100"], aus=(5,))
    with pytest.raises(ConfigError, match="codes none of the model's AU01, AU02"):
        Judged(run, tmp_path / "others", "BP4D", 1).predict(table, 1, gpu=False)


def test_scores_are_at_the_models_own_thresholds_and_of_what_it_has_learned(run, tmp_path):
    faces = load_split(run.plan(), write_toy_faces(tmp_path / "faces"), "test")
    prob = np.full((len(faces), 12), 0.3, np.float32)
    write_table(prediction_rows(faces, prob, "test", BP4D), tmp_path / "rows.parquet")
    card = load_card(run.model)
    card = replace(card, thresholds={**card.thresholds, "AU02": 0.2}, unlearned=("AU04",))
    scores = scores_elsewhere(tmp_path / "rows.parquet", card)
    assert scores["test"]["f1"]["AU02"] == scores["always_1"]["f1"]["AU02"] > 0
    assert scores["test"]["f1"]["AU06"] == 0 and scores["test_selected"]["f1"]["AU06"] > 0
    assert scores["test"]["f1"]["AU04"] is None and scores["coded"]["AU04"] == 0
    assert scores["coded"]["AU02"] == scores["frames"]["test"] == len(faces)


def test_what_predictions_depend_on_is_noted(run, tmp_path):
    note = Judged(run, tmp_path, "DISFA", DISFA.active_from).note()
    assert note == {"model": load_card(run.model).sha256, "dataset": "DISFA", "active_from": 2}
    assert CARD.sha256 != note["model"]
