"""The report: which sections there are, and in which words."""

from pathlib import Path

from au_core.data.files import write_bytes, write_text
from au_core.report.blocks import Figure, Section, Table, html, markdown
from au_core.report.closeness import distribution_blocks
from au_core.report.comparisons import (
    FEW_SEEDS,
    difference_table,
    fewest_seeds,
    unlike_machines,
)
from au_core.report.figures import au_figure, curves_figure, rate_figure
from au_core.report.notice import notice
from au_core.report.paper import loss_ratio, published_comparison
from au_core.report.results import Results
from au_core.report.settings import run_table
from au_core.report.tables import au_table, csv_text, summary_table

OTHER_PEOPLE = (
    "The people differ: the paper prints no list of its 60 %, 20 % and 20 %, so ours were drawn by a hash of "
    "their names. Other test people alone change scores."
)
VALIDATED = (
    "`validation-selected`: the epoch and each AU's threshold were chosen on validation subjects, taken from "
    "the training part (0.5 for an AU that these never show), and the test part was looked at once. `at 0.5` "
    "uses no chosen threshold."
)
UNVALIDATED = (
    "`last step, at 0.5`: no one was held out of the training part to choose epoch or thresholds "
    "(`validation_subjects` is 0), and the test part was looked at once."
)


def write_report(results: Results, out: Path) -> Path:
    """Write ``report.html``, ``report.md``, ``table.csv``, ``figures/*.png`` to ``out``; the page's path."""
    title = f"Action units: {results.experiment.get('recipe', out.name)}"
    sections = build_sections(results)
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Figure):
                write_bytes(block.png, out / "figures" / f"{block.name}.png")
    write_text(csv_text(results), out / "table.csv")
    write_text(markdown(title, notice(results), sections), out / "report.md")
    write_text(html(title, notice(results), sections), out / "report.html")
    return out / "report.html"


def build_sections(results: Results) -> list[Section]:
    """All sections for which there is something to show."""
    found = [
        Section("Results", _results_blocks(results)),
        Section("One method against another", difference_blocks(results)),
        Section("Published numbers", published_blocks(results)),
        Section("Each AU", [au_figure(results), *(au_table(results, rate) for rate in results.rates)]),
        Section("Distributions of AUs", distribution_blocks(results)),
        Section("Missing labels", [rate_figure(results)] if len(results.rates) > 1 else []),
        Section("Training", _training_blocks(results)),
        Section("What was run", [run_table(results)]),
    ]
    return [section for section in found if section.blocks]


def _results_blocks(results: Results) -> list[str | Table | Figure]:
    return [
        summary_table(results),
        "F1 is the harmonic mean of precision and recall of one AU over the faces where it is coded; AUC the "
        f"area under its ROC curve. {VALIDATED if results.validated else UNVALIDATED} "
        "`test-selected` chooses the thresholds on the test part itself, which nobody can who does not know "
        "its labels: the most that thresholds can give. JAA-Net's and ME-GraphAU's code takes 0.5 for all "
        "AUs, and chooses the epoch on the test part.",
    ]


def _training_blocks(results: Results) -> list[str | Table | Figure]:
    if not any(run.history for run in results.runs):
        return []
    return [curves_figure(results), *filter(None, [loss_ratio(results)])]


def difference_blocks(results: Results) -> list[str | Table | Figure]:
    """Methods pair by pair, and what to know of the pairs; nothing where there are none."""
    table = difference_table(results)
    if table is None:
        return []
    n_seeds = fewest_seeds(results)
    so_far = [f"Seeds so far: {n_seeds}."] if n_seeds < FEW_SEEDS else []
    so_far += [f"Test parts so far: {len(results.folds)}."] if results.missing_folds else []
    need = (
        f"With less than {FEW_SEEDS} seeds on every test part, a difference may be chance in training. "
        "Seeds tell no more than that: of chance in who was filmed the interval over test people tells."
    )
    caveats = [" ".join([*so_far, need])] if so_far else []
    return [table, *caveats, *filter(None, [unlike_machines(results)])]


def published_blocks(results: Results) -> list[str | Table | Figure]:
    """What the paper prints beside ours, or why it is left out; nothing where the data is unknown."""
    if results.synthetic:
        return ["Left out: they are for recorded people, and these people are drawn."]
    if "data" not in results.experiment:
        return []
    table = published_comparison(results)
    if table is None:
        return ["The paper prints none for this dataset, protocol, missing rate and `missing_scheme`."]
    if not results.comparable:
        here = " or ".join(map(str, results.active_from))
        return [
            f"Left out: by {results.dataset}'s own labels, which they are of, an AU is active from code "
            f"{results.own_active_from} on, here from code {here} on (`--active-from`)."
        ]
    return [table, *([OTHER_PEOPLE] if results.protocol == "60_20_20" else [])]
