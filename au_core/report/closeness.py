"""How close predictions come to the distribution of AUs in the labels: the paper's Figures 5 and 6."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from au_core.evaluation.metrics import ratio
from au_core.report.averages import over_folds
from au_core.report.blocks import Figure, Table
from au_core.report.distances import cells, distance_differences, distribution_table, has_pairs
from au_core.report.drawing import (
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
from au_core.report.tables import SOURCE, percent

FROM = f"From `{DISTRIBUTIONS}` in {SOURCE}: test subjects, answers at 0.5."
SMALL = 6.5
"""Points of the numbers in a matrix."""
DARK = 40
"""Points beyond which a cell is too dark for black numbers."""
MANY = 16
"""AUs of a matrix beyond which their numbers on its axes would touch, unless small."""


def distribution_blocks(results: Results) -> list[str | Table | Figure]:
    """Tables and figures; none of pairs where there is one AU alone."""
    tables = [table for table in (distribution_table(results), distance_differences(results)) if table]
    of_pairs = [conditional_figure(results)] if has_pairs(results) else []
    return [*tables, marginal_figure(results), *of_pairs]


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
    apart = _mean_cells([run for run in runs if run.scores["aus"] == names])
    ax.imshow(apart, cmap="Oranges", vmin=0, vmax=50, aspect="auto")
    for (i, j), value in np.ndenumerate(apart):
        if not np.isnan(value):
            look = {"fontsize": SMALL, "color": "white" if value > DARK else "black"}
            ax.text(j, i, f"{value:.0f}", ha="center", va="center", **look)
    if len(names) > MANY:
        ax.tick_params(labelsize=SMALL)
    ax.set_xticks(range(len(names)), map(short, names))
    ax.set_yticks(range(len(names)), map(short, names))


def _mean_cells(runs: list[Run]) -> np.ndarray:
    """``float64[L, L]`` in points, NaN where no training has the cell."""
    apart = np.array([cells(run) for run in runs])  # [n, L, L]
    known = ~np.isnan(apart)
    return 100 * ratio(np.where(known, apart, 0).sum(0), known.sum(0))
