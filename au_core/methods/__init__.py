"""Methods by name: each builds its networks and does one step, repeated by one and the same training loop."""

from collections.abc import Callable
from dataclasses import replace

from au_core.config import AdversarialConfig
from au_core.errors import ConfigError
from au_core.methods.base import Method
from au_core.methods.ours import Adversarial

METHODS: dict[str, Callable[[AdversarialConfig], Method]] = {
    "ours": Adversarial,
    "o_wlc": lambda cfg: Adversarial(replace(cfg, alpha=0.0)),
}
"""``ours`` is the paper's method; ``o_wlc`` the same without label constraint (alpha = 0)."""


def build_method(name: str, cfg: AdversarialConfig) -> Method:
    """The method called ``name``.

    Raises:
        ConfigError: there is none.
    """
    if name not in METHODS:
        raise ConfigError(f"unknown method {name!r}; expected one of {', '.join(METHODS)}")
    return METHODS[name](cfg)
