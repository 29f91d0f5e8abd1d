"""R as D looks at it, in bfloat16: weights cast together give the answers of autocast's own casts."""

import pytest
import torch

from au_core.models.recognizer import Recognizer
from au_core.training.passive import without_statistics


def seen(net, x):
    torch.manual_seed(0)  # stochastic depth and dropout
    with torch.no_grad():
        return net(x)


@pytest.mark.parametrize("backbone", ["resnet10", "mobilenet_v3_small", "swin_t", "convnext_tiny"])
def test_weights_cast_together_change_no_bit_of_an_answer(one_thread, backbone):
    torch.manual_seed(0)
    R = Recognizer(backbone, 5, bf16=True)
    passive = without_statistics(R)
    for _ in range(2):
        x = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
        torch.testing.assert_close(seen(passive, x), seen(R, x), rtol=0, atol=0)
        with torch.no_grad():
            for weight in R.parameters():  # as an update changes them
                weight.add_(torch.randn_like(weight), alpha=0.01)
    assert all(weight.dtype == torch.float32 for weight in R.parameters())
    assert any(weight.dtype == torch.bfloat16 for weight in passive.parameters())


def test_in_float32_all_weights_are_shared():
    R = Recognizer("resnet10", 5)
    shared = zip(R.parameters(), without_statistics(R).parameters(), strict=True)
    assert all(ours is theirs for theirs, ours in shared)
