"""The twin: drawn people whose action units are known, in the on-disk layouts of BP4D and DISFA."""

TWIN_CARD = "synthetic.json"
"""The file in a drawn dataset that says what it was drawn from."""
