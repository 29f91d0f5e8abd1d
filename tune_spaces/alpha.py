"""The weight of the adversarial term (Fig. 7; best there: 0.01 on BP4D, 0.001 on DISFA)."""

from ray import tune

SPACE = {"alpha": tune.grid_search([0.0, 1e-4, 1e-3, 1e-2, 1e-1])}
