from types import SimpleNamespace

from au_core.config import ScalingConfig
from au_core.data.files import write_json
from pipelines.machinery.nodes import Waiting, most


def test_nodes_with_a_gpu_may_come_where_there_is_none_yet(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 2.0})
    assert most("CPU") == 2 and most("GPU") == 0, "which a cluster of cores would wait for for ever"
    types = {"head": {"resources": {"CPU": 0}}, "gpu": {"resources": {"CPU": 8, "GPU": 1}, "max_workers": 6}}
    write_json({"available_node_types": types}, tmp_path / "ray_bootstrap_config.yaml")
    assert most("CPU") == 48 and most("GPU") == 6


def test_what_a_cluster_waits_for_is_told_once_a_minute(monkeypatch, capsys):
    worker, trial = {0: {"CPU": 4.0, "GPU": 1.0}}, {0: {"node:__internal_head__": 0.001}}
    now, groups = [0.0], {"ab01": {"state": "PENDING", "bundles": worker}}
    groups |= {
        "cd02": {"state": "CREATED", "bundles": worker},
        "ef01": {"state": "CREATED", "bundles": trial},
    }
    monkeypatch.setattr("pipelines.machinery.nodes.time.monotonic", lambda: now[0])
    monkeypatch.setattr("ray.get_runtime_context", lambda: SimpleNamespace(get_job_id=lambda: "01"))
    monkeypatch.setattr("ray.util.placement_group_table", lambda: groups)
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 2.0, "node:10.0.0.1": 1.0})
    waiting = Waiting(ScalingConfig(workers=2, gpu=True, cpus_per_worker=4))

    def told(until):
        while now[0] < until:
            now[0] += 1
            waiting.poll()
        return [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()]

    line = "waiting for 2 x {CPU: 4, GPU: 1}; the cluster has {CPU: 2}: see 'ray status' on its head"
    assert told(59) == [] and told(130) == [line] * 2
    groups["ab01"]["state"] = "CREATED"
    assert told(1000) == []
    groups["ab01"]["state"] = "REMOVED"
    assert told(1059) == [] and told(1060) == [line]
