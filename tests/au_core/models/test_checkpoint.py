import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from au_core.aus import DISFA
from au_core.data.files import remove_leftovers_below
from au_core.errors import CheckpointError
from au_core.evaluation.predict import predict_faces
from au_core.models.card import ModelCard, save_thresholds
from au_core.models.checkpoint import load_recognizer, save_recognizer
from au_core.models.recognizer import Recognizer

CARD = ModelCard(backbone="resnet10", spec=DISFA, input_size=32, face_size=224, step=7)


def test_a_model_comes_back_and_predicts_the_same(tmp_path, rng):
    recognizer = Recognizer("resnet10", 8)
    faces = rng.integers(0, 256, (3, 40, 40, 3), np.uint8)
    save_recognizer(recognizer, CARD, tmp_path / "model")
    loaded, card = load_recognizer(tmp_path)
    np.testing.assert_array_equal(predict_faces(loaded, faces, 32), predict_faces(recognizer, faces, 32))
    assert replace(card, thresholds={}, sha256="") == CARD and set(card.thresholds.values()) == {0.5}
    save_thresholds(dict.fromkeys(DISFA.columns, 0.4) | {"AU12": 0.3}, tmp_path / "model")
    assert load_recognizer(tmp_path / "model")[1].thresholds["AU12"] == 0.3
    assert {path.suffix for path in (tmp_path / "model").iterdir()} == {".json", ".safetensors"}
    modes = {path.stat().st_mode for path in (tmp_path / "model").iterdir()}
    assert len(modes) == 1, "whoever may read the card may read the weights"


def test_what_a_killed_writer_of_a_model_leaves_is_swept_away(tmp_path):
    code = "import resource, signal, sys\nfrom pathlib import Path\nfrom tests import toy\n"
    code += "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"  # a file of more bytes is its writer's death
    code += "resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))\n"
    code += "toy.write_untrained_model(Path(sys.argv[1]))"
    ended = subprocess.run([sys.executable, "-c", code, tmp_path / "run"], check=False).returncode
    assert ended == -signal.SIGXFSZ and any((tmp_path / "run").rglob("*.*"))
    remove_leftovers_below(tmp_path)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_network_that_asks_for_its_version_comes_back_too(tmp_path):
    R = Recognizer("mnasnet0_5", 8)
    save_recognizer(R, replace(CARD, backbone="mnasnet0_5"), tmp_path)
    torch.testing.assert_close(load_recognizer(tmp_path)[0].state_dict(), R.state_dict(), rtol=0, atol=0)


def test_thresholds_of_another_model_are_refused(tmp_path):
    save_recognizer(Recognizer("resnet10", 8), CARD, tmp_path)
    save_thresholds({"AU99": 0.3}, tmp_path)
    with pytest.raises(CheckpointError, match="thresholds of AU99, not of the model's AUs"):
        load_recognizer(tmp_path)


@pytest.mark.parametrize(("file", "message"), [
    ("model.safetensors", "model.safetensors: cannot be loaded as a resnet10"),
    ("model.json", "model.json: no card of a recogniser"),
])  # fmt: skip
def test_a_damaged_model_is_named(file, message, tmp_path):
    save_recognizer(Recognizer("resnet10", 8), CARD, tmp_path)
    (tmp_path / file).write_bytes(b"{ nonsense")
    with pytest.raises(CheckpointError, match=message):
        load_recognizer(tmp_path)


def test_no_model_says_what_was_expected(tmp_path):
    with pytest.raises(CheckpointError, match="no model here; expected a run folder"):
        load_recognizer(tmp_path)
