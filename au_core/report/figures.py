"""The report's figures of scores and of training."""

from itertools import product

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from au_core.report.blocks import Figure
from au_core.report.drawing import (
    BAR,
    STYLE,
    colour_of,
    legend,
    marker_of,
    panel_per_rate,
    panels,
    place_of,
    png_bytes,
    short,
)
from au_core.report.published import method_label, published_average
from au_core.report.results import Results, averaged
from au_core.report.run import Run
from au_core.report.tables import SOURCE

CURVES = {
    "train/loss_r": "Loss of R (Eq. 4)",
    "train/loss_sup": "Supervised (Eq. 5)",
    "train/loss_adv": "Adversarial (Eq. 4)",
    "train/d_real": "D right on real, %",
    "train/d_fake": "D right on R's, %",
    "val/f1_avg": "Validation F1, %",
}
OF_D = {"train/loss_adv", "train/d_real", "train/d_fake"}
"""Curves of D: where alpha is 0, it is not trained and they mean nothing."""


@mpl.rc_context(STYLE)
def au_figure(results: Results) -> Figure:
    """F1 of each AU by method, a panel per missing rate: a bar for the mean, a dot for each training."""
    return Figure(
        name="f1_per_au",
        caption="F1 of each AU on the test subjects: bars are means, dots the single trainings (folds and "
        f'seeds), black lines the answer "active" to every face; thresholds {results.thresholds}. '
        f"From `test.f1` and `always_1.f1` in {SOURCE}.",
        alt="Bars with dots: F1 of each AU for each method, and of the answer active",
        png=panel_per_rate(results, _au_panel, height=2.7),
    )


def _au_panel(ax: Axes, results: Results, rate: float) -> None:
    names, width = [*results.aus, "avg"], BAR / len(results.methods)
    places = np.arange(len(names))
    for method in results.methods:
        x = places + place_of(results, method)
        f1 = np.array([[run.score("f1", au) for au in names] for run in results.of(method, rate)])  # [n, L+1]
        if len(f1):
            means = [averaged(results.of(method, rate), "f1", au).mean for au in names]
            colour = colour_of(results, method)
            ax.bar(x, means, width * 0.9, color=colour, alpha=0.35, label=method_label(method))
            ax.scatter(np.tile(x, len(f1)), f1, s=11, color=colour, linewidth=0, zorder=3)
    always = [results.always_active_f1(rate, au) for au in names]
    ax.hlines(always, places - BAR / 2, places + BAR / 2, color="black", lw=1.2, label="always 1")
    ax.set(xlabel="AU", ylabel="F1, %", ylim=(0, 100))
    ax.set_xticks(places, map(short, names))


@mpl.rc_context(STYLE)
def rate_figure(results: Results) -> Figure:
    """Average F1 against the missing rate, a line per method (Fig. 4)."""
    canvas, axes = panels(1, 1, width=5.6, height=3.6)
    ax = axes[0, 0]
    for i, method in enumerate(results.methods):
        rates = [rate for rate in results.rates if results.of(method, rate)]
        f1 = [averaged(results.of(method, rate), "f1") for rate in rates]
        x = [100 * rate + 0.5 * i for rate in rates]  # side by side: error bars must not hide each other
        look = {"color": colour_of(results, method), "marker": marker_of(results, method), "lw": 1.6, "ms": 5}
        bars = [np.nan_to_num(s.sd) for s in f1]
        ax.errorbar(x, [s.mean for s in f1], yerr=bars, capsize=3, label=method_label(method), **look)
    if printed := _published_points(results):
        x, y = zip(*printed, strict=True)
        ax.scatter(x, y, s=45, facecolors="none", edgecolors="black", zorder=3, label="Ours, as published")
    ax.set(xlabel="Training labels hidden, %", ylabel="Average F1, %")
    ax.set_xticks([100 * rate for rate in results.rates])
    legend(canvas, axes)
    return Figure(
        name="f1_against_missing_rate",
        caption="Average F1 on the test subjects against the share of hidden labels (the paper's Fig. 4): "
        f"mean over seeds, then over folds, bars one standard deviation. From `test.f1_avg` in {SOURCE}.",
        alt="Lines: average F1 against the share of hidden labels for each method",
        png=png_bytes(canvas),
    )


def _published_points(results: Results) -> list[tuple[float, float]]:
    if not results.comparable:
        return []
    names = results.dataset, results.protocol, "ours"
    rates = filter(results.hidden_as_published, results.rates)
    points = [(100 * rate, published_average(*names, rate, "f1")) for rate in rates]
    return [(rate, value) for rate, value in points if value is not None]


@mpl.rc_context(STYLE)
def curves_figure(results: Results) -> Figure:
    """Losses and validation F1 against the step: a row per curve, a column per fold."""
    curves = [
        (key, label) for key, label in CURVES.items() if any(_curve(run, key)[0] for run in results.runs)
    ]
    canvas, axes = panels(len(curves), len(results.folds), width=9.5, height=1.75, share=True)
    for (i, (key, label)), (j, fold) in product(enumerate(curves), enumerate(results.folds)):
        ax: Axes = axes[i, j]
        for run in (run for run in results.runs if run.fold == fold):
            x, y = _curve(run, key)
            look = {"color": colour_of(results, run.method), "alpha": 0.85, "lw": 1.3}
            ax.plot(x, y, **look, marker=".", ms=4, label=method_label(run.method))
        ax.set(title=f"Test part {fold}" if i == 0 else None, ylabel=label if j == 0 else None)
        if i == len(curves) - 1:
            ax.set_xlabel("Step of Algorithm 1")
    legend(canvas, axes)
    validation = ", and average F1 on the validation subjects," * results.validated
    return Figure(
        name="training",
        caption="Training by fold: losses, how often D is right on real label vectors and on R's answers "
        f"(means since the report before){validation} against the step, a line "
        "per missing rate and seed. Where alpha is 0, D is not trained and what is of it left out. From "
        "`history.jsonl` of each training.",
        alt=f"Small line charts: losses, D's accuracies{validation} against the step, for each fold",
        png=png_bytes(canvas),
    )


def _curve(run: Run, key: str) -> tuple[list[int], list[float]]:
    """Steps and values of one key; nothing where a training has none, or they mean nothing."""
    if key in OF_D and run.plan.adversarial.alpha == 0:
        return [], []
    lines = [line for line in run.history if line.get(key) is not None]
    scale = 100 if CURVES[key].endswith("%") else 1
    return [line["step"] for line in lines], [scale * line[key] for line in lines]
