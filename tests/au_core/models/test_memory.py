import pytest
import torch

from au_core.errors import ConfigError
from au_core.models.memory import training_bytes
from au_core.models.recognizer import Recognizer


def test_a_training_takes_what_its_layers_say():
    """ResNet-10's first convolution alone hands on 64 x S/2 x S/2 numbers a face."""
    weights = 4 * sum(4 * w.numel() for w in Recognizer("resnet10", 1).backbone.parameters())
    one, two = (training_bytes("resnet10", 64, batch) for batch in (1, 2))
    assert one - weights == two - one > 64 * 32 * 32 * 4


def test_memory_grows_with_the_area_of_a_face():
    none, small, large = (training_bytes("resnet10", size, n) for size, n in ((64, 0), (64, 1), (128, 1)))
    assert large - none == pytest.approx(4 * (small - none), rel=0.05)


def test_nothing_is_drawn_at_random():
    state = torch.random.get_rng_state()
    training_bytes("resnet10", 64, 1)
    assert torch.equal(state, torch.random.get_rng_state())


def test_an_unknown_network_is_refused():
    with pytest.raises(ConfigError, match="no such network"):
        training_bytes("resnet1000", 64, 1)
