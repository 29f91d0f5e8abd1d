"""Files of initial weights as they are found: torchvision's old ones, wrapped, of DDP, of our own models."""

import pytest
import torch
from safetensors.torch import save_file
from torchvision import models

from au_core.aus import BP4D
from au_core.errors import ConfigError
from au_core.models.card import ModelCard
from au_core.models.checkpoint import save_recognizer
from au_core.models.recognizer import Recognizer, build_backbone


def donor(name: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return dict(models.get_model(name, num_classes=7).state_dict())


def prefixed(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + key: value for key, value in state.items()}


FORMS = {
    "before torch counted batches": lambda s: {k: v for k, v in s.items() if "num_batches" not in k},
    "of a training program": lambda s: {"state_dict": s, "epoch": 3},
    "of another": lambda s: {"model": s},
    "of DDP": lambda s: prefixed(s, "module."),
    "of DDP, wrapped": lambda s: {"state_dict": prefixed(s, "module.backbone.")},
    "of a network with other layers beside it": lambda s: {
        **prefixed(s, "backbone."),
        "head.weight": s["fc.bias"],
    },
    "without a classifier": lambda s: {k: v for k, v in s.items() if not k.startswith("fc.")},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_taken_in_any_form(form, tmp_path):
    state = donor("resnet18")
    torch.save(FORMS[form](state), tmp_path / "w.pth")
    backbone, _ = build_backbone("resnet18", str(tmp_path / "w.pth"))
    for key, value in backbone.state_dict().items():
        torch.testing.assert_close(
            value, state[key] if "num_batches" not in key else 0 * value, rtol=0, atol=0
        )


@pytest.mark.parametrize("name", ["mnasnet0_5", "mobilenet_v3_small"])
def test_the_classifier_is_known_by_its_place_and_versions_are_torchvisions(name, tmp_path):
    state = donor(name)
    save_file(state, tmp_path / "w.safetensors")
    backbone, _ = build_backbone(name, str(tmp_path / "w.safetensors"))
    for key, value in backbone.state_dict().items():
        torch.testing.assert_close(value, state[key], rtol=0, atol=0)


def test_a_classifier_that_ends_without_bias(tmp_path):
    """Of maxvit_t's, the last two tensors are not one layer's."""
    state = {k: v for k, v in donor("maxvit_t").items() if k != "classifier.3.bias"}
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(ConfigError, match=r"lacks 1 of .* and has 0 others, first classifier.3.bias"):
        build_backbone("maxvit_t", str(tmp_path / "w.pth"))


def test_a_model_of_our_own_is_one(tmp_path):
    R = Recognizer("resnet10", 12)
    save_recognizer(R, ModelCard(backbone="resnet10", spec=BP4D, input_size=32, face_size=32), tmp_path)
    other = Recognizer("resnet10", 8, str(tmp_path / "model.safetensors"))
    torch.testing.assert_close(other.backbone.state_dict(), R.backbone.state_dict(), rtol=0, atol=0)


def test_a_deeper_network_of_the_same_shapes_is_refused(tmp_path):
    torch.save(donor("resnet34"), tmp_path / "w.pth")
    with pytest.raises(
        ConfigError, match=r"lacks 0 of the network's tensors and has \d+ others, first layer1.2"
    ):
        build_backbone("resnet18", str(tmp_path / "w.pth"))
