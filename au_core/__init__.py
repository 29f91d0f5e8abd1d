"""The science of the project: data, faces, models, Algorithm 1, evaluation, report. Knows nothing of clusters."""
