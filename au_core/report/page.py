"""The report: which sections there are, and in which words."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from au_core.config import AdversarialConfig, TrainConfig
from au_core.data.files import write_bytes, write_text
from au_core.report.blocks import Figure, Section, Table, html, markdown
from au_core.report.closeness import distribution_blocks
from au_core.report.comparisons import difference_table, published_comparison
from au_core.report.figures import au_figure, curves_figure, rate_figure
from au_core.report.published import method_label
from au_core.report.results import BASELINE, Results, Run, averaged, spread
from au_core.report.tables import au_table, csv_text, percent, summary_table

FEW_SEEDS = 5
"""With fewer seeds a difference may well be chance: in a trial two seeds showed +1.3 points, five none."""


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


def notice(results: Results) -> str:
    """What the reader must know before any number: whose faces these are, and what is still missing."""
    if results.synthetic:
        words = (
            "The people in this data are drawn by the program itself. The scores show that the system works; "
            "they say nothing about real faces and must not be compared with published numbers."
        )
    elif "data" in results.experiment:
        words = f"Data: {_data(results)}."
    else:
        words = "`experiment.json` is missing, so this report cannot say what data these scores are from."
    if results.unlike:
        words += (
            f" Its trainings have different settings ({_unlike(results)}): what is averaged or compared "
            "below is not comparable. Give each its own folder (`--out`)."
        )
    return words + "".join(_missing(results))


def _missing(results: Results) -> Iterator[str]:
    """What keeps these scores from being those of the whole protocol."""
    if results.unfinished:
        yield f" {len(results.unfinished)} trainings are not finished and not in this report."
    if results.missing_folds:
        there, missing = (", ".join(map(str, folds)) for folds in (results.folds, results.missing_folds))
        yield f" Averages are over test part {there} alone: {missing} of {results.protocol} is missing."
    if blind := [name for name in results.methods if _below_always_1(results, name)]:
        names = ", ".join(map(method_label, blind))
        yield f' Answering "active" to every face has a higher F1 than {names}: little has been learned.'
    if found := results.unlearnable:
        aus = ", ".join(f"{au} (test part {', '.join(map(str, folds))})" for au, folds in found.items())
        yield f" The training labels have only one kind of, or none at all: {aus}. Scores there are chance."
    if bad := sum(status != "ok" for status in results.sequences):
        yield (
            f" {bad} of {len(results.sequences)} sequences failed or lack frames, and are missing here as "
            "far as they do: see `faces/quality.parquet`."
        )


def build_sections(results: Results) -> list[Section]:
    """All sections for which there is something to show."""
    found = [
        Section("Results", _results_blocks(results)),
        Section("Ours against the others", _difference_blocks(results)),
        Section("Published numbers", _published_blocks(results)),
        Section("Each AU", [au_figure(results), *(au_table(results, rate) for rate in results.rates)]),
        Section("Distributions of AUs", distribution_blocks(results)),
        Section("Missing labels", [rate_figure(results)] if len(results.rates) > 1 else []),
        Section("Training", [curves_figure(results)] if any(run.history for run in results.runs) else []),
        Section("What was run", [run_table(results)]),
    ]
    return [section for section in found if section.blocks]


def _below_always_1(results: Results, method: str) -> bool:
    runs = [run for run in results.runs if run.method == method]
    return averaged(runs, "f1").mean < averaged(runs, "f1", selection=BASELINE).mean


def _results_blocks(results: Results) -> list[str | Table | Figure]:
    return [
        summary_table(results),
        "F1 is the harmonic mean of precision and recall of one AU over the faces where it is coded; AUC the "
        "area under its ROC curve. `validation-selected`: the epoch and each AU's threshold were chosen on "
        "validation subjects, taken from the training part, and the test part was looked at once. "
        "`test-selected` chooses the thresholds on the test part itself, which nobody can who does not know "
        "its labels: the most that thresholds can give. `at 0.5` uses no chosen threshold, as JAA-Net's and "
        "ME-GraphAU's code does, which choose the epoch on the test part.",
    ]


def _difference_blocks(results: Results) -> list[str | Table | Figure]:
    table = difference_table(results)
    if table is None:
        return []
    n_seeds = min(int(row[-1]) for row in table.rows)
    so_far = [f"Seeds so far: {n_seeds}."] if n_seeds < FEW_SEEDS else []
    so_far += [f"Test parts so far: {len(results.folds)}."] if results.missing_folds else []
    need = f"With less than {FEW_SEEDS} seeds on every test part, no difference here can be called real."
    return [table, *([" ".join([*so_far, need])] if so_far else [])]


def _published_blocks(results: Results) -> list[str | Table | Figure]:
    if results.synthetic:
        return ["Left out: they are for recorded people, and these people are drawn."]
    if "data" not in results.experiment:
        return []
    table = published_comparison(results)
    return [table] if table else ["The paper prints none for this dataset, protocol and missing rate."]


def run_table(results: Results) -> Table:
    """The settings a reader would ask for, from ``experiment.json`` and the runs' ``config.json``."""
    plan, scores = results.runs[0].plan, results.runs[0].scores
    rows = {
        "Recipe": str(results.experiment.get("recipe", "unknown")),
        "Data": _data(results),
        "Faces found by": _finder(results),
        "Protocol": results.protocol or "unknown",
        "AUs": ", ".join(results.aus) + f" ({scores['dataset']})",
        "Methods": ", ".join(f"{method_label(m)} (alpha {_alphas(results, m)})" for m in results.methods),
        "Labels hidden": ", ".join(map(percent, results.rates)),
        "Test parts": ", ".join(map(str, results.folds)),
        "Seeds": ", ".join(map(str, sorted({run.pair[1] for run in results.runs}))),
        "Network": f"{plan['train']['backbone']}, weights {plan['train']['weights'] or 'random'}, "
        f"{plan['train']['input_size']} pixels",
        "Training": "{steps} steps, {m1} labelled + {m2} unlabelled faces each (all labelled where "
        "unlabelled ones are fewer, or not 1 % of all), ".format(**plan["adversarial"])
        + ", ".join(f"{name.upper()} {_of_all(results.runs, name)}" for name in ("h_d", "h_r")),
        "Other settings": _not_the_defaults(results) or "the defaults",
        "Different settings": _unlike(results) or "all other settings are the same in all trainings",
        "Subjects": _subjects(results),
        "Faces with labels": _labelled(results),
        "Files": "`runs/<method>/missing=<rate>/fold=<k>/seed=<s>/`; all scores as one table: `table.csv`",
        "Not finished": ", ".join(f"`{name}`" for name in results.unfinished) or "none",
    }
    return Table(
        caption="Settings, from `experiment.json` and each training's `config.json`.",
        header=("Setting", "Value"),
        rows=tuple(rows.items()),
        numeric=False,
    )


