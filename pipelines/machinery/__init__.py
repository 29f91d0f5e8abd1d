"""What the commands share: the command line, Ray, the workers of a training, MLflow.

The way of a training::

    runs.run_plans          claims folders, deals trainings to groups of workers, tells how they go (board)
    group.train_folds       one Ray Train run for each group; begins again where workers die
    worker.train_worker     in each worker: one plan after another, to its predictions
    au_core.training.loop   steps, reports, checkpoints
    au_core.training.adversarial.step

What it leaves behind, and in which order, stands in ``au_core.run_folder``.
"""
