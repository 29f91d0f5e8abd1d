"""One pass of Algorithm 1 against a slow version written from the paper, gradient for gradient."""

import copy

import pytest
import torch
from torch import nn

from au_core.config import AdversarialConfig
from au_core.errors import AuError
from au_core.training.adversarial import adversarial_step
from au_core.training.game import Game, descend, frozen, passive

L = 4


class Draws:
    """Fixed batches, drawn in order; faces are feature vectors here."""

    def __init__(self, seed: int = 0) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def _random(self, *shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=self.generator, dtype=torch.float64)

    def images(self):
        return self._random(6, 5)

    def real_labels(self):
        return (self._random(6, L) > 0.5).double()

    def mixed(self):
        y = (self._random(6, L) > 0.5).long()
        y[4:] = -1
        y[1, 2] = -1
        return self._random(6, 5), y


def new_game(lr: float = 0.1) -> Game:
    torch.manual_seed(0)
    r = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, L)).double()
    d = nn.Sequential(nn.Linear(L, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    return Game(r, d, torch.optim.SGD(r.parameters(), lr), torch.optim.SGD(d.parameters(), lr))


def slow_pass(game: Game, draw: Draws, alpha: float, h_d: int, h_r: int, lr: float = 0.1) -> None:
    """Algorithm 1, lines 3 to 11, face by face, with gradients by autograd.grad and steps by hand."""
    R, D = game.recognizer, game.discriminator
    for _ in range(h_d if alpha > 0 else 0):
        x, y_r = draw.images(), draw.real_labels()
        statistics = copy.deepcopy([b for b in R.buffers()])
        fake = torch.sigmoid(R(x)).detach()
        for buffer, old in zip(R.buffers(), statistics, strict=True):
            buffer.copy_(old)
        loss = sum(-torch.log(torch.sigmoid(D(y))) for y in y_r) / len(y_r)
        loss = loss + sum(-torch.log(1 - torch.sigmoid(D(y))) for y in fake) / len(fake)
        step_by_hand(D, loss, lr)
    for _ in range(h_r):
        x, y = draw.mixed()
        p = torch.sigmoid(R(x))
        adversarial = sum(-torch.log(torch.sigmoid(D(row))) for row in p) / len(p)
        supervised, m1 = torch.zeros(1, dtype=torch.float64), 0
        for row, labels in zip(p, y, strict=True):
            m1 += bool((labels >= 0).any())
            for q, label in zip(row, labels, strict=True):
                if label >= 0:
                    supervised = supervised - torch.log(q if label == 1 else 1 - q)
        step_by_hand(R, alpha * adversarial + (1 - alpha) * supervised / m1, lr)


def step_by_hand(net: nn.Module, loss: torch.Tensor, lr: float) -> None:
    parameters = list(net.parameters())
    for p, g in zip(parameters, torch.autograd.grad(loss.sum(), parameters), strict=True):
        p.data -= lr * g


@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.5])
@pytest.mark.parametrize(("h_d", "h_r"), [(1, 1), (2, 1), (1, 2), (3, 3)])
def test_a_step_equals_the_paper_s_algorithm(alpha, h_d, h_r):
    ours, slow = new_game(), new_game()
    cfg = AdversarialConfig(alpha=alpha, h_d=h_d, h_r=h_r)
    for _ in range(2):
        adversarial_step(ours, Draws(1), cfg)
        slow_pass(slow, Draws(1), alpha, h_d, h_r)
    for name in ("recognizer", "discriminator"):
        torch.testing.assert_close(
            getattr(ours, name).state_dict(), getattr(slow, name).state_dict(), rtol=1e-10, atol=1e-12,
            check_dtype=True,
        )  # fmt: skip


def test_alpha_zero_never_touches_the_discriminator():
    game = new_game()
    before = copy.deepcopy(game.discriminator.state_dict())
    losses = adversarial_step(game, Draws(), AdversarialConfig(alpha=0.0))
    torch.testing.assert_close(game.discriminator.state_dict(), before, rtol=0, atol=0)
    assert "loss_d" not in losses and not any(loss.requires_grad for loss in losses.values())


def test_a_frozen_network_passes_gradients_and_learns_nothing():
    game = new_game()
    y = torch.rand(3, L, dtype=torch.float64, requires_grad=True)
    with frozen(game.discriminator) as d:
        d(y).sum().backward()
    assert y.grad is not None and all(p.grad is None for p in game.discriminator.parameters())
    assert all(p.requires_grad for p in game.discriminator.parameters())


def test_a_passive_network_predicts_as_in_training_and_keeps_its_statistics():
    R = new_game().recognizer
    x, before = torch.rand(6, 5, dtype=torch.float64), R[1].running_mean.clone()
    with passive(R) as r:
        seen = r(x)
    torch.testing.assert_close(R[1].running_mean, before, rtol=0, atol=0)
    torch.testing.assert_close(seen, R(x))
    assert not torch.equal(R[1].running_mean, before), "outside, it learns them again"


def test_a_loss_that_is_no_number_stops_before_the_weights_change():
    game = new_game()
    before = copy.deepcopy(game.recognizer.state_dict())
    with pytest.raises(AuError, match="the loss became nan; lower the learning rates"):
        descend(game.opt_r, game.recognizer(torch.ones(2, 5, dtype=torch.float64)).sum() * torch.nan)
    torch.testing.assert_close(dict(game.recognizer.named_parameters())["0.weight"], before["0.weight"])
