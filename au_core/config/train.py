"""Network and training."""

from dataclasses import dataclass
from pathlib import Path

from au_core.config.checks import require


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """What the paper leaves open about a training: network, precision, augmentation, validation."""

    backbone: str = "resnet50"
    """A classification network of torchvision by its name (not ``googlenet`` or ``inception_v3``, which have
    more than one classifier), or ``resnet10`` (for the demo)."""
    weights: str | None = None
    """Initial weights: a torchvision name such as ``IMAGENET1K_V1``, a local state_dict file, the folder of a
    model that was trained on another dataset, or none."""
    input_size: int = 224
    """Edge R sees; stored faces of another size are resized."""
    precision: str = "auto"
    """``bf16``, ``fp32``, or ``auto``: bf16 where it is faster: GPUs, CPUs with AMX, AMD's newer ones."""
    augment: bool = True
    """Mirror, shift and relight training faces at random."""
    turn: float = 0.0
    """With ``augment``, turn faces by up to this many degrees as well: where a detector placed them roughly.
    Takes as long as decoding a face (``tests/benchmarks/feeding.py --turn 8``)."""
    zoom: float = 0.0
    """With ``augment``, zoom faces by exp(-zoom) to exp(zoom) as well, at the same cost."""
    decay: bool = True
    """Let both learning rates fall to zero along half a cosine; else they stay as they are."""
    sync_batch_norm: bool = False
    """Batch norm over all workers' faces together, two small messages a layer; else per worker, as usual."""
    report_every: int = 1_000
    """Steps between two validations, each with a checkpoint."""
    validation_subjects: float = 0.15
    """Share of a fold's training subjects that is set aside to choose epoch and thresholds (at least 1 of
    them). With 0 all are trained on: R of the last step is kept, 0.5 is every AU's threshold, and nothing
    warns of a D that knows its vectors by heart."""

    def __post_init__(self) -> None:
        require(
            self.precision in ("auto", "bf16", "fp32"),
            f"precision must be auto, bf16 or fp32, got {self.precision!r}",
        )
        require(self.input_size >= 32, f"input_size must be at least 32, got {self.input_size}")
        require(
            not self.backbone.startswith(("vit_", "maxvit_")) or self.input_size == 224,
            f"{self.backbone} sees 224 pixels alone, got input_size {self.input_size}",
        )
        require(0 <= self.turn <= 45, f"turn must be in [0, 45] degrees, got {self.turn:g}")
        require(0 <= self.zoom <= 0.5, f"zoom must be in [0, 0.5], got {self.zoom:g}")
        require(self.report_every >= 1, f"report_every must be >= 1, got {self.report_every}")
        require(
            0 <= self.validation_subjects < 1,
            f"validation_subjects must be in [0, 1), got {self.validation_subjects}",
        )


def is_weights_file(weights: str) -> bool:
    """Whether initial weights are a file's; else torchvision's, by a name of its own."""
    return Path(weights).suffix in (".pth", ".pt", ".safetensors")
