"""Any classification network of torchvision serves as R's backbone, with local weights too."""

from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torchvision import models

from au_core.config import TrainConfig
from au_core.errors import ConfigError
from au_core.models.recognizer import Recognizer, build_backbone

FEATURES = {
    "resnet18": 512, "resnet34": 512, "resnet50": 2048, "resnet101": 2048,
    "mobilenet_v3_small": 1024, "swin_t": 768, "convnext_tiny": 768, "vit_b_16": 768,
}  # fmt: skip


@pytest.mark.parametrize("name", FEATURES)
def test_a_backbone_by_name_and_its_weights_by_path(name, tmp_path):
    torch.manual_seed(0)
    state = {key: value.contiguous() for key, value in models.get_model(name).state_dict().items()}
    path = tmp_path / "weights.safetensors"
    save_file(state, path)
    recognizer = Recognizer(name, 5, str(path)).eval()
    edge = 224 if name.startswith("vit") else 64
    with torch.inference_mode():
        faces = torch.randint(0, 256, (2, 3, edge, edge), dtype=torch.uint8)
        assert recognizer.features(faces).shape == (2, FEATURES[name])
        assert recognizer(faces).shape == (2, 5)
    for key, value in recognizer.backbone.state_dict().items():
        torch.testing.assert_close(value, state[key], rtol=0, atol=0)


def test_local_weights_fit_whatever_their_classifier(tmp_path):
    donor = models.resnet18(num_classes=7)
    torch.save(donor.state_dict(), tmp_path / "donor.pth")
    recognizer = Recognizer("resnet18", 5, str(tmp_path / "donor.pth"))
    torch.testing.assert_close(recognizer.backbone.conv1.weight, donor.conv1.weight)


def test_bf16_stays_inside_the_backbone():
    recognizer = Recognizer("resnet10", 5, bf16=True).eval()
    faces = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    exact = Recognizer("resnet10", 5).eval()
    exact.load_state_dict(recognizer.state_dict())
    assert recognizer.features(faces).shape == (2, 512) and recognizer(faces).dtype == torch.float32
    torch.testing.assert_close(recognizer(faces), exact(faces), atol=0.05, rtol=0.05)


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save(models.get_model("resnet18").state_dict(), tmp_path / "w.pth")
    with pytest.raises(
        ConfigError, match=r"lacks \d+ of .* has 0 others, first layer1.0.*; expected a state_dict"
    ):
        build_backbone("resnet50", str(tmp_path / "w.pth"))


def test_a_weights_file_that_would_run_code_is_refused_before_it_does(tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").touch, ())

    torch.save({"conv1.weight": Trap()}, tmp_path / "w.pth")
    with pytest.raises(ConfigError, match=r"w.pth: cannot be read as a state_dict"):
        build_backbone("resnet18", str(tmp_path / "w.pth"))
    assert not (tmp_path / "sprung").exists()


def test_faces_are_normalised_as_torchvisions_weights_expect():
    """By torchvision's own words: a mean in BGR, or of 0 to 1 for bytes, would train all the same."""
    recognizer = Recognizer("resnet10", 2).eval()
    faces = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    expected = models.ResNet18_Weights.IMAGENET1K_V1.transforms(crop_size=32, resize_size=32)(faces)
    with torch.inference_mode():
        torch.testing.assert_close(recognizer.features(faces), recognizer.backbone(expected))


@pytest.mark.parametrize(("name", "weights", "message"), [
    ("resnet99", None, "backbone 'resnet99'"),
    ("resnet18", "NOT_THERE", "backbone 'resnet18' with weights 'NOT_THERE'"),
    ("resnet18", "/no/file.pth", "/no/file.pth: cannot be read as a state_dict"),
])  # fmt: skip
def test_a_network_that_is_none_is_refused(name, weights, message):
    with pytest.raises(ConfigError, match=message):
        build_backbone(name, weights)


def test_weights_that_cannot_be_fetched_are_told_with_their_address(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def no_internet(*_, **__):
        raise URLError("no such host")

    monkeypatch.setattr("torch.hub.urlopen", no_internet)
    with pytest.raises(ConfigError, match=r"\(no such host\); .*, put https://\S+resnet18\S+ into"):
        build_backbone("resnet18", "IMAGENET1K_V1")


@pytest.mark.parametrize("name", ["fcn_resnet50", "r3d_18", "fasterrcnn_resnet50_fpn"])
def test_networks_for_other_tasks_are_refused(name):
    with pytest.raises(ConfigError, match=f"backbone '{name}': no such network"):
        build_backbone(name)


def test_resnet10_has_no_weights_of_torchvision():
    with pytest.raises(
        ConfigError, match="backbone 'resnet10' with weights 'IMAGENET1K_V2': expected a file"
    ):
        build_backbone("resnet10", "IMAGENET1K_V2")


def test_a_network_with_several_classifiers_is_refused():
    with pytest.raises(ConfigError, match="backbone 'googlenet' answers with several classifiers"):
        build_backbone("googlenet")


def test_a_vision_transformer_takes_one_size_only():
    with pytest.raises(ConfigError, match="vit_b_16 sees 224 pixels alone, got input_size 96"):
        TrainConfig(backbone="vit_b_16", input_size=96)
