"""What the commands share: the command line, Ray, the workers of a training, MLflow."""
