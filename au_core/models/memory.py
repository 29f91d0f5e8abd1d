"""How much memory a network's training takes, before it is begun."""

from typing import Any

import torch
from torch import Tensor, nn

from au_core.models.recognizer import build_backbone


def training_bytes(backbone: str, input_size: int, batch: int) -> int:
    """Bytes of R's weights, their gradients and Adam's averages, and of what ``batch`` faces leave for the
    backward pass, in float32 (ResNet-50 at 224 pixels: 82 MiB a face).

    Counted on torch's ``meta`` device, which computes nothing and takes no memory.

    Raises:
        ConfigError: no such network.
    """  # noqa: D205
    with torch.device("meta"):
        net, _ = build_backbone(backbone)
        faces = torch.empty(2, 3, input_size, input_size)  # 2: batch norm must not see a single value
    return 4 * sum(map(_bytes, net.parameters())) + batch * _kept(net, faces) // len(faces)


def _kept(net: nn.Module, faces: Tensor) -> int:
    """Bytes that a forward pass of ``faces[B, 3, H, W]`` keeps for the backward pass, beside weights."""
    kept: dict[Any, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            kept[tensor.untyped_storage()._cdata] = _bytes(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        net(faces)
    return sum(kept.values())


def _bytes(tensor: Tensor) -> int:
    return tensor.untyped_storage().nbytes()
