"""Tables, figures and pages from the scores on disk."""
