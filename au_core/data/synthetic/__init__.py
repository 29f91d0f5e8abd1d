"""The twin: drawn people whose action units are known, in the on-disk layouts of BP4D and DISFA."""
