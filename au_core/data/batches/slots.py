"""Shared memory for some batches of pictures, pinned where a GPU copies from it while it computes."""

import torch
from torch import Tensor

from au_core.errors import ConfigError


class SharedSlots:
    """``n`` slots for batches of one ``shape``, which other processes fill."""

    pictures: Tensor
    """``uint8[n, *shape]``; another process can be given it."""

    def __init__(self, n: int, shape: tuple[int, ...], device: torch.device) -> None:
        """Take the memory.

        Raises:
            ConfigError: there is not so much.
            CudaError: it cannot be pinned.
        """
        self._device, self._copied = device, None
        try:
            self.pictures = torch.zeros((n, *shape), dtype=torch.uint8).share_memory_()
        except RuntimeError as error:
            size = n * torch.Size(shape).numel() / 2**20
            raise ConfigError(
                f"no {size:.0f} MiB of shared memory for batches of faces ({error}); give a container more "
                "(--shm-size), or choose a smaller batch, ahead or cpus_per_worker"
            ) from error
        if device.type == "cuda":
            self._copied = torch.cuda.Event()
            _cuda("cudaHostRegister", self.pictures.data_ptr(), self.pictures.numel(), 0)

    def free(self) -> None:
        """Wait until what was taken last has been copied: its slot may be filled again."""
        if self._copied:
            self._copied.synchronize()

    def take(self, slot: int) -> Tensor:
        """A copy of the batch in ``slot``, on the device; a GPU makes it after what it was asked before."""
        batch = self.pictures[slot].to(self._device, non_blocking=True, copy=True)
        if self._copied:
            self._copied.record()
        return batch

    def release(self) -> None:
        """Give the memory back; nobody may fill it any more."""
        if self._copied:
            self._copied.synchronize()
            _cuda("cudaHostUnregister", self.pictures.data_ptr())
            self._copied = None


def _cuda(function: str, *arguments: int) -> None:
    """One of CUDA's own functions, its error raised."""
    torch.cuda.check_error(getattr(torch.cuda.cudart(), function)(*arguments))
