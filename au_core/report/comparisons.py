"""One method against another: ours pair by pair, and this folder beside the paper."""

from collections import Counter

from au_core.aus import au_column
from au_core.report.blocks import Table
from au_core.report.published import method_label, published_average, published_table
from au_core.report.results import METRICS, SELECTIONS, Results, Spread, paired_differences, spread
from au_core.report.tables import SOURCE, number, percent, with_spread

_METRIC_LABELS = {"f1": "F1", "auc": "AUC", "accuracy": "Accuracy"}


def difference_table(results: Results) -> Table | None:
    """Ours against each other method, pair by pair; None where nothing can be paired."""
    rows = [
        (f"{method_label('ours')} against {method_label(other)}", percent(rate), *cells)
        for other in results.methods
        for rate in results.rates
        if other != "ours" and (cells := _difference_cells(results, other, rate))
    ]
    caption = (
        "Paired differences in points, validation-selected: each pair had the same fold, the same seed and "
        "the same labels hidden. Mean ± standard error over the pairs; folds share training subjects, so the "
        f"true error is larger. From `test` in {SOURCE}."
    )
    header = (
        "Pairs of",
        "Labels hidden",
        "F1",
        "AUC",
        "Accuracy",
        "Ours has higher F1",
        "Seeds a fold",
    )
    return Table(caption=caption, header=header, rows=tuple(rows)) if rows else None


def _difference_cells(results: Results, other: str, rate: float) -> list[str]:
    pairs = [
        paired_differences(results.of("ours", rate), results.of(other, rate), metric) for metric in METRICS
    ]
    f1 = pairs[0]
    if not f1:
        return []
    means = [_signed(spread(differences.values())) for differences in pairs]
    seeds = min(Counter(fold for fold, _ in f1).values())
    return [*means, f"{sum(value > 0 for value in f1.values())} of {len(f1)}", str(seeds)]


def _signed(values: Spread) -> str:
    if values.n == 0:
        return "-"
    return f"{values.mean:+.1f}" + (f" ± {values.se:.1f}" if values.n > 1 else "")


def published_comparison(results: Results) -> Table | None:
    """Ours beside what the paper prints for the same dataset, protocol and missing rate; None: nothing."""
    config = results.experiment.get("config", {})
    dataset, protocol = config.get("spec", {}).get("name", ""), config.get("protocol", "")
    aus = [au_column(au) for au in config.get("spec", {}).get("aus", ())]  # not what --also brings
    rows = []
    for method in results.methods:
        for rate in results.rates:
            for metric in METRICS:
                printed = published_average(dataset, protocol, method, rate, metric)
                ours = [
                    spread(run.average(metric, aus, key) for run in results.of(method, rate))
                    for key in list(SELECTIONS)[:2]
                ]
                if printed is not None and ours[0].n:
                    gap = f"{ours[0].mean - printed:+.1f}"
                    cells = (
                        percent(rate),
                        _METRIC_LABELS[metric],
                        number(printed),
                        *map(with_spread, ours),
                        gap,
                    )
                    rows.append((method_label(method), *cells))
    others = published_table(dataset, protocol, "f1") if rows else {}
    here = {method_label(method) for method in results.methods}
    rows += [
        (name, "0 %", "F1", number(row["avg"]), "-", "-", "-")
        for name, row in others.items()
        if name not in here
    ]
    header = (
        "Method", "Labels hidden", "Score", "Published", "Here, validation-selected", "Here, test-selected",
        "Here less published",
    )  # fmt: skip
    caption = (
        f"Averages over the AUs that the paper prints for {dataset}, {protocol} (Tables 1-3 and text, in "
        "`au_core/data/facts/published_results.json`), beside those of this folder. The paper does not say "
        "on which data its epochs and thresholds were chosen; the last column takes the stricter, "
        "validation-selected scores."
    )
    return Table(caption=caption, header=header, rows=tuple(rows)) if rows else None
