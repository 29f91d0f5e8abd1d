"""How close predictions come to the distribution of AUs in the labels: the paper's Figures 5 and 6."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from au_core.data.facts import load_facts
from au_core.evaluation.metrics import ratio
from au_core.report.averages import over_folds
from au_core.report.blocks import Figure, Table
from au_core.report.figures import (
    BAR,
    STYLE,
    colour_of,
    marker_of,
    panel_per_rate,
    panels,
    place_of,
    png_bytes,
    short,
)
from au_core.report.published import method_label
from au_core.report.results import Results
from au_core.report.run import DISTRIBUTIONS, Run
from au_core.report.tables import SOURCE, one_decimal, percent, with_spread

FROM = f"From `{DISTRIBUTIONS}` in {SOURCE}: test subjects, answers at 0.5."
PAIRS = (
    ", of P(AU_j | AU_i) over all pairs, the zeros of j = i included, as in the paper; left out for all "
    "methods are pairs that one of them lacks, since it never answers AU_i there"
)
"""What the columns of pairs are; one AU alone has none."""
SMALL = 6.5
"""Points of the numbers in a matrix."""
DARK = 40
"""Points beyond which a cell is too dark for black numbers."""
MANY = 16
"""AUs of a matrix beyond which their numbers on its axes would touch, unless small."""


def distribution_blocks(results: Results) -> list[str | Table | Figure]:
    """Table and figures; none of pairs where there is one AU alone."""
    of_pairs = [conditional_figure(results)] if _has_pairs(results) else []
    return [distribution_table(results), marginal_figure(results), *of_pairs]


def _has_pairs(results: Results) -> bool:
    return len(results.aus) > 1


def distribution_table(results: Results) -> Table:
    """The averages that the paper gives to show what adversarial learning is for."""
    pairs, rows = _has_pairs(results), []
    for method, rate, runs in results.groups():
        apart = [over_folds((run.fold, _points(run.scores[DISTRIBUTIONS]["marginal_avg"])) for run in runs)]
        apart += [over_folds((run.fold, _conditional_points(run, results)) for run in runs)] * pairs
        printed = [one_decimal(_printed(results, method, rate))] * pairs
        rows.append((method_label(method), percent(rate), *map(with_spread, apart), *printed))
    of_pairs = ("P(AU_j | AU_i)", "as published") if pairs else ()
    return Table(
        caption="Mean absolute difference, in points, between predictions and labels: of P(AU) over the AUs"
        f"{PAIRS if pairs else ''}. Less is closer. Mean over seeds, then over folds, ± sample standard "
        f"deviation. {FROM}",
        header=("Method", "Labels hidden", "P(AU)", *of_pairs),
        rows=tuple(rows),
    )


def _points(value: float | None) -> float:
    return np.nan if value is None else 100 * value


def _conditional_points(run: Run, results: Results) -> float:
    """Mean of those of a training's cells that all beside it have: of its rate, fold, seed and AUs.

    Otherwise a method that never predicts a rare AU would escape its row.
    """

    def kind(one: Run) -> tuple:
        return one.rate, one.pair, one.scores["aus"]

    beside = [_cells(other) for other in results.runs if kind(other) == kind(run)]
    known = ~np.isnan(beside).any(axis=0)
    return float(100 * _cells(run)[known].mean()) if known.any() else np.nan


def _cells(run: Run) -> np.ndarray:
    """``float64[L, L]``, NaN where a training has none."""
    return np.array(run.scores[DISTRIBUTIONS]["conditional"], np.float64)


def _printed(results: Results, method: str, rate: float) -> float | None:
    """The average of Fig. 6, for BP4D's three folds with half of the labels hidden."""
    asked = results.dataset, results.protocol, rate
    if (
        not results.comparable
        or not results.hidden_as_published(rate)
        or asked != ("BP4D", "three_fold", 0.5)
    ):
        return None
    facts = load_facts("published_results")["in_text"]
    averages = facts["fig6_average_abs_difference_of_conditionals_at_0.5_missing"]
    value = averages.get(method if method == "ours" else method_label(method))
    return None if value is None else 100 * value


