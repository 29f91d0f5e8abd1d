"""What the paper leaves open about D: how fast it learns, and what it sees of R's answers."""

from ray import tune

SPACE = {
    "discriminator": tune.grid_search(
        [
            {"lr_d": lr_d, "relaxed": relaxed, "hard": hard}
            for lr_d in (1e-5, 1e-4, 1e-3)
            for relaxed, hard in ((0.0, False), (0.5, False), (0.5, True))
        ]
    )
}
