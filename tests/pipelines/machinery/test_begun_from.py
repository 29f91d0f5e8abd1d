"""A training that begins from the model of another dataset says so to whoever would go on from it."""

import argparse
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from au_core.errors import ConfigError
from au_core.models.card import load_card
from au_core.models.checkpoint import save_recognizer
from au_core.models.recognizer import Recognizer
from pipelines.machinery.arguments import add_experiment_arguments, add_settings, load_experiment
from pipelines.machinery.experiment import Experiment
from tests.pipelines.conftest import first_fold, train_here
from tests.toy import CARD, write_toy_faces


def test_a_model_has_seen_its_own_datasets_and_those_of_the_one_it_began_from(tiny, tmp_path):
    save_recognizer(Recognizer("resnet10", 8), replace(CARD, seen=("DISFA",)), tmp_path / "first")
    write_toy_faces(tmp_path / "faces")
    write_toy_faces(tmp_path / "faces_also" / "bp4d_plus", ["F001", "F007"], dataset="BP4D+")
    begun = replace(tiny.train, weights=str(tmp_path / "first" / "model.safetensors"))
    cfg = replace(tiny, train=begun, adversarial=replace(tiny.adversarial, lr_r=1e-12))
    experiment = Experiment(cfg=cfg, out=tmp_path, also=(("bp4d_plus", tmp_path),))
    folder = train_here(first_fold(experiment)[0], experiment)
    assert load_card(folder.path).seen == ("BP4D", "BP4D+", "DISFA")
    first, then = (load_file(path / "model.safetensors") for path in (tmp_path / "first", folder.model))
    torch.testing.assert_close(then["backbone.conv1.weight"], first["backbone.conv1.weight"])


def test_a_model_of_the_recipe_s_own_people_is_refused_at_the_door(tmp_path):
    save_recognizer(Recognizer("resnet10", 12), replace(CARD, seen=("BP4D",)), tmp_path / "first")
    parser = argparse.ArgumentParser()
    add_experiment_arguments(parser)
    add_settings(parser, [])
    words = ["--weights", str(tmp_path / "first"), "--recipe"]
    with pytest.raises(ConfigError, match="first: trained on BP4D, perhaps on people"):
        load_experiment(parser.parse_args([*words, "bp4d_three_fold"]))
    begun = load_experiment(parser.parse_args([*words, "disfa_three_fold"]))
    assert begun.cfg.train.weights == str(tmp_path / "first" / "model.safetensors")
