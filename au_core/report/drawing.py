"""What the report's figures are drawn with: panels, a legend, and colours that all readers can tell apart."""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from au_core.report.results import Results
from au_core.report.tables import percent

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8c6d00")
"""Okabe & Ito's palette, its yellow darkened so that thin lines stay visible on white."""
MARKERS = ("o", "s", "^", "D", "v", "P")
STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.edgecolor": "#8a929b",
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.7,
    "xtick.color": "#8a929b",
    "ytick.color": "#8a929b",
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "legend.frameon": False,
}
BAR = 0.8
"""Width of an AU's bars together, of the distance between two AUs."""


def panel_per_rate(results: Results, draw: Callable[[Axes, Results, float], None], height: float) -> bytes:
    """What ``draw`` puts on a panel of its own for each missing rate, one below the other, as PNG."""
    canvas, axes = panels(len(results.rates), 1, width=9.5, height=height)
    for ax, rate in zip(axes[:, 0], results.rates, strict=True):
        draw(ax, results, rate)
        ax.set_title(f"{percent(rate)} of the labels hidden")
        ax.grid(visible=False, axis="x")
    legend(canvas, axes)
    return png_bytes(canvas)


def panels(
    rows: int, columns: int, *, width: float, height: float, share: bool = False
) -> tuple[Canvas, np.ndarray]:
    """A canvas with ``axes[rows, columns]``; ``width`` over all, ``height`` of each row, in inches."""
    canvas = Canvas(figsize=(width, height * rows + 0.45), layout="constrained")
    axes = canvas.subplots(rows, columns, squeeze=False, sharex=share, sharey="row" if share else False)
    return canvas, axes


def legend(canvas: Canvas, axes: np.ndarray) -> None:
    """One legend for all panels, above them."""
    found = [ax.get_legend_handles_labels() for ax in axes.flat]
    by_label = {
        label: handle for handles, labels in found for handle, label in zip(handles, labels, strict=True)
    }
    canvas.legend(by_label.values(), by_label.keys(), loc="outside upper left", ncols=len(by_label))


def png_bytes(canvas: Canvas) -> bytes:
    """The drawing as PNG, the same bytes every time."""
    file = BytesIO()
    canvas.savefig(file, format="png", dpi=144, metadata={"Software": None})
    return file.getvalue()


def place_of(results: Results, method: str) -> float:
    """Where its bars and marks stand, from the middle of each AU's place."""
    width = BAR / len(results.methods)
    return (results.methods.index(method) + 0.5) * width - BAR / 2


def short(au: str) -> str:
    """An AU without its letters, on an axis that says "AU"; other words as they are.

    >>> short("AU01"), short("avg")
    ('1', 'avg')
    """
    return au.removeprefix("AU").lstrip("0")


def _nth(results: Results, method: str, looks: Sequence[str]) -> str:
    return looks[results.methods.index(method) % len(looks)]


def colour_of(results: Results, method: str) -> str:
    """Its colour in all figures of a report."""
    return _nth(results, method, COLOURS)


def marker_of(results: Results, method: str) -> str:
    """Its mark, for eyes that see no colours."""
    return _nth(results, method, MARKERS)
