"""The datasets as they lie on disk, a file for each layout: its sequences, and the frame rows of one.

Here stands what is to be known of a layout before one of its files is opened.
"""

from dataclasses import dataclass

from au_core.aus import BP4D, DISFA, DatasetSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How a dataset lies on disk; this folder has a file for each, which is found by its name."""

    spec: DatasetSpec | None = None
    """Its AUs, and from which code on they are active; None: a dataset brings its own, active from 1 on."""
    landmarks: bool = False
    """Whether it has landmark files; without them faces need a detector."""
    labelled: bool = True
    """Whether anything is coded."""
    uncoded: bool = False
    """Whether it may have frames that nobody coded beside the coded ones."""

    @property
    def active_from(self) -> int:
        """The lowest code that means active.

        >>> LAYOUTS["disfa"].active_from, LAYOUTS["manifest"].active_from
        (2, 1)
        """
        return self.spec.active_from if self.spec else 1


LAYOUTS = {
    "bp4d": Layout(spec=BP4D, landmarks=True, uncoded=True),
    "bp4d_plus": Layout(spec=BP4D, landmarks=True, uncoded=True),
    "disfa": Layout(spec=DISFA, landmarks=True),
    "disfa_plus": Layout(spec=DISFA),
    "lists": Layout(),
    "manifest": Layout(uncoded=True),
    "videos": Layout(labelled=False),
}
"""By the names that ``--layout`` and ``--also`` take."""
