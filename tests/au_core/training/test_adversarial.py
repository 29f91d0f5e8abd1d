"""One pass of Algorithm 1 against a slow version written from the paper, gradient for gradient."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import RelaxedBernoulli

from au_core.config import AdversarialConfig
from au_core.errors import LossError
from au_core.models.discriminator import build_discriminator
from au_core.training.adversarial import (
    accuracy_on_real,
    adversarial_step,
    as_vectors,
    blanked,
    known_by_both,
    shared_step,
)
from au_core.training.game import Game
from au_core.training.losses import discriminator_loss
from tests.au_core.training.slow import KINDS, Draws, L, new_game, slow_pass, slow_shared_pass


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.5])
@pytest.mark.parametrize("h_d", [1, 2, 3])
@pytest.mark.parametrize("h_r", [1, 2, 3])
def test_a_step_equals_the_paper_s_algorithm(kind, alpha, h_d, h_r):
    assert_equal_steps(adversarial_step, slow_pass, kind, AdversarialConfig(alpha=alpha, h_d=h_d, h_r=h_r))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.5])
def test_a_shared_step_equals_the_algorithm_with_one_batch(kind, alpha):
    assert_equal_steps(shared_step, slow_shared_pass, kind, AdversarialConfig(alpha=alpha, reuse_batch=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("step", "slow"), [(adversarial_step, slow_pass), (shared_step, slow_shared_pass)])
def test_with_smoothing_and_class_weights_a_step_equals_the_slow_one_too(step, slow, kind):
    cfg, weights = AdversarialConfig(alpha=0.5, label_smoothing=0.3), torch.arange(1.0, 2 * L + 1).view(2, L)
    assert_equal_steps(step, slow, kind, cfg, weights.double())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize(("step", "slow"), [(adversarial_step, slow_pass), (shared_step, slow_shared_pass)])
def test_with_samples_of_r_s_answers_a_step_equals_the_slow_one_too(step, slow, hard, kind):
    assert_equal_steps(step, slow, kind, AdversarialConfig(alpha=0.5, relaxed=0.7, hard=hard))


def assert_equal_steps(step, slow_step, kind: str, cfg: AdversarialConfig, weights=None) -> None:
    ours, slow = new_game(), new_game()
    for k in range(2):
        for one, game in ((step, ours), (slow_step, slow)):
            torch.manual_seed(k)
            one(game, Draws(k, kind, weights), cfg)
    for name in ("recognizer", "discriminator"):
        torch.testing.assert_close(
            getattr(ours, name).state_dict(), getattr(slow, name).state_dict(), rtol=1e-10, atol=1e-12,
            check_dtype=True,
        )  # fmt: skip


def test_a_shared_step_looks_at_the_faces_once():
    game, looks = new_game(), []
    game.recognizer.register_forward_hook(lambda *_: looks.append(1))
    cfg = AdversarialConfig(alpha=0.1)
    shared_step(game, Draws(), replace(cfg, reuse_batch=True))
    assert len(looks) == 1
    adversarial_step(game, Draws(), cfg)
    assert len(looks) == 3


def test_a_step_tells_how_often_the_discriminator_is_right():
    """It is of 12 vectors here, of which it calls three real."""
    game, draw = new_game(), Draws()
    x, y = draw.images()[0], draw.real_labels()
    with torch.no_grad():
        vectors = torch.cat([y.double(), copy.deepcopy(game.recognizer)(x).sigmoid()])
        game.discriminator[-1].bias -= game.discriminator(vectors).flatten().sort().values[8:10].mean()
        called_real = game.discriminator(vectors).flatten() > 0
    losses = adversarial_step(game, Draws(), AdversarialConfig(alpha=0.1))
    assert {"loss_d", "loss_r", "loss_sup", "loss_adv", "d_real", "d_fake"} == set(losses)
    right = [part.float().mean().item() for part in (called_real[:6], ~called_real[6:])]
    assert called_real.sum() == 3 and 0 < right[0] < right[1] < 1
    assert [losses["d_real"].item(), losses["d_fake"].item()] == right
    assert losses["loss_r"].item() == pytest.approx(0.1 * losses["loss_adv"] + 0.9 * losses["loss_sup"])
    assert set(adversarial_step(new_game(), Draws(), AdversarialConfig(alpha=0.0))) == {"loss_r", "loss_sup"}


@pytest.mark.parametrize("kind", ["entries", "mixed sets"])
def test_blanks_are_the_same_in_real_and_fake_vectors(kind):
    game, shown = new_game(), []
    game.discriminator.register_forward_pre_hook(lambda _, args: shown.append(args[0]))
    adversarial_step(game, Draws(kind=kind), AdversarialConfig(alpha=0.1))
    real, fake = shown[0].chunk(2)
    assert (
        (real == 0.5).any()
        and torch.equal(real == 0.5, fake == 0.5)
        and torch.equal(shown[1] == 0.5, fake == 0.5)
    )


def test_of_a_perfect_recognizer_the_blanks_tell_the_discriminator_nothing(one_thread):
    """Two datasets, the first AU in three of four faces of one, the last in one of eight of the other."""
    rates, codes = (
        torch.tensor([[0.75, 0.5, 0.0], [0.0, 0.5, 0.125]]),
        torch.tensor([[1, 1, 0], [0, 1, 1]]) > 0,
    )
    generator = torch.Generator().manual_seed(0)

    def vectors(n):  # labels of faces of either dataset, and what is coded of each
        which = torch.randint(0, 2, (n,), generator=generator)
        return torch.bernoulli(rates[which], generator=generator), codes[which]

    D = build_discriminator(3, 16)
    optimizer = torch.optim.Adam(D.parameters(), 0.01)
    for _ in range(400):
        (real, known), (fake, coded) = vectors(256), vectors(256)
        shared = known_by_both(real.masked_fill(~known, -1), coded)
        d_real, d_fake = D(torch.cat([blanked(real, shared), blanked(fake, shared)])).squeeze(1).chunk(2)
        loss = discriminator_loss(d_real, d_fake)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() == pytest.approx(2 * np.log(2), abs=0.05), "that of a coin"


@pytest.mark.parametrize(("sees", "d_real", "d_fake"), [(1, 1.0, 1.0), (-1, 0.0, 0.0)])
def test_how_often_d_is_right_is_counted_as_it_says(sees, d_real, d_fake):
    """A D that takes many AUs for the sign of a real vector, or the reverse; R answers few."""
    game = new_game(lr=0.0)
    d = nn.Linear(L, 1).double()
    with torch.no_grad():
        d.weight.fill_(sees)
        d.bias.fill_(-sees * L / 2)
        game.recognizer[-1].bias.fill_(-9)
    game = Game(game.recognizer, d, game.opt_r, torch.optim.SGD(d.parameters(), 0.0))
    draw = Draws()
    draw.real_labels = lambda: torch.ones(6, L, dtype=torch.int8)
    losses = adversarial_step(game, draw, AdversarialConfig(alpha=0.5))
    assert losses["d_real"] == d_real and losses["d_fake"] == d_fake
    d.float()
    assert accuracy_on_real(game, torch.ones(6, L, dtype=torch.int8)) == d_real


@pytest.mark.parametrize(("relaxed", "hard"), [(0.0, False), (0.5, False), (0.5, True)])
def test_a_recogniser_that_diverged_is_named_also_where_d_sees_samples(relaxed, hard):
    game, cfg = new_game(), AdversarialConfig(alpha=0.5, relaxed=relaxed, hard=hard)
    with torch.no_grad():
        game.recognizer[0].bias[0] = torch.nan
    with pytest.raises(LossError, match=r"the loss became nan \(D\)"):
        adversarial_step(game, Draws(), cfg)


def test_relaxed_samples_lie_near_labels_and_pass_gradients():
    logits = torch.full((4000, 1), 1.0, requires_grad=True)
    samples = as_vectors(logits, AdversarialConfig(relaxed=0.1))
    assert ((samples < 0.1) | (samples > 0.9)).float().mean() > 0.8
    assert (samples > 0.5).float().mean().item() == pytest.approx(0.731, abs=0.03)
    samples.sum().backward()
    assert logits.grad is not None and logits.grad.abs().sum() > 0
    torch.testing.assert_close(as_vectors(logits, AdversarialConfig()), logits.sigmoid())


def test_relaxed_samples_are_those_of_torch():
    """Equal in distribution: their quantiles, over all answers that R can give."""
    for logit in (-4.0, -1.0, 0.0, 2.0):
        logits = torch.full((40_000,), logit)
        ours = as_vectors(logits, AdversarialConfig(relaxed=0.5))
        torchs = RelaxedBernoulli(torch.tensor(0.5), logits=logits).rsample()
        at = torch.linspace(0.05, 0.95, 19)
        torch.testing.assert_close(ours.quantile(at), torchs.quantile(at), atol=0.03, rtol=0.05)


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("u", [0.0, 1 - 2**-24])
def test_the_tails_of_the_noise_are_numbers(monkeypatch, u, hard):
    monkeypatch.setattr("torch.rand_like", lambda x: torch.full_like(x, u))
    logits = torch.linspace(-90, 90, 181, requires_grad=True)
    samples = as_vectors(logits, AdversarialConfig(relaxed=0.1, hard=hard))
    samples.sum().backward()
    assert logits.grad is not None and logits.grad.isfinite().all() and samples.isfinite().all()
    assert (samples[0], samples[-1]) == (0, 1), "R is sure, whatever is drawn"


def test_hard_samples_are_labels_and_pass_the_gradients_of_relaxed_ones():
    gradients, n = [], 4000
    for hard in (False, True):
        torch.manual_seed(0)
        logits = torch.full((n,), 1.0, requires_grad=True)
        samples = as_vectors(logits, AdversarialConfig(relaxed=0.5, hard=hard))
        samples.sum().backward()
        gradients.append(logits.grad)
    assert set(samples.unique().tolist()) == {0.0, 1.0}, "exactly"
    assert samples.mean().item() == pytest.approx(0.731, abs=0.03), "as often as R says"
    torch.testing.assert_close(*gradients, rtol=0, atol=0)


def test_the_discriminator_s_options():
    plain, noisy, spectral = (
        build_discriminator(L, 8, **o) for o in ({}, {"noise": 0.5}, {"spectral": True})
    )
    y = torch.rand(5, L)
    assert torch.equal(plain(y), plain(y)) and not torch.equal(noisy(y), noisy(y))
    for _ in range(50):
        spectral(y)  # each call improves its estimate of the largest singular value
    norms = [torch.linalg.matrix_norm(m.weight, 2).item() for m in spectral if isinstance(m, nn.Linear)]
    assert norms == pytest.approx([1, 1, 1], abs=0.02)


def test_alpha_zero_never_touches_the_discriminator():
    game = new_game()
    before = copy.deepcopy(game.discriminator.state_dict())
    losses = adversarial_step(game, Draws(), AdversarialConfig(alpha=0.0))
    torch.testing.assert_close(game.discriminator.state_dict(), before, rtol=0, atol=0)
    assert "loss_d" not in losses and not any(loss.requires_grad for loss in losses.values())


def test_what_is_not_known_of_a_vector_is_a_half_to_d_when_it_is_watched():
    game, D = new_game(), nn.Linear(L, 1)
    with torch.no_grad():
        D.weight.fill_(1)
        D.bias.fill_(-2)
    vectors = torch.tensor([[1, -1, -1, -1], [0, -1, -1, -1], [1, 1, 1, 0], [1, 0, 0, 0]], dtype=torch.int8)
    assert accuracy_on_real(replace(game, discriminator=D), vectors) == 0.5


def test_to_watch_d_leaves_it_as_it_is():
    game = replace(new_game(), discriminator=build_discriminator(L, 8, spectral=True))
    before = copy.deepcopy(game.discriminator.state_dict())
    accuracy_on_real(game, torch.ones(3, L, dtype=torch.int8))
    torch.testing.assert_close(game.discriminator.state_dict(), before, rtol=0, atol=0)
    assert game.discriminator.training
