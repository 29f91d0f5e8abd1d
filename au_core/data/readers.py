"""The layouts by name: each lists its sequences cheaply, and reads one's frame rows where they are needed."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from au_core.data.layouts import LAYOUTS
from au_core.data.schema import FrameRows, SequenceRef
from au_core.errors import ConfigError, DatasetError


def module_of(layout: str) -> ModuleType:
    """The file of a layout, with its ``list_sequences`` and ``read_rows``."""
    return import_module(f"au_core.data.layouts.{layout}")


def refuse_base(layout: str, base: Path | None) -> None:
    """Make sure that a folder in which listed paths begin is given for paths that are listed.

    Raises:
        ConfigError: the layout lists none.
    """
    if base and layout != "manifest":
        raise ConfigError(
            f"--root {base}: of a manifest, whose CSV may lie elsewhere than its files; in layout {layout} "
            "--data is the folder itself"
        )


def list_sequences(
    layout: str,
    root: Path,
    camera: str = "left",
    dataset: str = "",
    base: Path | None = None,
    uncoded: int = 0,
) -> list[SequenceRef]:
    """Every sequence below ``root``, in order of subject and sequence.

    ``camera`` is DISFA's choice of two; ``dataset`` that of list files, where those of two lie together;
    ``base`` the folder in which the paths of a manifest begin, if that is not its own; ``uncoded`` as in
    :class:`PreprocessConfig`, where the layout has such frames.

    Raises:
        ConfigError: an unknown layout, or ``base`` for another than a manifest.
        DatasetError: ``root`` is missing, empty, or of another layout; says what was found and expected.
    """
    if layout not in LAYOUTS:
        raise ConfigError(f"unknown layout {layout!r}; expected one of {', '.join(LAYOUTS)}")
    refuse_base(layout, base)
    if not root.exists():
        raise DatasetError(f"{root}: no such file or folder; expected a dataset in the {layout} layout")
    try:
        if root.is_dir() and not any(root.iterdir()):
            raise DatasetError(f"{root}: the folder is empty; expected a dataset in the {layout} layout")
        more: dict[str, Any] = {"base": base} if layout == "manifest" else {}
        more |= {"uncoded": uncoded} if LAYOUTS[layout].uncoded else {}
        more |= {"disfa": {"camera": camera}, "lists": {"dataset": dataset}}.get(layout, {})
        found = module_of(layout).list_sequences(root, **more)
    except OSError as error:
        raise DatasetError(f"{root}: cannot be listed ({error})") from error
    return sorted(found, key=lambda ref: (ref.subject, ref.sequence))


def read_rows(ref: SequenceRef) -> FrameRows:
    """The frame rows of one sequence.

    Raises:
        DatasetError: a label or landmark file is damaged; names the file, what came and what was expected.
    """
    return module_of(ref.layout).read_rows(ref)
