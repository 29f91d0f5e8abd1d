"""Ray Train's start of torch, without a process group where there is a single worker.

The group's TCPStore listens on all interfaces of the machine, and a single worker has nobody to talk to.
"""

from dataclasses import dataclass

from ray.train.torch import TorchConfig
from ray.train.torch.config import _TorchBackend


class _Backend(_TorchBackend):
    def on_start(self, worker_group, backend_config) -> None:  # noqa: ANN001
        if len(worker_group) > 1:
            super().on_start(worker_group, backend_config)


@dataclass
class GroupConfig(TorchConfig):
    """Ray's settings of torch; a process group is started for several workers only."""

    @property
    def backend_cls(self) -> type[_Backend]:
        """What starts and ends torch in the workers."""
        return _Backend
