"""Joining Ray: a running cluster where there is one, this machine alone otherwise."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

from au_core.config import ScalingConfig
from au_core.errors import AuError, ConfigError, words_of
from pipelines.machinery.cli import interruptible
from pipelines.machinery.nodes import most, node_types, words_for, worker_resources

LOCAL_OBJECT_STORE = 256 * 2**20
"""Bytes of shared memory for a local Ray: only status rows travel, faces go through Parquet files."""


def ray_data() -> ModuleType:
    """Ray Data, which leaves the telling of progress to us."""
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False  # one line of our own says more
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # which importing ray.data has set itself
    return ray.data


def on_a_cluster() -> bool:
    """Whether a running cluster is meant, whose nodes may come when they are asked for."""
    return bool(os.environ.get("RAY_ADDRESS"))


def check_fits(scaling: ScalingConfig) -> None:
    """Make sure that a training will not wait for cores or GPUs that never come.

    Raises:
        ConfigError: this machine has fewer, or all nodes of a cluster together, where their types are known.
    """
    if on_a_cluster():
        return _check_nodes(scaling)
    asked, there = scaling.workers * scaling.cpus_per_worker, cores_here()
    if asked > there:
        raise ConfigError(
            f"a training asks for {asked} cores (workers {scaling.workers} x cpus_per_worker "
            f"{scaling.cpus_per_worker}), this machine has {there}; lower --workers or --cpus-per-worker"
        )
    gpus = gpus_here() if scaling.gpu else scaling.workers
    if gpus < scaling.workers:
        raise ConfigError(
            f"a training asks for {scaling.workers} GPU (one for each worker), this machine has {gpus} that "
            "torch can use (a card's driver may be too old: see nvidia-smi); add --no-gpu to train on its "
            "cores (slow: see --backbone, --input-size, --steps), or use a cluster (cluster.yaml)"
        )


def _check_nodes(scaling: ScalingConfig) -> None:
    """All workers of a training run at once, each on one node."""
    asked, types = worker_resources(scaling), node_types()
    # A head is one node more than its type's `max_workers` says.
    room = sum(_holds(node.resources, asked) * max(1, node.most) for node in types)
    known = types and all("CPU" in node.resources for node in types)
    if known and max(room, sum(_holds(there, asked) for there in _nodes_now())) < scaling.workers:
        nodes = ", ".join(f"{max(1, node.most)} x {words_for(node.resources)}" for node in types)
        raise ConfigError(
            f"a training asks for {scaling.workers} x {words_for(asked)}, the cluster's nodes ({nodes}) have "
            f"room for {room}; lower --workers or --cpus-per-worker, or change cluster.yaml"
        )


def _holds(there: Mapping[str, float], asked: Mapping[str, float]) -> int:
    """How many workers that ask for so much find room on one node."""
    return int(min(there.get(unit, 0) // amount for unit, amount in asked.items()))


def _nodes_now() -> list[dict[str, float]]:
    """What each node of the cluster has, if it was joined: somebody may have started some by hand."""
    import ray

    nodes = ray.nodes() if ray.is_initialized() else []
    return [node["Resources"] for node in nodes if node["Alive"]]


def gpus_here() -> int:
    """GPUs of this machine that torch can use; a driver may be too old for those that Ray counts."""
    import torch  # a second, which only this question is worth

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def has_gpu() -> bool:
    """Whether a GPU that can be used is here, or is or may come on a cluster; asks a Ray that was joined."""
    return most("GPU") > 0 and (on_a_cluster() or gpus_here() > 0)


def cores_here() -> int:
    """Cores this process may use: a batch system's share, a container's quota, not all that there are."""
    from joblib import cpu_count  # a fifth of a second

    return cpu_count()


def cores_of(scaling: ScalingConfig) -> ScalingConfig:
    """``scaling`` with no more cores for a worker than this machine has for it, unless on a cluster."""
    most = max(1, cores_here() // scaling.workers)
    return scaling if on_a_cluster() else replace(scaling, cpus_per_worker=min(scaling.cpus_per_worker, most))


def connect() -> None:
    """Join the cluster named by ``RAY_ADDRESS``, else start Ray here, on loopback. Does nothing if joined.

    ``ray submit`` runs on the head node, where Ray's own bootstrap file names the cluster; ``RAY_ADDRESS``
    is set by cluster.yaml. Anything else is a laptop, which must not join a stranger's cluster by accident.

    Raises:
        AuError: no cluster answers there, or Ray does not start here.
    """
    import ray

    if ray.is_initialized():
        return
    # Ray's C++ core warns on stderr of what its own libraries do (issue 53727); real errors are exceptions.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    address = os.environ["RAY_ADDRESS"] if on_a_cluster() else "local"
    here = {} if on_a_cluster() else _this_machine()
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **here)
    except Exception as error:  # Ray has no class of its own for these
        reason = words_of(error).splitlines()[0]
        hint = "if this machine is very busy, run the same command again later" if here else "is it up?"
        raise AuError(f"Ray at {address} cannot be used ({reason}); {hint}") from error
    interruptible()


@contextmanager
def our_errors() -> Iterator[None]:
    """An error of ours that a Ray task met is raised as itself."""
    from ray.exceptions import RayTaskError

    try:
        yield
    except RayTaskError as error:
        raise (error.cause if isinstance(error.cause, AuError) else error) from None


def _this_machine() -> dict[str, Any]:
    """What Ray is told of this machine when it is started here."""
    print("starting Ray on this machine", file=sys.stderr)
    return {
        "include_dashboard": False,
        "num_cpus": cores_here(),
        "object_store_memory": LOCAL_OBJECT_STORE,
    }
