"""What the reader must know before any number: whose faces these are, and what is still missing."""

from collections.abc import Iterator

from au_core.report.coverage import ENOUGH, coverage
from au_core.report.published import method_label
from au_core.report.results import Results, averaged
from au_core.report.run import BASELINE
from au_core.report.settings import data_words, unlike_words


def notice(results: Results) -> str:
    """What the reader must know before any number: whose faces these are, and what is still missing."""
    if results.synthetic:
        words = (
            "The people in this data are drawn by the program itself. The scores show that the system works; "
            "they say nothing about real faces and must not be compared with published numbers."
        )
    elif "data" in results.experiment:
        words = f"Data: {data_words(results)}."
    else:
        words = "`experiment.json` is missing, so this report cannot say what data these scores are from."
    if results.unlike:
        words += (
            f" Its trainings have different settings ({unlike_words(results)}): what is averaged or compared "
            "below is not comparable. Give each its own folder (`--out`)."
        )
    return words + "".join(_missing(results))


def _missing(results: Results) -> Iterator[str]:
    """What keeps these scores from being those of the whole protocol."""
    if results.unfinished:
        yield f" {len(results.unfinished)} trainings are not finished and not in this report."
    if results.missing_folds:
        there, missing = (", ".join(map(str, folds)) for folds in (results.folds, results.missing_folds))
        yield f" Averages are over test part {there} alone: {results.protocol} has {missing} too."
    worse = [name for name in results.methods if _worse_than_always_active(results, name)]
    if worse and results.validated:  # at 0.5 even right probabilities may be: rare AUs seldom reach it
        names = ", ".join(map(method_label, worse))
        yield f' Answering "active" to every face has a higher F1 than {names}: little has been learned.'
    if aus := _with_parts(results.unlearnable):
        yield f" AUs whose training labels are all alike, or none at all: {aus}. Scores there are chance."
    if results.runs and not results.validated:
        yield " No one was held out to choose on: R is of the last step, 0.5 the threshold of every AU."
    if aus := _with_parts(results.unchosen):
        yield f" AUs never present in the validation people: {aus}. Their threshold there is 0.5."
    yield from _lost(results)


def _lost(results: Results) -> Iterator[str]:
    """What preprocessing lost."""
    if bad := sum(row["status"] != "ok" for row in results.sequences):
        yield (
            f" {bad} of {len(results.sequences)} sequences failed or lack frames, and are missing here as "
            "far as they do: see `faces/quality.parquet`."
        )
    if few := {fold: found for fold, found in coverage(results).items() if found.share < ENOUGH}:
        parts = "; ".join(f"test part {fold}, {found.words}" for fold, found in few.items())
        yield f" Frames without a face are missing from the scores: {parts}. See `faces/quality.parquet`."


def _with_parts(aus: dict[str, list[int]]) -> str:
    """AUs with the test parts they are named for."""
    return ", ".join(f"{au} (test part {', '.join(map(str, folds))})" for au, folds in aus.items())


def _worse_than_always_active(results: Results, method: str) -> bool:
    runs = [run for run in results.runs if run.method == method]
    return averaged(runs, "f1").mean < averaged(runs, "f1", selection=BASELINE).mean
