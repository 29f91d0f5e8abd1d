"""The report's tables. Scores are in per cent, differences in points; a dash means "undefined"."""

import csv
from collections.abc import Iterable
from io import StringIO

import numpy as np

from au_core.aus import AU_NAMES, au_number
from au_core.evaluation.metrics import number
from au_core.report.averages import Spread, spread
from au_core.report.blocks import Table
from au_core.report.published import LABELS, method_label, published_table
from au_core.report.results import Results, averaged
from au_core.report.run import AT_HALF, BASELINE, FORMS, METRICS, SELECTIONS, Run

SOURCE = "each training's `scores.json`"
OFF = ("p_off_at_half", "p_off_soft", "pairs_off_at_half", "pairs_off_soft")
"""What ``table.csv`` calls distances from the labels' distributions."""
CHOSEN = ("test", "test_selected")
"""Selections whose thresholds were chosen, on validation subjects or on the test part."""


def one_decimal(value: float | None) -> str:
    """A score as the literature prints it; a dash where undefined.

    >>> one_decimal(62.44), one_decimal(None)
    ('62.4', '-')
    """
    return "-" if value is None or np.isnan(value) else f"{value:.1f}"


def with_spread(values: Spread) -> str:
    """Mean and standard deviation; the mean alone for a single value."""
    return one_decimal(values.mean) if values.n < 2 else f"{values.mean:.1f} ± {values.sd:.1f}"


def signed(points: float) -> str:
    """Signed difference, without negative zero.

    >>> signed(1.25), signed(-0.04)
    ('+1.2', '+0.0')
    """
    return f"{round(points, 1) + 0.0:+.1f}"


def percent(rate: float) -> str:
    """A missing rate as people say it.

    >>> percent(0.5)
    '50 %'
    """
    return f"{100 * rate:g} %"


def summary_table(results: Results) -> Table:
    """Methods x missing rates x folds: averages over the AUs."""
    rows = []
    for method, rate, runs in results.groups():
        by_fold = [spread(run.score("f1") for run in runs if run.fold == fold) for fold in results.folds]
        f1 = [averaged(runs, "f1", selection=key) for key in (*results.selections, BASELINE)]
        rest = [averaged(runs, metric) for metric in ("auc", "accuracy")]
        always_absent = 100 - averaged(runs, "accuracy", selection=BASELINE).mean
        cells = [one_decimal(fold.mean) for fold in by_fold]
        cells += [*map(with_spread, [*f1, *rest]), one_decimal(always_absent), str(len(runs))]
        rows.append((method_label(method), percent(rate), *cells))
    folds = [f"F1 fold {k}" for k in results.folds]
    chosen = [f"F1 {words}" for words in results.selections.values()]
    first, *others = (f"`{key}`" for key in (*results.selections, BASELINE))
    return Table(
        caption="Averages over the AUs on the test subjects, in per cent: mean over seeds, then over folds, "
        f"± sample standard deviation of the n trainings. From {SOURCE}: folds and first F1 from {first}, "
        f'then {", ".join(others)}, the last of the answer "active" to all; AUC needs no '
        'threshold; accuracy from `test_at_half`, beside it that of always 0, the answer "absent" to all.',
        header=(
            "Method",
            "Labels hidden",
            *folds,
            *chosen,
            "F1 of always 1",
            "AUC",
            "Accuracy at 0.5",
            "Accuracy of always 0",
            "n",
        ),
        rows=tuple(rows),
    )


def au_table(results: Results, rate: float) -> Table:
    """F1 and AUC of each AU by method at one missing rate, and the paper's F1 where it may stand beside."""
    methods = [method for method in results.methods if results.of(method, rate)]
    printed, rows = _printed(results, rate), []
    for au in [*results.aus, "avg"]:
        cells = []
        for method in methods:
            runs = results.of(method, rate)
            cells += [with_spread(averaged(runs, "f1", au, key)) for key in CHOSEN]
            cells += [with_spread(averaged(runs, "auc", au))]
        cells += [one_decimal(results.always_active_f1(rate, au))]
        rows.append((_au_label(au), *cells, *(one_decimal(row.get(au)) for row in printed.values())))
    columns = ("F1", "F1 test-selected", "AUC")
    return Table(
        caption=f"Each AU with {percent(rate)} of the training labels hidden, in per cent: mean over seeds, "
        f"then over folds, ± sample standard deviation. From {SOURCE}, `test`, `test_selected`, `always_1`."
        + " As published: the paper's Tables 1-3."
        * bool(printed),
        header=(
            "AU",
            *(f"{method_label(method)} {column}" for method in methods for column in columns),
            "F1 of always 1",
            *(f"{name} F1 as published" for name in printed),
        ),
        rows=tuple(rows),
    )


def _printed(results: Results, rate: float) -> dict[str, dict[str, float | None]]:
    """F1 by AU that the paper prints for its two methods, with all labels; none where it is of other data.

    Their average is of the paper's AUs, so it is left out beside others.
    """
    if rate > 0 or not results.comparable:
        return {}
    table = published_table(results.dataset, results.protocol, "f1")
    rows = {name: table[name] for name in LABELS.values() if name in table}
    same = {*results.aus, "avg"}
    return {name: row if row.keys() == same else {**row, "avg": None} for name, row in rows.items()}


def _au_label(au: str) -> str:
    return "Average" if au == "avg" else f"{au} {AU_NAMES.get(au_number(au), '')}".strip()


def csv_text(results: Results) -> str:
    """Every score as CSV, one line per training, selection and AU; fractions, empty where undefined."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["dataset", "method", "missing_rate", "fold", "seed", "selection", "au", *METRICS, *OFF])
    writer.writerows(_csv_rows(results))
    return text.getvalue()


def _csv_rows(results: Results) -> Iterable[list[object]]:
    for run in results.runs:
        for key in (*SELECTIONS, "val", BASELINE):
            part = run.scores[key]
            names = [run.scores["dataset"], run.method, f"{run.rate:g}", *run.fold_and_seed, key]
            yield [*names, "avg", *(part[f"{metric}_avg"] for metric in METRICS), *_off(run, key)]
            for au in run.scores["aus"]:
                yield [*names, au, *(part[metric].get(au) for metric in METRICS), *_off(run, key, au)]


def _off(run: Run, selection: str, au: str = "avg") -> list[float | None]:
    """How far P(AU) and, on average, P(AU_j | AU_i) are off; beside the scores at 0.5, which is its cut."""
    if selection != AT_HALF:
        return [None] * len(OFF)
    pairs = (run.scores[form]["conditional_avg"] if au == "avg" else None for form in FORMS)
    return [*(number(run.p_off(form, au) / 100) for form in FORMS), *pairs]
