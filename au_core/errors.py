"""Errors a user can act on. A message says where, what came, what was expected, and what to do."""


class AuError(Exception):
    """Base of every error this project raises on purpose; shown to the user as one line."""


def words_of(error: Exception) -> str:
    """An error for people: one made for them as it is, any other with its kind."""
    return str(error) if isinstance(error, AuError) else f"{type(error).__name__}: {error}"


class ConfigError(AuError):
    """A setting outside its range, or settings that contradict each other."""


class DatasetError(AuError):
    """A folder, label file, picture or video that is not what its layout promises."""


class FaceError(AuError):
    """A detector that cannot be had, a picture of a wrong kind, or points no face can be aligned by."""


class CheckpointError(AuError):
    """A model folder or training checkpoint that cannot be loaded."""


class DamagedError(CheckpointError):
    """A model whose files do not hold what was written."""


class LossError(AuError):
    """A loss that is infinite or no number; no weight has taken it."""

    def __init__(self, player: str, loss: float) -> None:
        super().__init__(f"the loss became {loss} ({player}); lower the learning rates (lr_r, lr_d)")
        self.player = player


class FullDiskError(AuError):
    """No room for a file; what was written before is whole."""
