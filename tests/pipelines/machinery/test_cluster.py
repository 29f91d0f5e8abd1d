import pytest

from au_core.errors import AuError
from pipelines.machinery.cluster import connect


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
