"""What several workers must share so that together they compute what one worker would on the whole batch."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce

T = TypeVar("T")
REPLICATED: dict[str, Any] = {
    "forward_sync_buffers": False,  # training reads no running statistics; `share_statistics` does when asked
    "gradient_as_bucket_view": True,
    "batched_grad_copy": True,
}
"""How ``DistributedDataParallel`` replicates R and D: with few calls, for which a GPU waits (SPEED.md)."""
PATIENCE = 90
"""Seconds by which a network disk may lag: NFS remembers for a minute what a folder holds."""


def n_workers() -> int:
    """Workers of this training; 1 where no process group was started."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def gathered(part: T) -> list[T]:
    """Every worker's ``part``, in the order of ranks."""
    parts: list[Any] = [part] * n_workers()
    if len(parts) > 1:
        dist.all_gather_object(parts, part)
    return parts


def agreed(look: Callable[[], T], what: str, seconds: int = PATIENCE) -> T:
    """What every worker sees on the disk they share, by ``look``; asked once a second until it is the same.

    Raises:
        RuntimeError: it still differs after ``seconds``.
    """
    for _ in range(seconds):
        found = look()
        if all(other == found for other in gathered(found)):
            return found
        time.sleep(1)
    raise RuntimeError(f"workers see different {what} for {seconds} s; is it a disk that all nodes share?")


def per_worker(count: Tensor) -> Tensor:
    """The workers' mean of ``count`` (a scalar, at least 1 in all), on which all agree.

    DDP averages gradients over workers, so a sum divided by this number, not by the worker's own count,
    gives the gradient of the mean over the whole batch, even if one worker has all the labelled faces.
    """
    workers = n_workers()
    if workers > 1:
        count = count.clone()
        dist.all_reduce(count)
    return count.clamp(min=1) / workers


def sum_over_workers(loss: Tensor) -> Callable[[], float]:
    """The sum of the workers' ``loss`` (a scalar), to be asked for later: it is no number if any of them is.

    A GPU copies it as soon as the loss is known. Asked for after the backward pass is queued, it keeps
    the GPU busy meanwhile, where ``loss.item()`` would let it run empty.
    """
    total = loss.detach().clone()
    if n_workers() > 1:
        dist.all_reduce(total)
    if not total.is_cuda:
        return total.item
    copy, ready = torch.empty((), dtype=total.dtype, pin_memory=True), torch.cuda.Event()
    copy.copy_(total, non_blocking=True)
    ready.record()

    def ask() -> float:
        ready.synchronize()
        return copy.item()

    return ask


def share_statistics(net: nn.Module) -> None:
    """Give every worker the first one's running statistics: what is validated together is the R it saves."""
    if n_workers() > 1:
        for statistic in net.buffers():
            dist.broadcast(statistic, 0)


def synchronised(net: nn.Module) -> nn.Module:
    """``net`` with batch-norm layers that normalise by the statistics of all workers' faces together."""
    for name, child in net.named_children():
        setattr(net, name, synchronised(child))
    if not isinstance(net, nn.modules.batchnorm._BatchNorm):
        return net
    layer = SharedBatchNorm(net.num_features, net.eps, net.momentum or 0.1)
    layer.to(net.weight.dtype).load_state_dict(net.state_dict())
    return layer


class SharedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm over all workers' faces. torch's own ``SyncBatchNorm`` refuses the CPU; this runs anywhere.

    Workers must see equally many faces, which the sampler takes care of.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of dimensions will do."""

    def forward(self, input: Tensor) -> Tensor:
        """``input[B, C, ...]`` normalised; alone, or when predicting, what torch's batch norm does."""
        if not self.training or n_workers() == 1:
            return super().forward(input)
        x = input if input.dtype == torch.float64 else input.float()
        axes, shape = [0, *range(2, x.dim())], [1, -1, *[1] * (x.dim() - 2)]
        n = n_workers() * x.numel() // x.shape[1]  # values of each channel, on all workers
        mean = _summed(x.sum(axes)) / n  # [C]
        var = _summed((x - mean.view(shape)).square().sum(axes)) / n
        self._remember(mean.detach(), var.detach() * n / (n - 1))
        scale = self.weight / (var + self.eps).sqrt()
        return (x * scale.view(shape) + (self.bias - mean * scale).view(shape)).to(input.dtype)

    def _remember(self, mean: Tensor, var: Tensor) -> None:
        if self.track_running_stats:
            assert self.running_mean is not None and self.running_var is not None
            assert self.num_batches_tracked is not None
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum or 0.1)
            self.running_var.lerp_(var, self.momentum or 0.1)


def _summed(values: Tensor) -> Tensor:
    """``values[C]`` summed over the workers; gradients flow back to each."""
    total = all_reduce(values)
    assert isinstance(total, Tensor)
    return total
