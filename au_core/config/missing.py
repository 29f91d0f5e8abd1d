"""Which labels go missing, and how many: named and checked once."""

from au_core.config.checks import require

SCHEMES = ("frame", "entry", "sequence", "subject")
"""What goes missing as one: see ``au_core.data.masking``."""


def check_rate(rate: float) -> None:
    """Raise ConfigError unless a missing rate is in [0, 1)."""
    require(0 <= rate < 1, f"missing rate must be in [0, 1), got {rate}")


def check_scheme(scheme: str) -> None:
    """Raise ConfigError unless a missing-label scheme is known."""
    require(scheme in SCHEMES, f"missing scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}")
