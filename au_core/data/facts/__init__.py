"""Facts about the datasets and published results, as JSON with their sources."""

from functools import cache
from importlib.resources import files
from json import loads
from typing import Any


@cache
def load_facts(name: str) -> dict[str, Any]:
    """``folds``, ``au_statistics`` or ``published_results``; see each file's own ``source``."""
    return loads(files(__name__).joinpath(f"{name}.json").read_text())
