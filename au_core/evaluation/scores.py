"""Every score of a run, computed here alone and from its prediction rows alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from au_core.aus import UNKNOWN
from au_core.data.files import write_json
from au_core.evaluation.distributions import distributions
from au_core.evaluation.metrics import (
    COUNTS,
    accuracy_per_au,
    auc_per_au,
    average,
    best_thresholds,
    counts_per_au,
    f1_per_au,
    number,
)
from au_core.fold_plan import FoldPlan
from au_core.models.card import save_thresholds
from au_core.run_folder import RunFolder


def write_scores(plan: FoldPlan, folder: RunFolder) -> dict[str, Any]:
    """Score the prediction rows; write ``scores.json`` and the chosen thresholds beside the model."""
    names = {key: getattr(plan, key) for key in ("method", "missing_rate", "fold", "seed")}
    columns = list(plan.spec.columns)
    scores = score_predictions(pq.read_table(folder.predictions), columns)
    save_thresholds(scores["thresholds"], folder.model)
    scores = {**names, "dataset": plan.spec.name, "aus": columns, **scores}
    write_json(scores, folder.scores)
    return scores


def score_predictions(rows: pa.Table, columns: Sequence[str]) -> dict[str, Any]:
    """Scores of prediction rows (see ``prediction_schema``) for the AUs in ``columns``.

    ``test`` and ``val`` use thresholds chosen on the validation rows (0.5 without any); ``test_selected``
    chooses them on the test rows, the most that thresholds can give; ``test_at_half`` takes 0.5. ``always_1``
    looks at no face and answers "active": what rates alone are worth. ``distributions`` are those of the test
    rows' labels and of the answers at 0.5, ``distributions_soft`` of the probabilities. ``people`` has the
    counts behind ``test``, person by person.
    """
    y_val, p_val = labels_and_probabilities(rows, columns, "val")
    y_test, p_test = labels_and_probabilities(rows, columns, "test")
    chosen = best_thresholds(p_val, y_val)
    return {
        "frames": {"val": len(y_val), "test": len(y_test)},
        "thresholds": dict(zip(columns, chosen.tolist(), strict=True)),
        "val": scores_at(p_val, y_val, chosen, columns),
        **scores_by_selection(p_test, y_test, chosen, columns),
        "distributions": distributions(p_test >= 0.5, y_test, columns),
        "distributions_soft": distributions(p_test, y_test, columns),
        "people": counts_by_person(split_rows(rows, "test")["subject"], answers(p_test, chosen), y_test),
    }


def scores_by_selection(
    prob: np.ndarray, y: np.ndarray, chosen: np.ndarray, columns: Sequence[str]
) -> dict[str, Any]:
    """:func:`scores_at` of a test part at the ``chosen`` thresholds, at its own best, at 0.5, of "active"."""
    half = np.full(len(columns), 0.5)
    return {
        "test": scores_at(prob, y, chosen, columns),
        "test_selected": scores_at(prob, y, best_thresholds(prob, y), columns),
        "test_at_half": scores_at(prob, y, half, columns),
        "always_1": scores_at(np.ones_like(prob), y, half, columns),
    }


def labels_and_probabilities(
    rows: pa.Table, columns: Sequence[str], split: str
) -> tuple[np.ndarray, np.ndarray]:
    """``int8[N, L]`` labels in {0, 1, UNKNOWN} and ``float32[N, L]`` probabilities of one split's rows."""
    part = split_rows(rows, split)
    y = [part[f"{column}_true"].fill_null(UNKNOWN).to_numpy() for column in columns]
    return np.stack(y, 1), np.stack([part[f"{column}_prob"].to_numpy() for column in columns], 1)


def split_rows(rows: pa.Table, split: str) -> pa.Table:
    """The rows of one split."""
    return rows.filter(pc.field("split") == split)


def answers(prob: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Which AUs are called active ``bool[N, L]``, from probabilities ``float32[N, L]``."""
    return prob >= thresholds.astype(prob.dtype)


def counts_by_person(subjects: pa.ChunkedArray, pred: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """``COUNTS`` of each person, in lists of the AUs, from answers ``[N, L]`` to faces of ``subjects``."""
    names, whose = np.unique(np.array(subjects.to_pylist(), str), return_inverse=True)
    counts = {name: counts_per_au(pred[whose == k], y[whose == k]) for k, name in enumerate(names.tolist())}
    return {name: dict(zip(COUNTS, found.tolist(), strict=True)) for name, found in counts.items()}


def scores_at(
    prob: np.ndarray, y: np.ndarray, thresholds: np.ndarray, columns: Sequence[str]
) -> dict[str, Any]:
    """F1, AUC and accuracy per AU and averaged over the AUs where they are defined (null elsewhere)."""
    pred = answers(prob, thresholds)
    values = {"f1": f1_per_au(pred, y), "auc": auc_per_au(prob, y), "accuracy": accuracy_per_au(pred, y)}
    averages = {f"{name}_avg": average(value) for name, value in values.items()}
    per_au = {name: dict(zip(columns, map(number, value), strict=True)) for name, value in values.items()}
    return {**averages, **per_au}
