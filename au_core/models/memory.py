"""How much memory a network's training takes, before it is begun."""

import torch
from torch import Tensor, nn

from au_core.errors import ConfigError
from au_core.models.recognizer import build_backbone


def training_bytes(backbone: str, input_size: int, batch: int) -> int:
    """Bytes that training R takes in float32 for ``batch`` faces of ``input_size`` pixels.

    Weights, their gradients and Adam's two averages, and what a forward pass keeps for the backward pass
    (ResNet-50 at 224 pixels: 82 MiB a face). Counted on torch's ``meta`` device, which computes nothing.

    Raises:
        ConfigError: no such network, or it cannot see such faces.
    """
    net, faces = _on_meta(backbone), torch.empty(2, 3, input_size, input_size, device="meta")
    try:
        kept = _kept(net, faces)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise ConfigError(f"{backbone} cannot see faces of {input_size} pixels: {error}") from error
    return 4 * sum(map(_bytes, net.parameters())) + batch * kept // len(faces)


def _on_meta(backbone: str) -> nn.Module:
    try:
        with torch.device("meta"):
            return build_backbone(backbone)[0]
    except NotImplementedError:  # RegNets look at numbers while they are built
        with torch.random.fork_rng(devices=[]):
            return build_backbone(backbone)[0].to("meta")


def _kept(net: nn.Module, faces: Tensor) -> int:
    """Bytes that a forward pass of ``faces[B, 3, H, W]`` keeps for the backward pass, beside weights."""
    weights, kept = {_key(weight) for weight in net.parameters()}, dict[int, int]()

    def keep(tensor: Tensor) -> Tensor:
        if _key(tensor) not in weights:  # linear layers keep a transposed view of one
            kept[_key(tensor)] = _bytes(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        net(faces)
    return sum(kept.values())


def _key(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _bytes(tensor: Tensor) -> int:
    return tensor.untyped_storage().nbytes()
