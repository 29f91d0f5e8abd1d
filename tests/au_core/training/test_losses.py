import numpy as np
import pytest
import torch

from au_core.training.losses import adversarial_loss, discriminator_loss, recognizer_loss, supervised_loss


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def tensors(*arrays):
    return [torch.tensor(array, dtype=torch.float64) for array in arrays]


def test_discriminator_loss_is_eq_3(rng):
    real, fake = rng.normal(0, 3, (2, 50))
    expected = -np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean()
    assert discriminator_loss(*tensors(real, fake)).item() == pytest.approx(expected, rel=1e-12)


def test_adversarial_loss_is_the_non_saturating_term_of_eq_4(rng):
    (fake,) = rng.normal(0, 3, (1, 50))
    assert adversarial_loss(*tensors(fake)).item() == pytest.approx(-np.log(sigmoid(fake)).mean(), rel=1e-12)


@pytest.mark.parametrize("unknown", [0.0, 0.4, 1.0])
def test_supervised_loss_sums_over_aus_and_averages_over_labelled_faces(rng, unknown):
    logits, y = rng.normal(0, 2, (40, 12)), rng.integers(0, 2, (40, 12))
    y[rng.random(y.shape) < unknown] = -1
    y[30:] = -1  # m2 unlabelled faces
    total, labelled = 0.0, 0
    for row, labels in zip(sigmoid(logits), y, strict=True):
        known = labels >= 0
        labelled += known.any()
        total -= np.log(np.where(labels == 1, row, 1 - row))[known].sum()
    loss = supervised_loss(torch.tensor(logits), torch.tensor(y)).item()
    assert loss == pytest.approx(total / max(labelled, 1), rel=1e-12)


def test_smoothing_asks_for_less_than_certainty(rng):
    real, fake = rng.normal(0, 3, (2, 50))
    smooth = -(0.9 * np.log(sigmoid(real)) + 0.1 * np.log(1 - sigmoid(real))).mean()
    expected = smooth - np.log(1 - sigmoid(fake)).mean()
    assert discriminator_loss(*tensors(real, fake), smoothing=0.1).item() == pytest.approx(expected, rel=1e-9)


def test_class_weights_multiply_the_terms_of_eq_5(rng):
    logits, y, weights = rng.normal(0, 2, (9, 3)), rng.integers(0, 2, (9, 3)), rng.random((2, 3))
    p, total = sigmoid(logits), 0.0
    for i in range(9):
        for j in range(3):
            total -= weights[y[i, j], j] * np.log(p[i, j] if y[i, j] else 1 - p[i, j])
    loss = supervised_loss(torch.tensor(logits), torch.tensor(y), torch.tensor(weights)).item()
    assert loss == pytest.approx(total / 9, rel=1e-12)


@pytest.mark.parametrize("alpha", [0, 0.01, 0.5])
def test_recognizer_loss_weighs_both_as_eq_4(alpha):
    assert recognizer_loss(*tensors(3.0, 7.0), alpha).item() == pytest.approx(alpha * 3 + (1 - alpha) * 7)
