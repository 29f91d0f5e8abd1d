"""From a model to prediction rows, and from these to every score."""
