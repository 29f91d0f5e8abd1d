"""One method against another: ours pair by pair, and this folder beside the paper."""

from collections import Counter
from collections.abc import Callable
from itertools import product

import numpy as np

from au_core.aus import au_column
from au_core.report.averages import over_folds
from au_core.report.blocks import Table
from au_core.report.people import DRAWS, interval_over_people
from au_core.report.published import method_label, published_average, published_table
from au_core.report.results import Results, paired
from au_core.report.run import METRICS, Pairs, Run
from au_core.report.tables import CHOSEN, SOURCE, one_decimal, percent, with_spread

OVER_PEOPLE = "F1, 95 % over test people"
_METRIC_LABELS = {"f1": "F1", "auc": "AUC", "accuracy": "Accuracy at 0.5"}


def difference_table(results: Results) -> Table | None:
    """Ours against each other method, pair by pair; None where nothing can be paired."""
    rows = [
        (f"Ours against {method_label(other)}", percent(rate), *_difference_cells(results, pairs))
        for other, rate, pairs in pairings(results)
    ]
    caption = (
        "Paired differences in points: each pair had the same fold, the same seed, the same labels hidden. "
        "Mean over seeds, then over folds, ± standard error over the pairs, which more seeds make as small "
        "as one likes: it is of chance in training, on these people. How far other people would move the "
        "difference in F1, the interval tells: 95 % of what the test people of each fold give, drawn anew "
        f"with replacement ({DRAWS:,} draws, the same people for both methods), training people and weights "
        f"held fixed. From `test` (accuracy: `test_at_half`) and `people` in {SOURCE}."
    )
    header = (
        "Pairs of",
        "Labels hidden",
        "F1",
        OVER_PEOPLE,
        "AUC",
        "Accuracy at 0.5",
        "Ours has higher F1",
        "Seeds a fold",
    )
    return Table(caption=caption, header=header, rows=tuple(rows)) if rows else None


def fewest_seeds(results: Results) -> int:
    """Of all folds in :func:`difference_table`: how many seeds the one with the fewest has."""
    return min(_fewest(results, pairs) for _, _, pairs in pairings(results))


def unlike_machines(results: Results) -> str:
    """How many pairs of :func:`difference_table` two machines computed, in words; empty where none.

    Older versions did not note their machine: such pairs are taken for alike.
    """
    pairs = [pair for _, _, found in pairings(results) for pair in found]
    unlike = sum(bool(a.machine and b.machine) and a.machine != b.machine for a, b in pairs)
    words = "Computed on different devices or in different precision, which alone changes scores"
    return f"{words}: {unlike} of {len(pairs)} pairs." if unlike else ""


def pairings(results: Results) -> list[tuple[str, float, Pairs]]:
    """Each other method and missing rate at which ours can be paired with it, and the pairs."""
    found = [
        (other, rate, paired(results.of("ours", rate), results.of(other, rate)))
        for other in results.methods
        for rate in results.rates
        if other != "ours"
    ]
    return [pairing for pairing in found if pairing[2]]


def _fewest(results: Results, pairs: Pairs) -> int:
    """Seeds of the fold with the fewest pairs: none, where one of the two methods lacks a fold."""
    seeds = Counter(ours.fold for ours, _ in pairs)
    return min(seeds[fold] for fold in results.folds)


def _difference_cells(results: Results, pairs: Pairs) -> list[str]:
    f1, *means = (mean_difference(pairs, lambda run, m=metric: run.score(m)) for metric in METRICS)
    higher = sum(ours.score("f1") > theirs.score("f1") for ours, theirs in pairs)
    return [f1, over_people(pairs), *means, f"{higher} of {len(pairs)}", str(_fewest(results, pairs))]


def mean_difference(pairs: Pairs, measure: Callable[[Run], float]) -> str:
    """Ours minus theirs: mean over seeds, then over folds, and standard error over the pairs."""
    values = over_folds((ours.fold, measure(ours) - measure(theirs)) for ours, theirs in pairs)
    if values.n == 0:
        return "-"
    return signed(values.mean) + (f" ± {values.se:.1f}" if values.n > 1 else "")


def over_people(pairs: Pairs) -> str:
    """From where to where the mean difference in F1 lies, had other people been filmed; a dash: unknown."""
    ends = interval_over_people(pairs)
    return "-" if np.isnan(ends).any() else " to ".join(map(signed, ends))


def signed(points: float) -> str:
    """Signed difference, without negative zero.

    >>> signed(1.25), signed(-0.04)
    ('+1.2', '+0.0')
    """
    return f"{round(points, 1) + 0.0:+.1f}"


def published_comparison(results: Results) -> Table | None:
    """Ours beside what the paper prints for the same dataset, protocol and hidden labels; None: nothing."""
    found = product(results.groups(), METRICS)
    rows = [row for group, metric in found if (row := _published_row(results, *group, metric))]
    if not rows:
        return None
    rows += _others(results) if 0 in results.rates else []
    header = (
        "Method", "Labels hidden", "Score", "Published", "Here", "Here, test-selected", "Here less published",
    )  # fmt: skip
    caption = (
        f"Averages over the AUs that the paper prints for {results.dataset}, {results.protocol} (Tables 1-3 "
        "and text, in `au_core/data/facts/published_results.json`), beside those of this folder. The paper "
        "does not say on which data its epochs and thresholds were chosen; the last column takes F1 at "
        "thresholds chosen on validation subjects."
    )
    return Table(caption=caption, header=header, rows=tuple(rows))


def _others(results: Results) -> list[tuple[str, ...]]:
    """What the paper prints for other methods, all of it for all labels."""
    here = {method_label(method) for method in results.methods}
    return [
        (name, "0 %", _METRIC_LABELS[metric], one_decimal(row.get("avg")), "-", "-", "-")
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
    keys = CHOSEN if metric == "f1" else ("",)
    ours = [over_folds((run.fold, run.average(metric, aus, key)) for run in runs) for key in keys]
    if printed is None or not ours[0].n or not results.hidden_as_published(rate):
        return ()
    names = method_label(method), percent(rate), _METRIC_LABELS[metric]
    selected = with_spread(ours[-1]) if metric == "f1" else "-"
    return *names, one_decimal(printed), with_spread(ours[0]), selected, signed(ours[0].mean - printed)
