"""The nodes of a cluster: what they may hold, and what is told while workers wait for them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from au_core.config import ScalingConfig
from au_core.data.files import read_json
from pipelines.machinery.cli import say

UNITS = ("CPU", "GPU")
WAIT = 60.0
"""Seconds without a worker after which it is told what a cluster is waiting for."""


@dataclass(frozen=True)
class NodeType:
    """Nodes that an autoscaler may start: what each has, and how many there may be."""

    resources: dict[str, float]
    most: int


def node_types() -> list[NodeType]:
    """The types of a cluster's nodes where ``ray up`` left its file: on the head; nothing elsewhere."""
    config = Path("~/ray_bootstrap_config.yaml").expanduser()  # JSON, despite its name
    types = read_json(config)["available_node_types"].values() if config.exists() else ()
    return [NodeType(node["resources"], node.get("max_workers", 0)) for node in types]


def most(unit: str) -> int:
    """How many of a unit a cluster has, or may come to have where the types of its nodes are known."""
    import ray

    coming = sum(node.resources.get(unit, 0) * node.most for node in node_types())
    return int(max(ray.cluster_resources().get(unit, 0), coming))


def worker_resources(scaling: ScalingConfig) -> dict[str, float]:
    """What a worker holds, in Ray's terms."""
    return {"CPU": scaling.cpus_per_worker, **({"GPU": 1} if scaling.gpu else {})}


def words_for(resources: Mapping[str, float]) -> str:
    """Cores and GPUs for people.

    >>> words_for({"GPU": 1.0, "CPU": 4.0, "memory": 9e9})
    '{CPU: 4, GPU: 1}'
    """
    return f"{{{', '.join(f'{unit}: {resources[unit]:g}' for unit in UNITS if unit in resources)}}}"


class Waiting:
    """Tells once a minute that a cluster has no place for a worker of this command, which else looks hung."""

    def __init__(self, scaling: ScalingConfig) -> None:
        self.asked = f"{scaling.workers} x {words_for(worker_resources(scaling))}"
        self.since = time.monotonic()

    def poll(self) -> None:
        """To be called all the time."""
        import ray

        if _is_placed():
            self.since = time.monotonic()
        elif time.monotonic() - self.since >= WAIT:
            self.since = time.monotonic()
            there = words_for(ray.cluster_resources())
            say(f"waiting for {self.asked}; the cluster has {there}: see 'ray status' on its head")


def _is_placed() -> bool:
    """Whether any workers of this command have their place; a sweep's trials, without a core, always do."""
    import ray
    from ray.util import placement_group_table

    job = ray.get_runtime_context().get_job_id()  # the end of its placement groups' names
    ours = [group for name, group in placement_group_table().items() if name.endswith(job)]
    placed = [group["bundles"].values() for group in ours if group["state"] == "CREATED"]
    return any("CPU" in bundle for bundles in placed for bundle in bundles)
