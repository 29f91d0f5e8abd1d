import subprocess
import sys

import pytest

from au_core.config import ScalingConfig
from au_core.data.files import write_json
from au_core.errors import AuError, ConfigError
from pipelines.machinery.cluster import check_fits, connect
from tests.pipelines.processes import LIMIT


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


def test_ray_starts_only_where_it_is_asked_to():
    """It would for a ``ray.put``, such as that of a training's thread after Ctrl-C has ended Ray."""
    put = [sys.executable, "-c", "import pipelines, ray; ray.put(1)"]
    done = subprocess.run(put, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert done.returncode == 1 and "Ray has not been started yet" in done.stderr


def test_a_card_that_torch_cannot_use_is_none(monkeypatch):
    """Ray counts it all the same, and faces would be found for hours before the first training dies."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"this machine has 0 that torch can use .a card's driver"):
        check_fits(ScalingConfig(gpu=True, cpus_per_worker=1))


@pytest.fixture
def on_a_head(tmp_path, monkeypatch):
    """Where ``ray up`` has left what nodes there may be."""
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    monkeypatch.setenv("HOME", str(tmp_path))

    def leave(most=None, **types):
        nodes = {
            name: {"resources": resources, "node_config": {}, "max_workers": (most or {}).get(name, 0)}
            for name, resources in types.items()
        }
        write_json({"available_node_types": nodes}, tmp_path / "ray_bootstrap_config.yaml")

    return leave


@pytest.mark.parametrize("gpu", [{"CPU": 8, "GPU": 1, "memory": 9e9}, {}], ids=["fits", "nobody knows"])
def test_a_worker_waits_for_nodes_that_may_come(on_a_head, gpu):
    scaling = ScalingConfig(gpu=True, cpus_per_worker=8)
    check_fits(scaling)  # elsewhere than on the head, nobody knows
    on_a_head(head={"CPU": 0, "GPU": 0}, gpu=gpu)
    check_fits(scaling)


@pytest.mark.parametrize("scaling", [{"cpus_per_worker": 16}, {"cpus_per_worker": 8, "gpu": True}])
def test_a_worker_that_no_node_could_hold_is_refused(on_a_head, scaling):
    on_a_head(head={"CPU": 0}, small={"CPU": 4, "GPU": 1, "memory": 9e9}, large={"CPU": 8}, most={"small": 6})
    asked = r"1 x \{CPU: (16|8, GPU: 1)\}"
    there = r"\(1 x \{CPU: 0\}, 6 x \{CPU: 4, GPU: 1\}, 1 x \{CPU: 8\}\) have room for 0; lower --workers or"
    with pytest.raises(ConfigError, match=f"a training asks for {asked}, the cluster's nodes {there}"):
        check_fits(ScalingConfig(**scaling))


def test_more_workers_than_all_nodes_could_hold_are_refused_unless_more_nodes_are_there(
    on_a_head, monkeypatch
):
    """Faces would be found for hours first."""
    on_a_head(head={"CPU": 0}, gpu={"CPU": 8, "GPU": 1}, cores={"CPU": 7}, most={"gpu": 6, "cores": 2})
    check_fits(ScalingConfig(workers=6, gpu=True, cpus_per_worker=4))
    check_fits(ScalingConfig(workers=14, cpus_per_worker=4))  # two on each node with 8 cores
    with pytest.raises(ConfigError, match=r"asks for 8 x \{CPU: 4, GPU: 1\}, .* have room for 6; lower"):
        check_fits(ScalingConfig(workers=8, gpu=True, cpus_per_worker=4))
    with pytest.raises(ConfigError, match=r"asks for 15 x \{CPU: 4\}, .* have room for 14; lower"):
        check_fits(ScalingConfig(workers=15, cpus_per_worker=4))
    large = {"Alive": True, "Resources": {"CPU": 64.0, "GPU": 8.0}}
    monkeypatch.setattr("ray.is_initialized", lambda: True)
    monkeypatch.setattr("ray.nodes", lambda: [large, {**large, "Alive": False}])
    check_fits(ScalingConfig(workers=8, gpu=True, cpus_per_worker=4))
    with pytest.raises(ConfigError, match="have room for 6; lower"):
        check_fits(ScalingConfig(workers=9, gpu=True, cpus_per_worker=4))
