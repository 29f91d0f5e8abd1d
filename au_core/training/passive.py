"""R as D's updates look at it: it predicts as in training, remembers nothing, and costs few calls.

A GPU waits for the calls that a core makes (SPEED.md), and a step has two looks at R.
"""

import copy
from typing import Any

import torch
from torch import nn

from au_core.models.recognizer import Recognizer


def without_statistics(net: nn.Module) -> nn.Module:
    """A network of the same weights (not copies), whose batch norm remembers nothing of what it sees."""
    twin = copy.deepcopy(net, {id(weight): weight for weight in net.parameters()})
    modules: list[Any] = list(twin.modules())
    # Its statistics are copies, which nobody reads: not updating them saves a call in each layer.
    for norm in (module for module in modules if getattr(module, "track_running_stats", False)):
        norm.track_running_stats = False
    if isinstance(twin, Recognizer) and twin.bf16:
        cast_together(twin.backbone)
    return twin


def cast_together(backbone: nn.Module) -> None:
    """Cast all weights that autocast would cast to bfloat16, one by one, in one call before each look.

    The answers stay the same, bit for bit; no gradients reach these weights. Of a look's calls at ResNet-50
    a tenth were of such casts (``tests/benchmarks/calls.py``).
    """
    weights, cast = [], []
    for layer in backbone.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            for name, weight in list(layer.named_parameters(recurse=False)):
                own = nn.Parameter(weight.detach().to(torch.bfloat16), requires_grad=False)
                setattr(layer, name, own)
                weights.append(weight.detach())
                cast.append(own)

    def refresh(*_: Any) -> None:  # noqa: ANN401
        torch._foreach_copy_(cast, weights)  # pyright: ignore[reportPrivateImportUsage]

    backbone.register_forward_pre_hook(refresh)
