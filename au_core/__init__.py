"""The science: data, faces, models, Algorithm 1, evaluation, report. Knows nothing of clusters."""
