"""Score finished models on another labelled dataset, on the AUs that both know and on people new to them.

uv run pipelines/cross_dataset.py out/bp4d_three_fold-BP4D --layout disfa --data DISFA --out out/bp4d_on_disfa
"""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from au_core.config import PreprocessConfig, ScalingConfig
from au_core.data.faces import fingerprint
from au_core.data.files import read_json, whole, write_json
from au_core.data.layouts import LAYOUTS
from au_core.data.locks import held_alone
from au_core.errors import ConfigError, words_of
from au_core.evaluation.elsewhere import Judged, scores_elsewhere
from au_core.models.card import load_card
from au_core.run_folder import RunFolder, run_folders
from pipelines.machinery.arguments import add_root
from pipelines.machinery.cli import averages, run, say, summary
from pipelines.machinery.datasets import list_dataset, refuse_leftovers
from pipelines.machinery.finding import find_faces
from pipelines.machinery.options import HelpFormatter, add_fields, with_options
from pipelines.machinery.tasks import as_done, raise_failures
from pipelines.predict_video import warn_if_drawn

NOTE = "made_from.json"
"""Beside the predictions: from which model and faces."""
SCORES = {
    "f1": ("test", "f1"),
    "f1_test_selected": ("test_selected", "f1"),
    "f1_always_1": ("always_1", "f1"),
    "auc": ("test", "auc"),
    "accuracy_at_half": ("test_at_half", "accuracy"),
}
"""Columns of the table, by where they stand in ``scores.json``."""
COLUMNS = ("model", "au", "faces", *SCORES)


def cross_dataset(
    runs: Sequence[RunFolder], layout: str, data: Path, out: Path, cfg: PreprocessConfig, active_from: int,
    gpu: bool = True, root: Path | None = None,
) -> Path:  # fmt: skip
    """Find the faces of a dataset as the models know them, let each answer, score: returns ``OUT/table.csv``.

    ``OUT/models/<run>/`` gets each model's ``predictions.parquet`` and ``scores.json``. Faces and predictions
    that are there are kept.

    Raises:
        AuError: models want faces of different sizes, the dataset cannot be read, has no AU of theirs, or
            nobody whom a model has not seen.
    """
    if (out / "runs").exists():
        raise ConfigError(f"{out}: an experiment's own folder; choose another --out")
    cards = [load_card(run.model) for run in runs]
    warn_if_drawn(cards[0])
    if len(sizes := {(card.face_size, card.jpeg_quality) for card in cards}) > 1:
        raise ConfigError(f"the models know faces of different size and quality, {sizes}; give --out to each")
    size, quality = sizes.pop()
    cfg = replace(cfg, size=size, jpeg_quality=quality)
    dataset = list_dataset(layout, data, out / "faces", cfg, base=root)
    refuse_leftovers(dataset)
    with held_alone(out):
        find_faces(dataset)
        faces = (out / "faces").absolute()
        judged = [Judged(run, faces, dataset.refs[0].dataset, active_from) for run in runs]
        answer_all(judged, out, gpu)
        return write_table_of(judged, out)


def finished(paths: Sequence[Path]) -> list[RunFolder]:
    """The finished trainings that ``paths`` name: all of an experiment, or single ones.

    Raises:
        ConfigError: a path names none, or two have the same name.
    """
    runs: dict[str, RunFolder] = {}
    for path in paths:
        folders = [RunFolder(path)] if (path / "config.json").exists() else run_folders(path, part="*")
        if not (there := [folder for folder in folders if folder.model.exists()]):
            raise ConfigError(f"{path}: no finished training; expected OUT of some, or a folder in OUT/runs")
        for folder in there:
            if other := runs.get(name := folder.plan().run):
                raise ConfigError(f"{folder.path}, {other.path}: both are {name}; give --out to each")
            runs[name] = RunFolder(folder.path.absolute())
    return list(runs.values())


