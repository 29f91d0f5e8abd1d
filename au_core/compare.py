"""How settings and files are compared: by digests, or value by value."""

import hashlib
import json
from pathlib import Path
from typing import Any


def digest_of(values: Any) -> str:  # noqa: ANN401
    """Twelve hex digits naming a JSON-like value, the same on every machine."""
    text = json.dumps(values, sort_keys=True, default=list)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def content_of(path: Path) -> str:
    """Hex digits naming a file's bytes."""
    return hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()


def flattened(config: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """A nested config as dotted keys and texts."""
    flat: dict[str, str] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        flat |= flattened(value, f"{name}.") if isinstance(value, dict) else {name: str(value)}
    return flat
