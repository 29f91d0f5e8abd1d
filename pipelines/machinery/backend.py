"""Torch as Ray Train starts it, but for a worker that is alone: it needs nobody to talk to.

torch's process group listens on every address of its machine (pytorch's TCPStore knows no other way); only
workers that are several need one.
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
    """Ray's settings of torch, with a process group for several workers alone."""

    @property
    def backend_cls(self) -> type[_Backend]:
        """What starts and ends torch in the workers."""
        return _Backend