def answer_all(judged: Sequence[Judged], out: Path, gpu: bool) -> None:
    """Let every model answer that has not yet, as many at once as there is room for.

    Raises:
        AuError: some cannot; the message lists them, the answers of all others are kept.
    """
    for each in judged:
        each.strangers()  # refused before the first is asked
    faces = fingerprint(out / "faces")
    notes = {each: {"faces": faces, **each.note()} for each in judged}
    todo = [each for each in judged if notes[each] != _note_of(place(each.run, out))]
    say(f"{len(judged) - len(todo)} of {len(judged)} models have answered already")
    tables = {each: (each, place(each.run, out) / "predictions.parquet") for each in todo}
    reasons = {}
    for each, error in as_done(Judged.predict, tables, ScalingConfig(gpu=gpu)):
        if error:
            reasons[each.run.plan().label] = words_of(error)
        else:
            write_json(notes[each], place(each.run, out) / NOTE)
            say(f"{each.run.plan().label} has answered")
    raise_failures(reasons, len(judged), "models")


def place(run: RunFolder, out: Path) -> Path:
    """Where the answers of a model are written."""
    return out.absolute() / "models" / run.plan().run


def _note_of(folder: Path) -> dict[str, Any] | None:
    """What the predictions in ``folder`` were made from; None where there are none, note or not."""
    there = (folder / NOTE).exists() and (folder / "predictions.parquet").exists()
    return read_json(folder / NOTE) if there else None


def write_table_of(judged: Sequence[Judged], out: Path) -> Path:
    """Score all answers: ``scores.json`` beside them, one row for each model and AU in the table."""
    table = out / "table.csv"
    with whole(table) as temporary, temporary.open("w", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        rows.writeheader()
        for run in (each.run for each in judged):
            scores = scores_elsewhere(place(run, out) / "predictions.parquet", load_card(run.model))
            write_json(scores, place(run, out) / "scores.json")
            rows.writerows({"model": run.plan().run, **row} for row in rows_of(scores))
            print(f"{run.plan().label}  {averages(scores)}")
    return table


def rows_of(scores: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each AU that was scored; scores in [0, 1], empty where undefined."""
    for au, faces in scores["coded"].items():
        if faces:
            yield {"au": au, "faces": faces} | {
                name: scores[part][metric][au] for name, (part, metric) in SCORES.items()
            }


def main(argv: list[str] | None = None) -> None:
    """Score models on another dataset."""
    parser = argparse.ArgumentParser(description=summary(__doc__), formatter_class=HelpFormatter)
    labelled = [name for name, facts in LAYOUTS.items() if facts.labelled]
    parser.add_argument("trained", type=Path, nargs="+", help="OUT of an experiment, or folders of its runs")
    parser.add_argument("--layout", required=True, choices=labelled, help="how --data is laid out")
    parser.add_argument("--data", type=Path, required=True, help="the dataset's folder (or a manifest's CSV)")
    add_root(parser)
    parser.add_argument("--active-from", type=int, choices=range(1, 6), help="lowest code that means active")
    parser.add_argument("--out", type=Path, required=True, help="faces, predictions and scores go there")
    parser.add_argument("--no-gpu", action="store_true", help="compute on the cores though there is a GPU")
    default = PreprocessConfig()
    models = ["size", "jpeg_quality"]  # are theirs; and nothing is trained on
    add_fields(parser, PreprocessConfig, "from a frame to a face", default, ["all_faces", "uncoded", *models])
    args = parser.parse_args(argv)
    facts = LAYOUTS[args.layout]
    default = replace(default, detector="dataset" if facts.landmarks else "yunet")
    cfg, active_from = with_options(default, args), args.active_from or facts.active_from
    table = cross_dataset(
        finished(args.trained), args.layout, args.data, args.out, cfg, active_from, not args.no_gpu, args.root
    )
    print(f"table: {table}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
