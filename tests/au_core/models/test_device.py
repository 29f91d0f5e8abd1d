"""In which arithmetic a device computes."""

import pytest
import torch

from au_core.models.device import computes_in_bf16


@pytest.mark.parametrize(
    ("processor", "faster"),
    [
        ({"amx_bf16": True, "avx512_bf16": True, "cpu_name": "Intel(R) Xeon(R)"}, True),
        ({"amx_bf16": False, "avx512_bf16": True, "cpu_name": "AMD EPYC"}, True),
        ({"amx_bf16": False, "avx512_bf16": True, "cpu_name": "Intel(R) Xeon(R)"}, False),
        ({"amx_bf16": False, "avx512_bf16": False, "cpu_name": "AMD EPYC"}, False),
        ({"architecture": "aarch64"}, False),
    ],
)
def test_bfloat16_where_it_was_faster(monkeypatch, processor, faster):
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: processor)
    assert computes_in_bf16(torch.device("cpu")) is faster