@mpl.rc_context(STYLE)
def marginal_figure(results: Results) -> Figure:
    """P(AU) in labels and predictions, a panel per missing rate (Fig. 5a)."""
    return Figure(
        name="marginals",
        caption=f"How often each AU is present, in labels and in predictions (the paper's Fig. 5a). {FROM}",
        alt="Bars: share of faces with each AU; marks: share in the predictions of each method",
        png=panel_per_rate(results, _marginal_panel, height=2.4),
    )


def _marginal_panel(ax: Axes, results: Results, rate: float) -> None:
    at_rate = [run for run in results.runs if run.rate == rate]
    x = np.arange(len(results.aus))
    ax.bar(x, _marginals(results, at_rate, "marginal_true"), BAR, color="#d7dade", label="labels")
    for method in results.methods:
        y = _marginals(results, [run for run in at_rate if run.method == method], "marginal")
        at, colour = x + place_of(results, method), colour_of(results, method)
        mark = {"marker": marker_of(results, method), "ms": 5}
        ax.plot(at, y, ls="", label=method_label(method), color=colour, **mark)
    ax.set(xlabel="AU", ylabel="Present, %")
    ax.set_ylim(bottom=0)
    ax.set_xticks(x, map(short, results.aus))


def _marginals(results: Results, runs: list[Run], key: str) -> list[float]:
    """By AU, in per cent: the mean over seeds, then over folds."""
    found = [(run.fold, run.scores[DISTRIBUTIONS][key]) for run in runs]
    shares = [[(fold, values.get(au)) for fold, values in found] for au in results.aus]
    return [over_folds((fold, 100 * p) for fold, p in pairs if p is not None).mean for pairs in shares]


@mpl.rc_context(STYLE)
def conditional_figure(results: Results) -> Figure:
    """|difference of P(AU_j | AU_i)|: a row per missing rate, a matrix per method (Fig. 6)."""
    canvas, axes = panels(len(results.rates), len(results.methods), width=9.5, height=3.8)
    for axes_row, rate in zip(axes, results.rates, strict=True):
        for ax, method in zip(axes_row, results.methods, strict=True):
            _matrix(ax, results, method, rate)
    return Figure(
        name="conditionals",
        caption="Absolute difference, in points, of P(AU of the column | AU of the row) between predictions "
        f"and labels (the paper's Fig. 6), the mean over trainings. {FROM}",
        alt="Matrices of numbers: how far conditional distributions of predictions are from those of labels",
        png=png_bytes(canvas),
    )


def _matrix(ax: Axes, results: Results, method: str, rate: float) -> None:
    runs = results.of(method, rate)
    ax.set_title(f"{method_label(method)}, {percent(rate)} hidden")
    ax.grid(visible=False)
    if not runs:
        return
    names = runs[0].scores["aus"]
    cells = _mean_cells([run for run in runs if run.scores["aus"] == names])
    ax.imshow(cells, cmap="Oranges", vmin=0, vmax=50, aspect="auto")
    for (i, j), value in np.ndenumerate(cells):
        if not np.isnan(value):
            look = {"fontsize": SMALL, "color": "white" if value > DARK else "black"}
            ax.text(j, i, f"{value:.0f}", ha="center", va="center", **look)
    if len(names) > MANY:
        ax.tick_params(labelsize=SMALL)
    ax.set_xticks(range(len(names)), map(short, names))
    ax.set_yticks(range(len(names)), map(short, names))


def _mean_cells(runs: list[Run]) -> np.ndarray:
    """``float64[L, L]`` in points, NaN where no training has the cell."""
    cells = np.array([_cells(run) for run in runs])  # [n, L, L]
    known = ~np.isnan(cells)
    return 100 * ratio(np.where(known, cells, 0).sum(0), known.sum(0))
