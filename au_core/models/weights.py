"""Weights that R's network begins with, from a file: torchvision's, other programs', a model of our own."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from au_core.errors import ConfigError, words_of

WRAPPED = ("state_dict", "model")
"""Keys below which training programs put a state_dict."""
PREFIXES = ("module.", "backbone.")
"""What DDP, and our R, put before the names of the network's tensors."""


def load_weights(net: nn.Module, path: Path, classifier: str) -> None:
    """Load a state_dict file into ``net`` without unpickling; what it says of the ``classifier`` is left out.

    Raises:
        ConfigError: it cannot be read, or is not of this network.
    """
    try:
        state, own = _read(path), net.state_dict()
        fitting = OrderedDict(
            (key, value)
            for key, value in state.items()
            if not key.startswith(f"{classifier}.") and (key not in own or own[key].shape == value.shape)
        )
        # Of an unknown version, so that torch takes files from before a layer had all it has now.
        fitting._metadata = {"": {"version": net._version}}  # type: ignore[attr-defined]
        missing, others = net.load_state_dict(fitting, strict=False)
    except Exception as error:  # a file of another kind can fail in many ways
        reason = words_of(error).splitlines()[0]
        raise ConfigError(f"{path}: cannot be read as a state_dict: {reason}; save that alone") from error
    if missing or others:
        raise ConfigError(
            f"{path}: lacks {len(missing)} of the network's tensors and has {len(others)} others, "
            f"first {sorted([*missing, *others])[0]}; expected a state_dict of the same torchvision network"
        )


def _read(path: Path) -> dict[str, Any]:
    """The tensors of a file by their names in the network."""
    state: dict[str, Any] = (
        load_file(path)
        if path.suffix == ".safetensors"
        else torch.load(path, map_location="cpu", weights_only=True)
    )
    for key in WRAPPED:
        state = state.get(key, state)
    for prefix in PREFIXES:
        own = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        state = own or state
    return state
