"""What every step of a training is given, and what is told of one that could not be made."""

import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from au_core.data.files import read_json
from au_core.data.fold import load_split
from au_core.models.card import load_card
from au_core.training import adversarial
from tests.pipelines.conftest import train_here
from tests.pipelines.toy_training import lines_of, toy_experiment, toy_plan


@pytest.fixture
def steps(monkeypatch):
    """Calls what is put there with the game and the draws of each step, and keeps what it answers."""
    look, found, step = [], [], adversarial.step

    def look_first(game, draw, cfg):
        found.extend(each(game, draw) for each in look)
        return step(game, draw, cfg)

    monkeypatch.setattr(adversarial, "step", look_first)
    return look, found


def rates(game, _):
    return tuple(optimizer.param_groups[0]["lr"] for optimizer in (game.opt_r, game.opt_d))


@pytest.mark.parametrize("decay", [True, False])
def test_rates_fall_from_step_to_step_along_half_a_cosine_if_at_all(steps, tmp_path, decay):
    look, found = steps
    look.append(rates)
    experiment = toy_experiment(tmp_path, 4, lr_r=1e-3, lr_d=2e-3)
    plan = toy_plan(experiment)
    train_here(replace(plan, train=replace(plan.train, decay=decay)), experiment)
    shares = [(1 + math.cos(math.pi * k / 4)) / 2 if decay else 1.0 for k in range(4)]
    assert found == [pytest.approx((1e-3 * share, 2e-3 * share)) for share in shares]


def beginning(game, draw):
    """All that chance decides of a first step."""
    drawn = draw.images()[0], draw.mixed()[0], draw.real_labels()
    draw.seek(0)
    return {
        "R": game.bare_recognizer.head.weight.clone(),
        "D": game.discriminator[0].weight.clone(),
        "X": drawn[0],
        "T1": drawn[1],
        "Y^t": drawn[2],
        "random numbers": torch.random.get_rng_state(),
    }


def test_a_seed_decides_the_networks_the_batches_and_what_is_random_in_a_step(steps, tmp_path):
    look, found = steps
    look.append(beginning)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        experiment = toy_experiment(tmp_path / name, 1)
        train_here(replace(toy_plan(experiment), seed=seed, missing_rate=0.0), experiment)
    one, same, other = found
    torch.testing.assert_close(one, same, rtol=0, atol=0)
    assert [key for key in one if torch.equal(one[key], other[key])] == []


def test_each_report_tells_what_d_makes_of_validation_people_s_vectors(tmp_path, monkeypatch):
    """It never learned from those."""
    seen, watch = [], adversarial.accuracy_on_real

    def keep(game, vectors):
        seen.append(vectors.tolist())
        return watch(game, vectors)

    monkeypatch.setattr(adversarial, "accuracy_on_real", keep)
    for alpha, reports in ((0.01, 2), (0.0, 0)):
        seen.clear()
        experiment = toy_experiment(tmp_path / str(alpha), 6, alpha=alpha)
        plan = toy_plan(experiment)
        shares = [line.get("val/d_real") for line in lines_of(train_here(plan, experiment))]
        assert all(0 <= share <= 1 for share in shares) if reports else shares == [None, None]
        assert seen == [load_split(plan, experiment.faces, "val").labels.tolist()] * reports


def test_without_validation_people_r_of_the_last_step_is_kept(steps, tmp_path):
    look, found = steps
    look.append(lambda game, _: game)
    experiment = toy_experiment(tmp_path, 6)
    train = replace(experiment.cfg.train, validation_subjects=0, report_every=2)
    experiment = replace(experiment, cfg=replace(experiment.cfg, train=train))
    folder = train_here(toy_plan(experiment), experiment)
    last, kept = found[-1].bare_recognizer.state_dict(), load_file(folder.model / "model.safetensors")
    torch.testing.assert_close(kept, last, rtol=0, atol=0)
    assert load_card(folder.model).step == 6
    assert [line["step"] for line in lines_of(folder)] == [2, 4, 6]
    assert not any(key.startswith("val/") for line in lines_of(folder) for key in line)
    assert all(0 < line["train/prob_std"] < 0.5 for line in lines_of(folder)), "its collapse would be seen"


@pytest.mark.parametrize(
    ("loss", "told"),
    [("discriminator_loss", "step 2, batch 3 of D: "), ("recognizer_loss", "step 3, batch 3 of R: ")],
)
def test_a_loss_that_is_no_number_is_told_with_its_player_s_batch(tmp_path, monkeypatch, loss, told):
    """D has two updates in a step here, R one: the third of each is spoiled."""
    compute, calls = getattr(adversarial, loss), []

    def spoiled(*args):
        calls.append(1)
        return compute(*args) * (math.nan if len(calls) == 3 else 1)

    monkeypatch.setattr(adversarial, loss, spoiled)
    experiment = toy_experiment(tmp_path, 6, h_d=2)
    folder = train_here(toy_plan(experiment), experiment)
    assert read_json(folder.refusal)["reason"].startswith(f"{told}the loss became nan")
