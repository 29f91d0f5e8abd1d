"""Methods by name: what each fixes in Algorithm 1's settings."""

from dataclasses import replace
from typing import Any

from au_core.config import AdversarialConfig
from au_core.errors import ConfigError

METHODS: dict[str, dict[str, Any]] = {"ours": {}, "o_wlc": {"alpha": 0.0}}
"""``ours`` is the paper's method; ``o_wlc`` the same without label constraint."""


def settings_of(method: str, cfg: AdversarialConfig) -> AdversarialConfig:
    """``cfg`` as ``method`` has it.

    Raises:
        ConfigError: there is no such method.
    """
    if method not in METHODS:
        raise ConfigError(f"unknown method {method!r}; expected one of {', '.join(METHODS)}")
    return replace(cfg, **METHODS[method])
