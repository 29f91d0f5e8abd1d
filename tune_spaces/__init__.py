"""Search spaces by the name of their file; each is data, the logic is in ``pipelines/sweep.py``."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from au_core.errors import ConfigError

SPACES = sorted(module.name for module in iter_modules(__path__))


def load_space(name: str) -> dict[str, Any]:
    """The search space called ``name``: fields of AdversarialConfig, or groups of them, with their values.

    Raises:
        ConfigError: there is none, or its values are no grid: every fold must try the same points.
    """
    if name not in SPACES:
        raise ConfigError(f"unknown search space {name!r}; expected one of {', '.join(SPACES)}")
    space = import_module(f"tune_spaces.{name}").SPACE
    for field, values in space.items():
        if not isinstance(values, dict) or {*values} != {"grid_search"}:
            raise ConfigError(f"tune_spaces/{name}.py: {field} is {values}; expected tune.grid_search([...])")
    return space
