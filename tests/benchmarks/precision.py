"""R's update in bfloat16 against float32: ResNet-50 at 224 pixels on random tensors, on CPU or GPU.

uv run tests/benchmarks/precision.py
"""

import argparse
import time
from functools import partial

import torch
from common import GPU, SIZE, compare
from torchvision.models import resnet50

from au_core.models.recognizer import computes_in_bf16

M = 64 if GPU else 16


def update_rate(net: torch.nn.Module, bf16: bool, steps: int) -> float:
    """Faces a second of forward and backward passes, the first one not counted."""
    device = next(net.parameters()).device
    x = torch.randn(M, 3, SIZE, SIZE, device=device).to(memory_format=torch.channels_last)
    started = 0.0
    for step in range(steps + 1):
        if step == 1:
            started = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            logits = net(x)
        logits.float().sum().backward()
        float(next(net.parameters()).grad.sum())  # type: ignore[union-attr]  # waits for a GPU
    return steps * M / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--steps", type=int, default=50 if GPU else 2)
    args = parser.parse_args()
    device = torch.device("cuda" if GPU else "cpu")
    net = resnet50(num_classes=12).to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    print(f"precision auto takes {'bf16' if computes_in_bf16(device) else 'fp32'} here")
    rates = {name: partial(update_rate, net, name == "bf16", args.steps) for name in ("bf16", "fp32")}
    compare("bf16 : fp32", "faces/s", "-", 3, **rates)


if __name__ == "__main__":
    main()
