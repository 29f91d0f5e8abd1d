"""What one training takes of a cluster."""

from dataclasses import dataclass

from au_core.config.checks import require


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingConfig:
    """How much of the cluster one training takes."""

    workers: int = 1
    """DDP workers of one training."""
    cpus_per_worker: int = 1
    """CPU cores of each worker: its threads; with a GPU about as many processes decode faces for it."""
    gpu: bool = False
    """Give each worker a GPU."""
    ahead: int = 2
    """Batches of a kind that are decoded before they are needed; these and one more of each kind are all
    pictures that a worker holds in memory. With a GPU each process that decodes makes one at least."""

    @property
    def decoders(self) -> int:
        """Processes that decode faces, of each of the two kinds of batches; none without a GPU."""
        return max(1, self.cpus_per_worker // 2) if self.gpu else 0

    def __post_init__(self) -> None:
        require(
            min(self.workers, self.cpus_per_worker) >= 1,
            f"workers and cpus_per_worker must be >= 1, got {self.workers} and {self.cpus_per_worker}",
        )
        require(0 <= self.ahead <= 64, f"ahead must be in [0, 64], got {self.ahead}")
