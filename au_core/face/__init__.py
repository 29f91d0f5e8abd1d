"""From a frame to three points, and from these to an aligned face."""
