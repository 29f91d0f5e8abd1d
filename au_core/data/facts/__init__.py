"""Facts about the datasets and published results, as JSON with their sources."""
