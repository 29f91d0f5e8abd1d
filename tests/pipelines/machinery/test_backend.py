import os
from pathlib import Path

import pytest

from au_core.data.files import read_json, write_json
from tests.pipelines.processes import open_to_others

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds sockets in /proc")


def test_two_workers_of_one_machine_meet_at_a_file_and_listen_to_nobody_else(local_ray, tmp_path):
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    from pipelines.machinery.backend import GroupConfig

    def look(config):  # a local function travels by value
        import torch.distributed as dist

        from au_core.training.workers import gathered

        store = dist.distributed_c10d._get_default_store()
        while hasattr(store, "underlying_store"):
            store = store.underlying_store
        place = str(getattr(store, "path", type(store).__name__))
        seen = {"ranks": gathered(dist.get_rank()), "store": place, "there": Path(place).exists()}
        seen["open"] = gathered(sorted(open_to_others([os.getpid()])))
        if dist.get_rank() == 0:
            write_json(seen, config["seen"])

    TorchTrainer(
        look,
        train_loop_config={"seen": tmp_path / "seen.json"},
        torch_config=GroupConfig(),
        scaling_config=ScalingConfig(num_workers=2),
        run_config=RunConfig(storage_path=str(tmp_path)),
    ).fit()
    seen = read_json(tmp_path / "seen.json")
    assert seen["ranks"] == [0, 1] and seen["open"] == [[], []] and seen["there"], seen
    assert not Path(seen["store"]).exists()
