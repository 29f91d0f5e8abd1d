"""Methods by name: what each fixes in Algorithm 1's settings."""

from dataclasses import replace
from typing import Any

from au_core.config import AdversarialConfig
from au_core.errors import ConfigError

METHODS: dict[str, dict[str, Any]] = {"ours": {}, "o_wlc": {"alpha": 0.0}}
"""``ours`` is the paper's method; ``o_wlc`` the same without label constraint."""


OF_D = (
    *("h_d", "lr_d", "hidden", "spectral", "noise", "label_smoothing"),
    *("relaxed", "hard", "reuse_batch", "label_prior", "prior_share"),
)
"""Settings of D and of what it sees: without it (alpha = 0) they change nothing."""


def settings_of(method: str, cfg: AdversarialConfig) -> AdversarialConfig:
    """``cfg`` as ``method`` has it; what is of D alone as by default where there is none.

    So variants of D share one baseline, which need not be trained for each.

    Raises:
        ConfigError: there is no such method.
    """
    if method not in METHODS:
        raise ConfigError(f"unknown method {method!r}; expected one of {', '.join(METHODS)}")
    cfg = replace(cfg, **METHODS[method])
    default = AdversarialConfig()
    return cfg if cfg.alpha > 0 else replace(cfg, **{name: getattr(default, name) for name in OF_D})
