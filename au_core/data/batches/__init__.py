"""From faces on disk to the batches of Algorithm 1: drawn, decoded, changed a little, moved to the device."""
