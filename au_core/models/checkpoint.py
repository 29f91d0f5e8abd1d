"""A finished R on disk: ``model.safetensors`` and ``model.json``; nothing is ever unpickled."""

import hashlib
from collections import OrderedDict
from dataclasses import asdict, replace
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from au_core.data.files import write_bytes, write_json
from au_core.errors import CheckpointError, DamagedError
from au_core.models.card import CARD, WEIGHTS, ModelCard, load_card, model_folder
from au_core.models.recognizer import Recognizer


def save_recognizer(recognizer: Recognizer, card: ModelCard, folder: Path) -> None:
    """Write R and its card into ``folder``, each file atomically, the card last."""
    state = {key: value.detach().cpu().contiguous() for key, value in recognizer.state_dict().items()}
    write_bytes(save(state), folder / WEIGHTS)  # save_file would leave half-written files of its own name
    card = replace(card, sha256=_sha256(folder / WEIGHTS))
    write_json({key: value for key, value in asdict(card).items() if key != "thresholds"}, folder / CARD)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_recognizer(folder: Path) -> tuple[Recognizer, ModelCard]:
    """R in evaluation mode on the CPU, with its card, from a model or run folder.

    Raises:
        CheckpointError: there is no model, it cannot be read, or is of another version.
        DamagedError: its files do not hold what was written.
    """
    card, path = load_card(folder), model_folder(folder) / WEIGHTS
    recognizer = Recognizer(card.backbone, len(card.spec.aus))
    try:
        if _sha256(path) != card.sha256:
            raise DamagedError("its SHA-256 is not the card's")
        state = OrderedDict(load_file(path))
        state._metadata = recognizer.state_dict()._metadata  # type: ignore[attr-defined]  # mnasnet asks for it
        recognizer.load_state_dict(state)
    except (OSError, SafetensorError, RuntimeError, DamagedError) as error:
        # A disk that does not answer says nothing of the file.
        gone = isinstance(error, (DamagedError, FileNotFoundError, SafetensorError))
        kind = DamagedError if gone else CheckpointError
        raise kind(f"{path}: cannot be loaded as a {card.backbone} ({error})") from error
    return recognizer.eval(), card
