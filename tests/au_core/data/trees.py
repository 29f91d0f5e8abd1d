"""What is read from a tree, to compare."""

from au_core.data.video import decode


def pixels(rows):
    """Mean grey value of each coded frame: which picture belongs to which frame."""
    return [None if image is None else image.mean() for _, image in decode(rows)]
