"""Ray Train's start of torch, so that nothing listens to other machines where one does the work.

Ray lets workers meet at a TCPStore, which listens on all interfaces and lets everybody in. A single worker
has nobody to talk to, and workers on one machine can meet at a file.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from uuid import uuid4

import ray
from ray.train.torch import TorchConfig
from ray.train.torch.config import (
    _set_torch_distributed_env_vars,
    _setup_torch_process_group,
    _TorchBackend,
)


class _Backend(_TorchBackend):
    meeting: Path | None = None
    """The file at which the workers have met: its name cannot be guessed, torch writes it."""

    def on_start(self, worker_group, backend_config) -> None:  # noqa: ANN001
        if len(worker_group) == 1:
            return
        if len(set(worker_group.execute(_node))) > 1:
            return super().on_start(worker_group, backend_config)
        self.meeting = worker_group.execute_single(0, _new_file)
        worker_group.execute(_set_torch_distributed_env_vars)
        group = {
            "backend": "nccl" if worker_group.get_resources_per_worker().get("GPU") else "gloo",
            "init_method": self.meeting.as_uri(),
            "world_size": len(worker_group),
            "timeout_s": backend_config.timeout_s,
        }
        ranks = range(len(worker_group))
        joined: list[Any] = [
            worker_group.execute_single_async(i, _join, world_rank=i, **group) for i in ranks
        ]
        ray.get(joined)

    def on_shutdown(self, worker_group, backend_config) -> None:  # noqa: ANN001
        try:
            super().on_shutdown(worker_group, backend_config)
        finally:
            if self.meeting:  # a killed worker leaves it
                self.meeting.unlink(missing_ok=True)


def _node() -> str:
    return ray.get_runtime_context().get_node_id()


def _new_file() -> Path:
    return Path(gettempdir(), f"au-workers-{uuid4().hex}")


def _join(**group: Any) -> None:  # noqa: ANN401
    """Join a process group that keeps to loopback."""
    os.environ |= {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
    _setup_torch_process_group(**group)


@dataclass
class GroupConfig(TorchConfig):
    """Ray's settings of torch; a process group is started for several workers only."""

    @property
    def backend_cls(self) -> type[_Backend]:
        """What starts and ends torch in the workers."""
        return _Backend
