"""The report in a few lines for a terminal: what trainings scored, and what to know before any number."""

import textwrap

from au_core.report.comparisons import mean_difference, over_people, pairs_against
from au_core.report.notice import notice
from au_core.report.published import method_label
from au_core.report.results import Results, averaged
from au_core.report.tables import percent, with_spread

WIDTH = 100
"""Characters of a line of words."""


def overview(results: Results) -> str:
    """A line for each method and missing rate, the differences, and the notice."""
    words = textwrap.fill(notice(results).replace("`", ""), WIDTH)
    return "\n".join([_line("", "hidden", "test F1, %", "AUC, %", "trainings"), *_scores(results), words])


def _scores(results: Results) -> list[str]:
    lines = []
    for rate in results.rates:
        for method, _, runs in (group for group in results.groups() if group[1] == rate):
            scores = (with_spread(averaged(runs, metric)) for metric in ("f1", "auc"))
            lines.append(_line(method_label(method), percent(rate), *scores, str(len(runs))))
        lines += [_difference(results, other, rate) for other in results.methods if other != "ours"]
    return [line for line in lines if line]


def _difference(results: Results, other: str, rate: float) -> str:
    pairs = [pairs_against(results, other, rate, metric) for metric in ("f1", "auc")]
    if not pairs[0]:
        return ""
    cells = map(mean_difference, pairs)
    mean = _line(f"Ours - {method_label(other)}", percent(rate), *cells, f"{len(pairs[0])} pairs")
    return mean + "\n" + _line("  95 % of people", percent(rate), over_people(results, other, rate))


def _line(*cells: str) -> str:
    first, *rest = cells
    return f"{first:<16}" + "".join(f"{cell:>14}" for cell in rest)
