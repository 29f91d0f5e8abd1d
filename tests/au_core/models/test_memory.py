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


@pytest.mark.parametrize("backbone", ["resnet10", "regnet_y_400mf"])
def test_nothing_is_drawn_at_random(backbone):
    state = torch.random.get_rng_state()
    assert training_bytes(backbone, 64, 1) > 2**24
    assert torch.equal(state, torch.random.get_rng_state())


def test_the_weights_of_linear_layers_are_counted_once():
    """AlexNet keeps its two layers of 4,096 neurons as views; they are most of its 57 million weights."""
    none, some = (training_bytes("alexnet", 224, batch) for batch in (0, 64))
    assert some - none < none


def test_an_unknown_network_and_faces_too_small_for_one_are_refused():
    with pytest.raises(ConfigError, match="no such network"):
        training_bytes("resnet1000", 64, 1)
    with pytest.raises(ConfigError, match="alexnet cannot see faces of 32 pixels: "):
        training_bytes("alexnet", 32, 1)
