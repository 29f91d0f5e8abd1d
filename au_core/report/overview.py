"""The report in a few lines for a terminal: what trainings scored, and what to know before any number."""

import textwrap

from au_core.report.averages import over_folds
from au_core.report.comparisons import FEW_SEEDS, fewest_seeds, mean_difference, over_people, pairings
from au_core.report.notice import notice
from au_core.report.published import method_label
from au_core.report.results import Results, averaged
from au_core.report.run import DISTRIBUTIONS, SOFT, Pairs
from au_core.report.tables import percent, with_spread

WIDTH = 100
"""Characters of a line of words."""
NAMES = 28
"""Characters of a line's first column."""
OFF = {DISTRIBUTIONS: "P(AU) off by", SOFT: "soft, off by"}
"""Heads of the columns that tell how close P(AU) is, of answers at 0.5 and of probabilities."""


def overview(results: Results) -> str:
    """A line for each method and missing rate, the differences, and the notice."""
    words = textwrap.fill(notice(results).replace("`", ""), WIDTH)
    head = _line("", "hidden", "test F1, %", "AUC, %", *OFF.values(), "trainings")
    return "\n".join([head, *_scores(results), *_of_few_seeds(results), words])


def _scores(results: Results) -> list[str]:
    lines = []
    for rate in results.rates:
        for method, _, runs in (group for group in results.groups() if group[1] == rate):
            scores = (with_spread(averaged(runs, metric)) for metric in ("f1", "auc"))
            off = (with_spread(over_folds((run.fold, run.p_off(form)) for run in runs)) for form in OFF)
            lines.append(_line(method_label(method), percent(rate), *scores, *off, str(len(runs))))
        for both, _, pairs in (pairing for pairing in pairings(results) if pairing[1] == rate):
            lines += _difference(both, rate, pairs)
    return lines


def _difference(both: tuple[str, str], rate: float, pairs: Pairs) -> list[str]:
    scores = (mean_difference(pairs, lambda run, m=metric: run.score(m)) for metric in ("f1", "auc"))
    off = (mean_difference(pairs, lambda run, f=form: run.p_off(f)) for form in OFF)
    mean = _line(" - ".join(map(method_label, both)), percent(rate), *scores, *off, f"{len(pairs)} pairs")
    return [mean, _line("  95 % of people", percent(rate), over_people(pairs))]


def _of_few_seeds(results: Results) -> list[str]:
    """What else the differences may be, which an interval over people does not tell."""
    if not pairings(results) or (seeds := fewest_seeds(results)) >= FEW_SEEDS:
        return []
    return [f"  seeds a fold: {seeds}; with less than {FEW_SEEDS} a difference may be chance in training"]


def _line(*cells: str) -> str:
    first, *rest = cells
    return f"{first:<{NAMES}}" + "".join(f"{cell:>14}" for cell in rest)
