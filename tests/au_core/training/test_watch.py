import pytest

from au_core.training.watch import warnings_of

WELL = {"train/d_real": 0.6, "train/d_fake": 0.7, "val/d_real": 0.55, "val/prob_std": 0.2}


@pytest.mark.parametrize(("change", "name", "words"), [
    ({"train/d_real": 0.99, "train/d_fake": 1.0, "val/d_real": 0.95}, "d_wins", "Try relaxed"),
    ({"train/d_real": 0.8, "val/d_real": 0.5}, "by_heart", "a label_prior brings more"),
    ({"val/prob_std": 0.001}, "r_collapses", "the same answer"),
])  # fmt: skip
def test_each_way_to_go_wrong_is_named(change, name, words):
    found = warnings_of([WELL, {**WELL, **change}, {**WELL, **change}])
    assert set(found) == {name} and words in found[name]
    assert warnings_of([WELL, {**WELL, **change}]) == {}, "once is no warning"
    assert warnings_of([{**WELL, **change}] * 2 + [WELL]) == {}, "what is over is over"


def test_a_collapse_is_seen_without_validation_people_too():
    assert {*warnings_of([{"train/prob_std": 0.001}] * 2)} == {"r_collapses"}
    assert warnings_of([{"train/prob_std": 0.1}] * 2) == {}


def test_who_guesses_knows_nothing_by_heart():
    assert warnings_of([{**WELL, "train/d_real": 0.5, "val/d_real": 0.2}] * 3) == {}


def test_a_healthy_game_and_one_without_opponent_warn_nobody():
    assert warnings_of([WELL] * 3) == {} and warnings_of([{"val/prob_std": 0.1}] * 3) == {} == warnings_of([])
