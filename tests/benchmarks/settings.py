"""What each setting of R's update is worth: with it against without, ResNet-50 at 224 on random tensors.

uv run tests/benchmarks/settings.py --of bf16 channels_last fused_adam cudnn_search compile

The other settings stand as a training has them: bf16 where ``precision auto`` takes it, channels last, fused
Adam, neither cuDNN's search nor compilation.
"""

import argparse
import time
from collections.abc import Callable

import torch
from common import GPU, SIZE, compare
from torch.optim import Adam
from torchvision.models import resnet50

from au_core.models.device import computes_in_bf16

DEVICE = torch.device("cuda" if GPU else "cpu")
M, WARM, STEPS = (64, 10, 50) if GPU else (16, 1, 2)
AS_TRAINED = {
    "bf16": computes_in_bf16(DEVICE),
    "channels_last": True,
    "fused_adam": True,
    "cudnn_search": False,
    "compile": False,
}


def updater(settings: dict[str, bool]) -> Callable[[], float]:
    """Makes a network; the answer does updates and gives faces a second."""
    order = torch.channels_last if settings["channels_last"] else torch.contiguous_format
    net = resnet50(num_classes=12).to(DEVICE).to(memory_format=order)  # pyright: ignore[reportCallIssue]
    if settings["compile"]:
        net.compile()
    optimizer = Adam(net.parameters(), 1e-4, fused=settings["fused_adam"])
    x = torch.randn(M, 3, SIZE, SIZE, device=DEVICE).to(memory_format=order)

    def update(steps: int) -> float:
        torch.backends.cudnn.benchmark = settings["cudnn_search"]
        started = time.perf_counter()
        for _ in range(steps):
            with torch.autocast(DEVICE.type, torch.bfloat16, enabled=settings["bf16"]):
                logits = net(x)
            optimizer.zero_grad()
            logits.float().square().mean().backward()
            optimizer.step()
        if GPU:
            torch.cuda.synchronize()
        return steps * M / (time.perf_counter() - started)

    update(WARM)
    return lambda: update(STEPS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--of", nargs="+", choices=AS_TRAINED, default=["bf16"], help="settings to compare")
    args = parser.parse_args()
    print(f"precision auto takes {'bf16' if AS_TRAINED['bf16'] else 'fp32'} here")
    for name in args.of:
        sides = [updater({**AS_TRAINED, name: value}) for value in (True, False)]
        compare(f"{name} : without", "faces/s", "-", 3, **dict(zip(("with", "without"), sides, strict=True)))


if __name__ == "__main__":
    main()
