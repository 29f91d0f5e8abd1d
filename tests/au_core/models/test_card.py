"""What a model's card says of the faces it has seen: who begins from it must not be tested on them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from au_core.aus import DISFA
from au_core.errors import CheckpointError, ConfigError
from au_core.models.card import initial_weights, load_card
from au_core.models.checkpoint import save_recognizer
from au_core.models.recognizer import Recognizer
from tests.toy import CARD


@pytest.fixture
def run(tmp_path) -> Path:
    save_recognizer(
        Recognizer("resnet10", 12), replace(CARD, seen=("BP4D", "DISFA+")), tmp_path / "run" / "model"
    )
    return tmp_path / "run"


@pytest.mark.parametrize("place", ["", "model", "model/model.safetensors"])
def test_a_training_on_another_dataset_may_begin_from_a_model(run, place, monkeypatch):
    monkeypatch.chdir(run.parent)
    assert initial_weights(f"run/{place}", "BP4D+") == str(run / "model" / "model.safetensors")


@pytest.mark.parametrize("place", ["", "model", "model/model.safetensors"])
@pytest.mark.parametrize(("dataset", "was"), [("BP4D", "BP4D,"), ("DISFA", "DISFA.,"), ("DISFA+", "DISFA.,")])
def test_a_training_on_people_whom_the_model_has_seen_may_not(run, place, dataset, was):
    with pytest.raises(ConfigError, match=f"trained on {was} perhaps on people of this training's test"):
        initial_weights(str(run / place), dataset)


def test_other_files_and_names_are_taken_as_they_are(run, monkeypatch):
    other = (run / "model" / "model.safetensors").rename(run / "model" / "other.safetensors")
    assert initial_weights(str(other), "BP4D") == str(other)
    monkeypatch.chdir(run.parent)
    assert initial_weights("IMAGENET1K_V1", "BP4D") == "IMAGENET1K_V1"


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no model here; expected a run folder"):
        initial_weights(str(tmp_path), "BP4D")


def test_an_older_card_has_seen_the_dataset_of_its_aus(run):
    path = run / "model" / "model.json"
    card = json.loads(path.read_text())
    del card["seen"]
    path.write_text(json.dumps(card))
    assert load_card(run).seen == ("BP4D",)
    with pytest.raises(ConfigError, match="trained on BP4D"):
        initial_weights(str(run), "BP4D")
    assert initial_weights(str(run), DISFA.name)
