"""R: a torchvision backbone to F features, one linear layer to L AUs (Section 3.2, Fig. 2)."""

from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models.resnet import BasicBlock, ResNet

from au_core.config import is_weights_file
from au_core.errors import ConfigError
from au_core.models.weights import load_weights

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's channel statistics, which torchvision's weights expect."""


class Recognizer(nn.Module):
    """R. Takes faces as stored, ``faces[B, 3, H, W]`` uint8 RGB: no caller can normalise differently.

    With ``bf16`` the backbone computes in bfloat16; the head and every loss stay in float32.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: str, n_aus: int, weights: str | None = None, bf16: bool = False) -> None:
        super().__init__()
        self.bf16 = bf16
        self.backbone, n_features = build_backbone(backbone, weights)
        self.head = nn.Linear(n_features, n_aus)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1) * 255, persistent=False)

    def features(self, faces: Tensor) -> Tensor:
        """Penultimate activations ``[B, F]`` of ``faces[B, 3, H, W]`` uint8 (2048 for ResNet-50; Fig. 8)."""
        x = (faces - self.mean).div_(self.std).contiguous(memory_format=torch.channels_last)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16):
            return self.backbone(x).float()

    def forward(self, faces: Tensor) -> Tensor:
        """Logits ``[B, L]`` of ``faces[B, 3, H, W]`` uint8; their sigmoid is R(x)."""
        return self.head(self.features(faces))


def build_backbone(name: str, weights: str | None = None) -> tuple[nn.Module, int]:
    """A classification network without its last layer, and how many features it hands on.

    Raises:
        ConfigError: torchvision knows neither such a network nor such weights, or the file does not fit.
    """
    local = weights is not None and is_weights_file(weights)
    if name != "resnet10" and name not in models.list_models(module=models):
        raise ConfigError(
            f"backbone {name!r}: no such network; expected resnet10, or a classification network of "
            "torchvision such as resnet50, swin_t, convnext_tiny, vit_b_16"
        )
    if name == "resnet10" and weights and not local:
        raise ConfigError(f"backbone 'resnet10' with weights {weights!r}: expected a file, or none")
    try:
        named = None if local else weights
        net = _resnet10() if name == "resnet10" else models.get_model(name, weights=named)
    except (ValueError, KeyError) as error:
        raise ConfigError(f"backbone {name!r} with weights {weights!r}: {error}") from error
    except URLError as error:
        raise ConfigError(_not_fetched(name, str(weights), error)) from error
    if getattr(net, "aux_logits", False):
        raise ConfigError(f"backbone {name!r} answers with several classifiers; expected a network with one")
    classifier, n_features = _remove_classifier(net)
    if local:
        load_weights(net, Path(str(weights)), classifier)
    return net, n_features


def _resnet10() -> nn.Module:
    """ResNet-18's halved sibling, one block a stage: small enough to train on two cores in a minute."""
    return ResNet(BasicBlock, [1, 1, 1, 1])


def _not_fetched(name: str, weights: str, error: URLError) -> str:
    url = models.get_model_weights(name).verify(weights).url
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    return (
        f"weights {weights} of {name} cannot be fetched ({error.reason}); without internet, put {url} into "
        f"{cache}, give its path (--weights PATH), or begin with none (--weights none)"
    )


def _remove_classifier(net: nn.Module) -> tuple[str, int]:
    """Put an identity in place of the last linear layer, whatever its name; return that, and its inputs."""
    linear = [name for name, module in net.named_modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ConfigError(f"backbone {type(net).__name__} has no linear layer to replace by the AU head")
    parent, _, child = linear[-1].rpartition(".")
    owner = net.get_submodule(parent)
    last = net.get_submodule(linear[-1])
    assert isinstance(last, nn.Linear)
    setattr(owner, child, nn.Identity())
    return linear[-1], last.in_features
