"""This folder beside the paper."""

from itertools import product

import numpy as np

from au_core.aus import au_column
from au_core.data.facts import load_facts
from au_core.report.averages import over_folds
from au_core.report.blocks import Table
from au_core.report.published import method_label, published_average, published_table
from au_core.report.results import Results
from au_core.report.run import METRICS, Run
from au_core.report.tables import one_decimal, percent, signed, with_spread

_METRIC_LABELS = {"f1": "F1", "auc": "AUC", "accuracy": "Accuracy at 0.5"}


def published_comparison(results: Results) -> Table | None:
    """Ours beside what the paper prints for the same dataset, protocol and missing rate; None: nothing."""
    found = product(results.groups(), METRICS)
    rows = [row for group, metric in found if (row := _published_row(results, *group, metric))]
    if not rows:
        return None
    rows += _others(results) if 0 in results.rates else []
    here = [f"Here, {words}" for words in list(results.selections.values())[1:]]
    header = ("Method", "Labels hidden", "Score", "Published", "Here", *here, "Here less published")
    caption = (
        f"Averages over the AUs that the paper prints for {results.dataset}, {results.protocol} (Tables 1-3 "
        "and text, in `au_core/data/facts/published_results.json`), beside those of this folder. The paper "
        "does not say on which data its epochs and thresholds were chosen; 0.5 for all AUs is likely. The "
        f"last column takes F1 at thresholds {results.thresholds}."
    )
    return Table(caption=caption, header=header, rows=tuple(rows))


def _others(results: Results) -> list[tuple[str, ...]]:
    """What the paper prints for other methods, all of it for all labels."""
    here = {method_label(method) for method in results.methods}
    nothing = "-" * (len(results.selections) + 1)
    return [
        (name, "0 %", _METRIC_LABELS[metric], one_decimal(row.get("avg")), *nothing)
        for metric in METRICS
        for name, row in published_table(results.dataset, results.protocol, metric).items()
        if name not in here and row.get("avg") is not None
    ]


def _published_row(
    results: Results, method: str, rate: float, runs: list[Run], metric: str
) -> tuple[str, ...]:
    """One printed number and ours beside it; empty where one of them is missing."""
    printed = published_average(results.dataset, results.protocol, method, rate, metric)
    aus = [au_column(au) for au in results.config.get("spec", {}).get("aus", ())]  # not what --also brings
    keys = results.selections if metric == "f1" else ("",)
    ours = [over_folds((run.fold, run.average(metric, aus, key)) for run in runs) for key in keys]
    if printed is None or not ours[0].n or not results.hidden_as_published(rate):
        return ()
    names = method_label(method), percent(rate), _METRIC_LABELS[metric]
    rest = map(with_spread, ours[1:]) if metric == "f1" else "-" * (len(results.selections) - 1)
    return *names, one_decimal(printed), with_spread(ours[0]), *rest, signed(ours[0].mean - printed)


def loss_ratio(results: Results) -> str:
    """Adversarial to supervised loss in words, the paper's beside it; empty where no D was trained."""
    played = [run.history for run in results.runs if run.plan.adversarial.alpha > 0 and run.history]
    found = [ratio for history in played if (ratio := history[-1].get("train/adv_to_sup"))]
    if not found:
        return ""
    facts = load_facts("published_results")["in_text"]["adversarial_to_supervised_loss_ratio_about"]
    printed = facts.get(results.dataset) if results.comparable else None
    return (
        "Adversarial to supervised loss, before alpha weighs them, in the last report of a training: "
        f"1:{1 / np.median(found):.1f}, the median of {len(found)} trainings"
        f"{f'; the paper prints about {printed}' if printed else ''}."
    )
