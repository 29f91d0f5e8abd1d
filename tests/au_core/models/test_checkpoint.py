from dataclasses import replace

import numpy as np
import pytest
import torch

from au_core.aus import DISFA
from au_core.errors import CheckpointError, ConfigError
from au_core.evaluation.predict import predict_faces
from au_core.models.card import ModelCard, save_thresholds
from au_core.models.checkpoint import load_recognizer, save_recognizer
from au_core.models.recognizer import Recognizer

CARD = ModelCard(backbone="resnet10", spec=DISFA, input_size=32, face_size=224, step=7)


def test_a_model_comes_back_and_predicts_the_same(tmp_path, rng):
    recognizer = Recognizer("resnet10", 8)
    faces = rng.integers(0, 256, (3, 40, 40, 3), np.uint8)
    save_recognizer(recognizer, CARD, tmp_path / "model")
    loaded, card = load_recognizer(tmp_path)
    np.testing.assert_array_equal(predict_faces(loaded, faces, 32), predict_faces(recognizer, faces, 32))
    assert card.spec == DISFA and card.step == 7 and set(card.thresholds.values()) == {0.5}
    save_thresholds(dict.fromkeys(DISFA.columns, 0.4) | {"AU12": 0.3}, tmp_path / "model")
    assert load_recognizer(tmp_path / "model")[1].thresholds["AU12"] == 0.3
    assert {path.suffix for path in (tmp_path / "model").iterdir()} == {".json", ".safetensors"}
    modes = {path.stat().st_mode for path in (tmp_path / "model").iterdir()}
    assert len(modes) == 1, "whoever may read the card may read the weights"


def test_a_network_that_asks_for_its_version_comes_back_too(tmp_path):
    R = Recognizer("mnasnet0_5", 8)
    save_recognizer(R, replace(CARD, backbone="mnasnet0_5"), tmp_path)
    torch.testing.assert_close(load_recognizer(tmp_path)[0].state_dict(), R.state_dict(), rtol=0, atol=0)


def test_thresholds_of_another_model_are_refused(tmp_path):
    save_recognizer(Recognizer("resnet10", 8), CARD, tmp_path)
    save_thresholds({"AU99": 0.3}, tmp_path)
    with pytest.raises(CheckpointError, match="thresholds of AU99, not of the model's AUs"):
        load_recognizer(tmp_path)


@pytest.mark.parametrize(("file", "message"), [
    ("model.safetensors", "model.safetensors: cannot be loaded as a resnet10"),
    ("model.json", "model.json: no card of a recogniser"),
])  # fmt: skip
def test_a_damaged_model_is_named(file, message, tmp_path):
    save_recognizer(Recognizer("resnet10", 8), CARD, tmp_path)
    (tmp_path / file).write_bytes(b"{ nonsense")
    with pytest.raises(CheckpointError, match=message):
        load_recognizer(tmp_path)


def test_no_model_says_what_was_expected(tmp_path):
    with pytest.raises(CheckpointError, match="no model here; expected a run folder"):
        load_recognizer(tmp_path)


@pytest.mark.parametrize(
    ("name", "features"), [("resnet10", 512), ("resnet18", 512), ("mobilenet_v3_small", 1024)]
)
def test_any_backbone_gives_features_and_logits(name, features):
    recognizer = Recognizer(name, 5).eval()
    faces = torch.zeros(2, 3, 64, 64, dtype=torch.uint8)
    assert recognizer.features(faces).shape == (2, features) and recognizer(faces).shape == (2, 5)


def test_bf16_stays_inside_the_backbone():
    recognizer = Recognizer("resnet10", 5, bf16=True).eval()
    faces = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    exact = Recognizer("resnet10", 5).eval()
    exact.load_state_dict(recognizer.state_dict())
    assert recognizer(faces).dtype == torch.float32
    torch.testing.assert_close(recognizer(faces), exact(faces), atol=0.05, rtol=0.05)


def test_local_weights_fit_whatever_their_classifier(tmp_path):
    from torchvision.models import resnet18

    donor = resnet18(num_classes=7)
    torch.save(donor.state_dict(), tmp_path / "donor.pth")
    recognizer = Recognizer("resnet18", 5, str(tmp_path / "donor.pth"))
    torch.testing.assert_close(recognizer.backbone.conv1.weight, donor.conv1.weight)


@pytest.mark.parametrize(("name", "weights", "message"), [
    ("resnet99", None, "backbone 'resnet99'"),
    ("resnet18", "NOT_THERE", "backbone 'resnet18' with weights 'NOT_THERE'"),
    ("resnet18", "/no/file.pth", "/no/file.pth: cannot be read as a state_dict"),
])  # fmt: skip
def test_a_network_that_is_none_is_refused(name, weights, message):
    with pytest.raises(ConfigError, match=message):
        Recognizer(name, 5, weights)


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save({"something": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ConfigError, match=r"first .*; expected a state_dict of the same torchvision network"):
        Recognizer("resnet18", 5, str(tmp_path / "other.pth"))
