"""Search spaces by name; each is data, the logic is in ``pipelines/sweep.py``."""

from typing import Any

from au_core.errors import ConfigError
from tune_spaces import alpha, updates

SPACES: dict[str, dict[str, Any]] = {"alpha": alpha.SPACE, "updates": updates.SPACE}


def load_space(name: str) -> dict[str, Any]:
    """The search space called ``name``: fields of AdversarialConfig, or groups of them, with their values.

    Raises:
        ConfigError: there is none.
    """
    if name not in SPACES:
        raise ConfigError(f"unknown search space {name!r}; expected one of {', '.join(SPACES)}")
    return SPACES[name]
