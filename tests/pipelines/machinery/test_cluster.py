import pytest

from au_core.config import ScalingConfig
from au_core.errors import AuError, ConfigError
from pipelines.machinery.cluster import check_fits, connect


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "",
            r"Ray at local cannot be used \(Exception: timed out\); if this machine is very busy, run",
        ),
        ("10.0.0.1:6379", r"Ray at 10.0.0.1:6379 cannot be used \(Exception: timed out\); is it up\?"),
    ],
)
def test_where_ray_cannot_be_used_is_one_line(address, message, monkeypatch):
    def fail(*_, **__):
        raise Exception("timed out\nlast lines of the log")

    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr("ray.init", fail)
    with pytest.raises(AuError, match=message):
        connect()


def test_a_card_that_torch_cannot_use_is_none(monkeypatch):
    """Ray counts it all the same, and faces would be found for hours before the first training dies."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"this machine has 0 that torch can use .a card's driver"):
        check_fits(ScalingConfig(gpu=True, cpus_per_worker=1))
