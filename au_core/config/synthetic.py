"""The drawn dataset, a twin of BP4D or DISFA."""

from dataclasses import dataclass

from au_core.config.checks import require
from au_core.data.layouts import LAYOUTS

TWIN_SIZES = {"bp4d": (41, 8), "disfa": (27, 1)}
"""Layouts the twin is drawn in, with the most subjects, and sequences of each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyntheticConfig:
    """Size of the drawn dataset (the twin); subjects are the real ids, spread evenly over the three parts."""

    layout: str = "bp4d"
    """``bp4d`` or ``disfa``."""
    subjects: int = 41
    """How many people: at most 41 (BP4D) or 27 (DISFA)."""
    sequences: int = 8
    """Sequences of each person: at most 8 (BP4D's tasks T1-T8); DISFA has one."""
    frames: int = 450
    """Coded frames of each sequence."""
    seed: int = 0
    """Same seed, same bytes."""
    difficulty: float = 1.0
    """How hard the faces are to read: 0 clean, 1 about as BP4D is to a network, up to 3. Scales, in
    one, what ``au_core/data/synthetic/CARD.md`` lists: look-alikes at rest, faint AUs, camera, annotators."""

    def __post_init__(self) -> None:
        require(self.layout in TWIN_SIZES, f"layout must be bp4d or disfa, got {self.layout!r}")
        people, sequences = TWIN_SIZES[self.layout]
        require(
            3 <= self.subjects <= people,
            f"subjects must be in [3, {people}] for {self.layout}, got {self.subjects}",
        )
        require(
            1 <= self.sequences <= sequences,
            f"sequences must be in [1, {sequences}] for {self.layout}, got {self.sequences}",
        )
        require(self.frames >= 1, f"frames must be at least 1, got {self.frames}")
        require(0 <= self.difficulty <= 3, f"difficulty must be in [0, 3], got {self.difficulty:g}")

    @property
    def dataset(self) -> str:
        """The dataset it is drawn like, as ``facts/*.json`` name it."""
        spec = LAYOUTS[self.layout].spec
        assert spec is not None, "the twin's layouts are each of one dataset"
        return spec.name
