import argparse
from dataclasses import fields

import pytest

from au_core.config import AdversarialConfig, TrainConfig
from pipelines.machinery.options import add_fields, docs_of, with_options


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_fields(parser, AdversarialConfig, "a")
    add_fields(parser, TrainConfig, "b")
    return parser.parse_args(words)


def test_what_is_given_changes_and_the_rest_stays():
    recipe = AdversarialConfig(alpha=0.3, m1=7)
    args = parsed(
        "--alpha", "0.02", "--h-d", "2", "--spectral", "--label-prior", "x.csv", "--backbone", "swin_t"
    )
    cfg = with_options(recipe, args)
    assert (cfg.alpha, cfg.h_d, cfg.m1, cfg.spectral, cfg.label_prior) == (0.02, 2, 7, True, "x.csv")
    assert with_options(TrainConfig(), args).backbone == "swin_t"
    assert with_options(recipe, parsed()) == recipe


@pytest.mark.parametrize("settings", [AdversarialConfig, TrainConfig])
def test_every_field_is_explained(settings):
    assert set(docs_of(settings)) == {field.name for field in fields(settings)}