def _not_the_defaults(results: Results) -> str:
    """Settings that no other line tells and that are not the defaults."""
    plan, told = results.runs[0].plan, {"alpha", "h_d", "h_r", "m1", "m2", "steps", "backbone", "input_size"}
    settings = {**plan["adversarial"], **plan["train"], "missing_scheme": plan["missing_scheme"]}
    default = {**asdict(AdversarialConfig()), **asdict(TrainConfig()), "missing_scheme": "frame"}
    found = {name: value for name, value in settings.items() if value != default.get(name)}
    return ", ".join(f"`{name}` {value}" for name, value in found.items() if name not in told | {"weights"})


def _unlike(results: Results) -> str:
    """Settings that differ between trainings, with their values."""
    return "; ".join(f"`{name}` {' or '.join(values)}" for name, values in results.unlike.items())


def _data(results: Results) -> str:
    found = results.experiment
    named = found.get("data", "unknown")
    data = "drawn people (synthetic)" if named == "synthetic" else f"`{named}`"
    also = [
        f"with the labelled faces of `{dataset}` in every training, but for who is held out"
        for dataset in found.get("also", [])
    ]
    more = [f"with unlabelled video from `{found['unlabelled']}`"] if found.get("unlabelled") else []
    return ", ".join([data, *also, *more])


def _finder(results: Results) -> str:
    """What told where the faces are."""
    detector = results.config.get("preprocess", {}).get("detector", "unknown")
    return {"dataset": "the dataset's landmark files", "yunet": "YuNet"}.get(detector, f"`{detector}`")


def _alphas(results: Results, method: str) -> str:
    return _of_all([run for run in results.runs if run.method == method], "alpha")


def _of_all(runs: Sequence[Run], name: str) -> str:
    """The values that a setting of Algorithm 1 has in ``runs``."""
    return " or ".join(map(str, sorted({run.plan["adversarial"][name] for run in runs})))


def _labelled(results: Results) -> str:
    """Which share of the training faces really has a label, by missing rate."""
    by_rate: dict[float, list[float]] = {}
    for run in results.runs:
        by_rate.setdefault(run.rate, []).append(run.training_set.get("labelled_share", np.nan))
    shares = {rate: spread(found) for rate, found in by_rate.items()}
    known = [f"{percent(rate)} hidden: {100 * s.mean:.1f} %" for rate, s in shares.items() if s.n]
    return ", ".join(known) or "unknown"


def _subjects(results: Results) -> str:
    """Training, validation and test subjects and scored faces of each fold."""
    by_fold = {run.pair[0]: run for run in results.runs}
    return "; ".join(
        f"test part {fold}: {len(run.plan['train_subjects'])} to train, "
        f"{len(run.plan['val_subjects'])} to validate ({run.scores['frames']['val']} faces), "
        f"{len(run.plan['test_subjects'])} to test ({run.scores['frames']['test']} faces)"
        for fold, run in sorted(by_fold.items())
    )
