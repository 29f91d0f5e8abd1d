"""Updates of R and D in a step of Algorithm 1 (H_R : H_D), on which the paper is silent.

K counts steps, so a point with more updates of R also trains R longer; compare points of equal H_R first.
"""

from ray import tune

SPACE = {
    "updates": tune.grid_search(
        [
            {"h_r": 1, "h_d": 1},
            {"h_r": 1, "h_d": 2},
            {"h_r": 1, "h_d": 3},
            {"h_r": 2, "h_d": 1},
            {"h_r": 3, "h_d": 1},
        ]
    )
}
