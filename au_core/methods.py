"""Methods by name: what each fixes in Algorithm 1's settings, and variants of them."""

import re
from dataclasses import replace
from typing import Any

from au_core.config import AdversarialConfig
from au_core.errors import ConfigError

METHODS: dict[str, dict[str, Any]] = {"ours": {}, "o_wlc": {"alpha": 0.0}}
"""``ours`` is the paper's method; ``o_wlc`` the same without label constraint.

A variant is called ``ours+NAME``: the same method with other settings, under a name of its own in folders,
reports and MLflow.
"""


OF_D = (
    *("h_d", "lr_d", "hidden", "spectral", "noise", "label_smoothing"),
    *("relaxed", "hard", "reuse_batch", "label_prior", "prior_share"),
)
"""Settings of D and of what it sees: without it (alpha = 0) they change nothing."""


def is_variant(method: str) -> bool:
    """Whether a method has settings of its own choice, not those of ``METHODS``.

    >>> is_variant("ours+relaxed"), is_variant("ours")
    (True, False)
    """
    return base_of(method) != method


def base_of(method: str) -> str:
    """The method that a variant is of; any other is its own.

    >>> base_of("ours+relaxed"), base_of("o_wlc")
    ('ours', 'o_wlc')
    """
    return method.partition("+")[0]


def settings_of(method: str, cfg: AdversarialConfig) -> AdversarialConfig:
    """``cfg`` as ``method`` has it; what is of D alone as by default where there is none.

    So variants of D share one baseline, which need not be trained for each.

    Raises:
        ConfigError: there is no such method.
    """
    base, plus, name = method.partition("+")
    if base not in METHODS or (plus and not re.fullmatch(r"[A-Za-z0-9_.-]+", name)):
        raise ConfigError(
            f"unknown method {method!r}; expected one of {', '.join(METHODS)}, or a variant with other "
            "settings by a name of yours, such as ours+relaxed"
        )
    cfg = replace(cfg, **METHODS[base])
    default = AdversarialConfig()
    return cfg if cfg.alpha > 0 else replace(cfg, **{name: getattr(default, name) for name in OF_D})
