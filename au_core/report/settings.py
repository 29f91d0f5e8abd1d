"""What was run: the settings a reader would ask for, and how trainings differ in them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from au_core.config import AdversarialConfig, PreprocessConfig, TrainConfig
from au_core.methods import OF_D, base_of, is_variant
from au_core.report.averages import spread
from au_core.report.blocks import Table
from au_core.report.coverage import coverage
from au_core.report.published import method_label
from au_core.report.results import Results
from au_core.report.run import Run
from au_core.report.tables import percent

TOLD = {"alpha", "h_d", "h_r", "m1", "m2", "steps", "backbone", "weights", "input_size", "detector"}
"""Settings that have a line of their own."""


def run_table(results: Results) -> Table:
    """The settings a reader would ask for, as the files of experiment, trainings and faces have them."""
    plan, scores = results.runs[0].plan, results.runs[0].scores
    train = plan.train
    rows = {
        "Recipe": str(results.experiment.get("recipe", "unknown")),
        "Data": data_words(results),
        "Faces found by": _finder(results),
        "Protocol": results.protocol or "unknown",
        "AUs": ", ".join(results.aus)
        + f" ({scores['dataset']}, active from code {_or(results.active_from)} on)",
        "Methods": ", ".join(f"{method_label(m)} (alpha {_alphas(results, m)})" for m in results.methods),
        "Labels hidden": ", ".join(map(percent, results.rates)),
        "Test parts": ", ".join(map(str, results.folds)),
        "Seeds": ", ".join(map(str, sorted({run.plan.seed for run in results.runs}))),
        "Network": f"{train.backbone}, weights {train.weights or 'random'}, {train.input_size} pixels",
        "Training": f"{plan.adversarial.steps} steps, {_batch(results)}, "
        + ", ".join(f"{name.upper()} {_of_all(results.runs, name)}" for name in ("h_d", "h_r")),
        "Other settings": _not_the_defaults(results) or "the defaults",
        **_variants(results),
        "Different settings": unlike_words(results) or "all other settings are the same in all trainings",
        "Computed on": " or ".join(
            sorted({", ".join(run.machine.values()) or "unknown" for run in results.runs})
        ),
        "Subjects": _subjects(results),
        "Training faces with labels": _labelled(results),
        "Files": "`runs/<method>/missing=<rate>/fold=<k>/seed=<s>/`; all scores as one table: `table.csv`",
        "Not finished": ", ".join(f"`{name}`" for name in results.unfinished) or "none",
    }
    return Table(
        caption="Settings, from `experiment.json`, each training's `config.json` and the faces' own files.",
        header=("Setting", "Value"),
        rows=tuple(rows.items()),
        numeric=False,
    )


def _not_the_defaults(results: Results) -> str:
    """Settings that no other line tells and that are not the defaults."""
    plan = results.runs[0].plan
    settings = _settings(plan.adversarial, plan.train) | {"missing_scheme": plan.missing_scheme}
    settings |= results.preprocess
    default = _settings() | {"missing_scheme": "frame"} | asdict(PreprocessConfig())
    found = {name: settings.get(name, value) for name, value in default.items() if name not in TOLD}
    return _others_than(default, found)


def _variants(results: Results) -> dict[str, str]:
    """What is special of each variant: its settings that ours does not have, or that are not the defaults."""
    found = {}
    for method in filter(is_variant, results.methods):
        first = {run.method: run.plan for run in reversed(results.runs)}
        base, plan = first.get(base_of(method)), first[method]
        usual = _settings(base.adversarial, base.train) if base else _settings()
        found[method_label(method)] = _others_than(usual, _settings(plan.adversarial, plan.train))
    return {method: words or "the same settings" for method, words in found.items()}


def _settings(game: AdversarialConfig | None = None, train: TrainConfig | None = None) -> dict[str, Any]:
    """Settings of a training by name; the defaults where none are given."""
    return {**asdict(game or AdversarialConfig()), **asdict(train or TrainConfig())}


def _others_than(usual: dict[str, Any], settings: dict[str, Any]) -> str:
    """The values of ``settings`` that are not the ``usual`` ones."""
    return ", ".join(f"`{name}` {value}" for name, value in settings.items() if value != usual[name])


def unlike_words(results: Results) -> str:
    """Settings that differ between trainings, with their values; empty where none does."""
    return "; ".join(f"`{name}` {' or '.join(values)}" for name, values in results.unlike.items())


def data_words(results: Results) -> str:
    """Which data was trained on."""
    found = results.experiment
    named = found.get("data", "unknown")
    data = "drawn people (synthetic)" if named == "synthetic" else f"`{named}`"
    also = [
        f"with the labelled faces of `{dataset}` in every training, but for who is held out"
        for dataset in found.get("also", [])
    ]
    more = [f"with unlabelled video from `{found['unlabelled']}`"] if found.get("unlabelled") else []
    if every := results.preprocess.get("uncoded"):
        more.append(f"with one of {every} frames that nobody coded, without labels")
    return ", ".join([data, *also, *more])


def _finder(results: Results) -> str:
    """What told where the faces are."""
    detector = results.preprocess.get("detector", "unknown")
    return {"dataset": "the dataset's landmark files", "yunet": "YuNet"}.get(detector, f"`{detector}`")


def _alphas(results: Results, method: str) -> str:
    return _of_all([run for run in results.runs if run.method == method], "alpha")


def _of_all(runs: Sequence[Run], name: str) -> str:
    """The values that a setting of Algorithm 1 has in ``runs``, of D where there is one."""
    games = [run.plan.adversarial for run in runs]
    return _or({getattr(game, name) for game in games if game.alpha > 0 or name not in OF_D})


def _or(values: Iterable[float]) -> str:
    return " or ".join(map(str, sorted(values))) or "-"


def _batch(results: Results) -> str:
    """What a batch of Eq. 4 is made of: without enough unlabelled faces, of labelled ones alone."""
    game, drawn = results.runs[0].plan.adversarial, {r.training_set["unlabelled_drawn"] for r in results.runs}
    usual = f"{game.m1} labelled + {game.m2} unlabelled faces each"
    alone = f"{game.m1 + game.m2} labelled faces each, no unlabelled ones (there are none, or too few)"
    return {(True,): usual, (False,): alone}.get((*drawn,), f"{usual}, or {alone}")


def _labelled(results: Results) -> str:
    """How many of the training faces really have a label, by missing rate: means over the trainings."""
    by_rate: dict[float, list[dict[str, Any]]] = {}
    for run in results.runs:
        by_rate.setdefault(run.rate, []).append(run.training_set)
    return ", ".join(
        f"{percent(rate)} hidden: {_mean(sets, 'labelled'):,.0f} of {_mean(sets, 'faces'):,.0f} "
        f"({100 * _mean(sets, 'labelled_share'):.1f} %)"
        for rate, sets in by_rate.items()
    )


def _mean(sets: Sequence[dict[str, Any]], name: str) -> float:
    return spread([found[name] for found in sets]).mean


def _subjects(results: Results) -> str:
    """Training, validation and test subjects of each fold, their faces, and frames without one."""
    by_fold, found = {run.fold: run for run in results.runs}, coverage(results)
    words = {fold: f": {found[fold].words}" if fold in found else "" for fold in by_fold}
    return "; ".join(
        f"test part {fold}: {len(run.plan.train_subjects)} to train, "
        f"{len(run.plan.val_subjects)} to validate ({run.scores['frames']['val']} faces), "
        f"{len(run.plan.test_subjects)} to test ({run.scores['frames']['test']} faces{words[fold]})"
        for fold, run in sorted(by_fold.items())
    )
