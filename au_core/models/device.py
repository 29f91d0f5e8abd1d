"""The device that computes, and in which arithmetic."""

from typing import Any

import torch


def best_device(gpu: bool = True) -> str:
    """``cuda`` if there is one and it may be used, else ``cpu``."""
    return "cuda" if gpu and torch.cuda.is_available() else "cpu"


def computes_in_bf16(device: torch.device) -> bool:
    """Whether bfloat16 is the faster arithmetic here (``tests/benchmarks/settings.py``).

    On GPUs that have it, on CPUs with AMX, and on AMD's with AVX-512's, which there is 1.8 times as fast as
    float32; on another processor with that alone it was 0.62 times.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    found = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    amd = "AMD" in str(found.get("cpu_name"))
    return bool(found.get("amx_bf16") or (amd and found.get("avx512_bf16")))


def float32_switches(device: torch.device) -> list[Any]:
    """What decides how a device computes in float32: the ``fp32_precision`` of each, in the whole process."""
    cuda, cudnn, mkldnn = torch.backends.cuda, torch.backends.cudnn, torch.backends.mkldnn
    return [cuda.matmul, cudnn.conv, cudnn.rnn] if device.type == "cuda" else [mkldnn.matmul, mkldnn.conv]
