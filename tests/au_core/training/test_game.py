"""The two players between updates: rates that fall, networks that only look, losses that stop all."""

import copy

import pytest
import torch

from au_core.errors import AuError
from au_core.training.game import decay, descend, frozen, seed
from tests.au_core.training.slow import L, new_game


def test_a_seed_is_that_of_torch():
    seed(7, torch.device("cpu"))
    ours = torch.rand(3)
    torch.manual_seed(7)
    assert torch.equal(ours, torch.rand(3))


@pytest.mark.parametrize(("done", "share"), [(0.0, 1.0), (0.25, 0.8536), (0.5, 0.5), (1.0, 0.0)])
def test_learning_rates_fall_along_half_a_cosine(done, share):
    game = new_game(lr=0.1)
    for before in (0.9, done):  # whatever it was before
        decay(game, before)
    rates = [opt.param_groups[0]["lr"] for opt in (game.opt_r, game.opt_d)]
    assert rates == pytest.approx([0.1 * share] * 2, abs=1e-5)


def test_a_frozen_network_passes_gradients_and_learns_nothing():
    game = new_game()
    y = torch.rand(3, L, dtype=torch.float64, requires_grad=True)
    with frozen(game.discriminator) as d:
        d(y).sum().backward()
    assert y.grad is not None and all(p.grad is None for p in game.discriminator.parameters())
    assert all(p.requires_grad for p in game.discriminator.parameters())


def test_a_passive_network_predicts_as_in_training_and_keeps_its_statistics():
    game = new_game()
    R, before = game.recognizer, copy.deepcopy(game.recognizer.state_dict())
    for step in range(2):
        x = torch.rand(6, 5, dtype=torch.float64)
        with torch.no_grad():
            seen = game.passive(x)
        torch.testing.assert_close(R[1].running_mean, before["1.running_mean"], rtol=0, atol=0)
        assert R[1].num_batches_tracked == step
        logits = R(x)
        torch.testing.assert_close(seen, logits, rtol=0, atol=0)
        assert not torch.equal(R[1].running_mean, before["1.running_mean"]), "R itself learns them"
        before = copy.deepcopy(R.state_dict())
        descend(game.opt_r, logits.square().sum(), "R")  # the passive one has the new weights


def test_a_passive_network_has_the_weights_that_were_loaded():
    game, other = new_game(), new_game(lr=0.2)
    x = torch.rand(6, 5, dtype=torch.float64)
    game.passive(x)
    descend(other.opt_r, other.recognizer(x).square().sum(), "R")
    game.load(other.state())
    torch.testing.assert_close(game.passive(x), other.passive(x), rtol=0, atol=0)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_a_loss_that_is_no_number_stops_before_the_weights_change(value):
    game = new_game()
    before = copy.deepcopy(game.recognizer.state_dict())
    with pytest.raises(AuError, match=rf"the loss became {value} \(R\); lower the learning rates"):
        loss = game.recognizer(torch.ones(2, 5, dtype=torch.float64)).square().sum()
        descend(game.opt_r, loss * value, "R")
    torch.testing.assert_close(dict(game.recognizer.named_parameters())["0.weight"], before["0.weight"])
