"""Apply a trained model to every video of a folder, on all cores or a cluster: a CSV for each.

uv run pipelines/predict_folder.py VIDEOS --model out/demo/runs/ours/missing=0.5/fold=1/seed=0 --out OUT
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow.compute as pc

from au_core.config import PreprocessConfig
from au_core.data.files import (
    raise_if_full,
    read_json,
    remove_leftovers,
    remove_leftovers_below,
    write_json,
    writing_to,
)
from au_core.data.locks import held_alone
from au_core.data.names import LONGEST, quoted, readable
from au_core.data.schema import SequenceRef, shard_path
from au_core.errors import AuError, ConfigError, FullDiskError, words_of
from au_core.models.card import ModelCard, load_card
from pipelines.machinery.cli import Progress, run, summary
from pipelines.machinery.cluster import connect, has_gpu
from pipelines.machinery.datasets import list_dataset
from pipelines.machinery.finding import find_faces
from pipelines.machinery.jobs import JobActor, Row, fresh_tries, map_jobs, still_alive
from pipelines.machinery.options import HelpFormatter, with_options
from pipelines.predict_video import add_model_arguments, warn_if_drawn

NOTE = "predicted_by.json"
"""In ``OUT``: the card of the model whose tables lie there."""


def predict_folder(
    videos: Path, model: Path, out: Path, cfg: PreprocessConfig, gpu: bool = True, strict: bool = False
) -> None:
    """Find all faces, then let R look at them: ``OUT/aus/<video>.csv`` for each video that can be read.

    A table that is there and not older than its faces is kept. A video that can no longer be read is a line
    in ``OUT/faces/quality.parquet``, and has no table any more; with ``strict`` that is an error at the end,
    as is a video of which frames are lost.

    Raises:
        AuError: no model, no video, no detector, no room, or ``out`` is not for these; at the end: faces that
            could not be read again.
    """
    card = load_card(model)
    warn_if_drawn(card)
    cfg = replace(cfg, all_faces=True, size=card.face_size, jpeg_quality=card.jpeg_quality)
    dataset = list_dataset("videos", videos, out / "faces", cfg)
    tables = [Table.of(ref, out) for ref in dataset.refs]
    claim(out, card)
    with held_alone(out):
        claim(out, card)  # two may have come at once
        remove_leftovers_below(out / "aus")
        try:
            quality = find_faces(dataset)
        finally:  # where this fails too, no table outlives its faces
            for table in tables:
                table.remove_if_stale()
        todo = [table for table in tables if table.is_due()]
        failures = list(predict_all(todo, model, out, gpu)) if todo else []
    missing = tell(tables, out / "aus")
    raise_if_full(failures)
    if failures:
        raise AuError(f"{len(failures)} of {len(todo)} videos failed, the first: {failures[0]}")
    damaged = quality.filter(pc.field("status") == "partial")["source"].to_pylist() if strict else []
    lacks = [f"{len(missing)} of {len(tables)} files have no table, such as {missing[0]}"] if missing else []
    lacks += [f"{len(damaged)} tables lack frames, such as that of {damaged[0]}"] if damaged else []
    if strict and lacks:
        raise AuError("; ".join(lacks))


def claim(out: Path, card: ModelCard) -> None:
    """Note whose predictions these are.

    Raises:
        ConfigError: another model's, or ``out`` is an experiment, a training, or has faces of other data.
    """
    path = out / NOTE
    others = [out / name for name in ("experiment.json", "runs", "faces", "aus", "config.json", "model.json")]
    with writing_to(out):
        if not path.exists():
            if there := [other.name for other in others if other.exists()]:
                raise ConfigError(f"{out} holds {there[0]} of other work; choose another --out")
            write_json(asdict(card), path)
    before = read_json(path)
    if (before.get("sha256"), before.get("thresholds")) != (card.sha256, card.thresholds):
        raise ConfigError(f"{out / 'aus'} holds what another model said ({path}); choose another --out")


@dataclass(frozen=True, slots=True)
class Table:
    """The CSV of a video, and the shard of faces that it is made from."""

    path: Path
    video: Path
    shard: Path

    @classmethod
    def of(cls, ref: SequenceRef, out: Path) -> "Table":
        """By absolute paths, for a worker in another folder."""
        out, names = out.absolute(), Path(ref.source).parts
        *folders, name = (quoted(readable(n)) if len(os.fsencode(n)) > LONGEST else n for n in names)
        path = (out / "aus").joinpath(*folders, f"{name}.csv")
        return cls(path, Path(ref.root) / ref.source, shard_path(out / "faces", ref))

    def remove_if_stale(self) -> None:
        """Remove it if it is older than its faces, or has none any more."""
        faces = self.shard.stat().st_mtime if self.shard.exists() else float("inf")
        if self.path.is_file() and self.path.stat().st_mtime < faces:
            self.path.unlink()

    def is_due(self) -> bool:
        """Whether there are faces that it is to be made from."""
        return self.shard.exists() and not self.path.is_file()


def predict_all(tables: Sequence[Table], model: Path, out: Path, gpu: bool) -> Iterator[str]:
    """Write ``tables``; yields why some failed."""
    connect()
    gpu = gpu and has_gpu()
    jobs = [json.dumps({name: str(path) for name, path in asdict(table).items()}) for table in tables]
    progress = Progress("videos", len(tables))
    for _, row in map_jobs(PredictShard, (model.absolute(), gpu), jobs, fresh_tries(out), gpu):
        progress.add(faces=row["faces"], failed=bool(row["failed"]))
        if row["failed"]:
            yield row["failed"]
    progress.end()


class PredictShard(JobActor):
    """A shard of faces in, a CSV written, a small row out: how many faces, and why it failed if it did."""

    def __init__(self, model: Path, gpu: bool, tries: Path) -> None:
        import torch

        from au_core.models.checkpoint import load_recognizer
        from au_core.models.device import best_device

        JobActor.__init__(self, tries)
        torch.set_num_threads(1)  # one core an actor
        recognizer, self.card = load_recognizer(model)
        self.recognizer = recognizer.to(best_device(gpu))

    def work(self, job: str, again: bool) -> Row:
        """Whatever a damaged shard does to its readers costs its own table alone."""
        from au_core.output.shard import predict_shard

        table = Table(**{name: Path(path) for name, path in json.loads(job).items()})
        if again:
            remove_leftovers(table.path)
        try:
            faces = predict_shard(table.shard, self.recognizer, self.card, table.path, still_alive)
        except FullDiskError as error:
            return self.give_up(job, str(error))
        except Exception as error:
            return self.give_up(job, f"{words_of(error)} (if its faces are damaged, remove {table.shard})")
        return {"faces": faces, "failed": ""}

    def give_up(self, job: str, reason: str) -> Row:
        """The row of a video without a table; what is half-written of that goes."""
        names = json.loads(job)
        remove_leftovers(Path(names["path"]))
        return {"faces": 0, "failed": f"{names['video']}: {reason}"}


def tell(tables: Sequence[Table], folder: Path) -> list[Path]:
    """Say how many tables there are, and which are of no video any more; returns the videos without one."""
    without = [table.video for table in tables if not table.path.is_file()]
    left = set(folder.absolute().rglob("*.csv")) - {table.path for table in tables}
    missing = f"; {len(without)} of {len(tables)} files have none" if without else ""
    more = f"; {len(left)} more are of videos that are gone, such as {min(left)}" if left else ""
    print(f"{len(tables) - len(without)} tables in {folder}{missing}{more}", file=sys.stderr)
    return without


def main(argv: list[str] | None = None) -> None:
    """Apply a model to a folder of videos."""
    parser = argparse.ArgumentParser(description=summary(__doc__), formatter_class=HelpFormatter)
    parser.add_argument(
        "videos", type=Path, help="a folder of videos, pictures, numbered frames, at any depth"
    )
    parser.add_argument("--out", type=Path, required=True, help="CSV files go to OUT/aus, faces to OUT/faces")
    add_model_arguments(parser)
    parser.add_argument(
        "--strict", action="store_true", help="exit with 2 if a file has no table at the end, or lacks frames"
    )
    args = parser.parse_args(argv)
    cfg = with_options(PreprocessConfig(), args)
    predict_folder(args.videos, args.model, args.out, cfg, not args.no_gpu, args.strict)


if __name__ == "__main__":
    run(main)
