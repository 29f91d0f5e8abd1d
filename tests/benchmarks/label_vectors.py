"""What could the labels' combinations add? O-wlc's answers, corrected by T1's label vectors, untrained.

    uv run pipelines/full_protocol.py --seeds 0 1 2 3 4
    uv run tests/benchmarks/label_vectors.py --out out/demo

The adversarial term tells R which combinations of AUs occur. So does Bayes' rule, without a game and without
training: with R's probabilities p_j of a face, the rates r_j of the labels that R learned from, and P(y) of
their vectors y, all AUs together have P(y | face) ~ P(y) prod_j [p_j / r_j or (1 - p_j) / (1 - r_j)], as if
the AUs' evidence were independent given y. Its marginals are the corrected answers. ``strength`` blends P(y)
with independent AUs, from 0 (R as it is) to 1; it is also chosen, by AUC on the validation people.

The control shows that there is something to gain: drawn answers as good as R's for each AU alone (the same
AUC), calibrated, and truly independent given y.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.stats import norm

from au_core.data.fold import Sources, load_training_set
from au_core.evaluation.metrics import auc_per_au, average, best_thresholds, f1_per_au
from au_core.evaluation.scores import labels_and_probabilities
from au_core.report.averages import over_folds
from au_core.run_folder import RunFolder, run_folders

Answers = tuple[np.ndarray, np.ndarray]
"""Labels and probabilities, ``[N, L]`` each."""
STRENGTHS = 0, 0.25, 0.5, 0.75, 1
SMALL = 1e-3
"""Share of P(y) that independent AUs keep: no vector is impossible for not being among the labels."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="with one missing rate")
    parser.add_argument("--method", default="o_wlc")
    args = parser.parse_args()
    runs = [run for run in run_folders(args.out) if run.plan().method == args.method and run.scores.exists()]
    found = [(run.plan().fold, gains(run, args.out / "faces")) for run in runs]
    for name in found[0][1]:
        points = over_folds((fold, gain[name]) for fold, gain in found)
        higher = sum(gain[name] > 0 for _, gain in found)
        print(f"{name}: {points.mean:+.2f} ± {points.se:.2f}, above 0 in {higher} of {points.n}")


def gains(run: RunFolder, faces: Path) -> dict[str, float]:
    """Points by which one training's test scores change, at strength 1 and at the chosen one."""
    plan, rows = run.plan(), pq.read_table(run.predictions)
    labels = load_training_set(plan, Sources(coded=faces)).labels
    correct = Correction(labels[(labels >= 0).all(axis=1)])
    val, test = (labels_and_probabilities(rows, plan.spec.columns, split) for split in ("val", "test"))
    by_strength = {strength: scores(correct, strength, val, test) for strength in STRENGTHS}
    chosen = max(STRENGTHS, key=lambda strength: by_strength[strength]["AUC of val"])
    drawn = [(y, independent(y, auc_per_au(prob, y), correct.rates, plan.seed)) for y, prob in (val, test)]
    change = {
        "": (by_strength[1], by_strength[0]),
        " at the chosen strength": (by_strength[chosen], by_strength[0]),
        " of the control": tuple(scores(correct, strength, *drawn) for strength in (1, 0)),
    }
    points = {metric + of: a[metric] - b[metric] for of, (a, b) in change.items() for metric in ("F1", "AUC")}
    return {**points, "chosen strength": chosen}


def scores(correct: "Correction", strength: float, val: Answers, test: Answers) -> dict[str, float]:
    """Scores of corrected answers in per cent, thresholds chosen on the validation people."""
    (y_val, p_val), (y, p) = ((y, correct(prob, strength)) for y, prob in (val, test))
    f1 = f1_per_au(p >= best_thresholds(p_val, y_val), y)
    per_au = {"F1": f1, "AUC": auc_per_au(p, y), "AUC of val": auc_per_au(p_val, y_val)}
    return {metric: 100 * (average(values) or 0.0) for metric, values in per_au.items()}


def independent(y: np.ndarray, auc: np.ndarray, rates: np.ndarray, seed: int) -> np.ndarray:
    """Calibrated probabilities ``[N, L]`` with each AU's ``auc[L]``: a normal score for each label alone."""
    apart = np.sqrt(2) * norm.ppf(np.nan_to_num(auc, nan=0.5).clip(0.5, 0.999))
    x = np.random.default_rng(seed).normal(size=y.shape) + apart * y
    return 1 / (1 + np.exp(-(apart * x - apart**2 / 2)) * (1 - rates) / rates)


class Correction:
    """Bayes' rule with the frequencies of label vectors ``y[N, L]`` in {0, 1}; all 2^L are looked at."""

    def __init__(self, y: np.ndarray) -> None:
        bits = np.arange(y.shape[1])
        self.vectors = (np.arange(2 ** len(bits))[:, None] >> bits) & 1
        counts = np.bincount(y @ (1 << bits), minlength=len(self.vectors))
        self.rates = (y.sum(0) + 1) / (len(y) + 2)
        self.alone = self.vectors @ np.log(self.rates) + (1 - self.vectors) @ np.log(1 - self.rates)
        self.together = np.log((1 - SMALL) * counts / len(y) + SMALL * np.exp(self.alone))

    def __call__(self, prob: np.ndarray, strength: float) -> np.ndarray:
        """Corrected probabilities ``[N, L]``."""
        prob = prob.astype(float).clip(1e-6, 1 - 1e-6)
        evidence = np.log(prob / (1 - prob)) - np.log(self.rates / (1 - self.rates))
        score = evidence @ self.vectors.T + strength * self.together + (1 - strength) * self.alone
        posterior = np.exp(score - score.max(axis=1, keepdims=True))
        return posterior @ self.vectors / posterior.sum(axis=1, keepdims=True)


if __name__ == "__main__":
    main()
