"""Apply a trained model to every video of a folder, on all cores or a cluster: a CSV for each.

uv run pipelines/predict_folder.py VIDEOS --model out/demo/runs/ours/missing=0.5/fold=1/seed=0 --out OUT
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from au_core.config import PreprocessConfig
from au_core.data.files import read_json, write_json
from au_core.data.schema import SequenceRef, shard_path
from au_core.errors import AuError, ConfigError
from au_core.models.checkpoint import load_card
from pipelines.machinery.cli import Progress, run, summary
from pipelines.machinery.cluster import connect, ray_data
from pipelines.machinery.options import HelpFormatter, with_options
from pipelines.predict_video import add_model_arguments
from pipelines.preprocess import find_faces, list_dataset


def predict_folder(
    videos: Path, model: Path, out: Path, cfg: PreprocessConfig, gpu: bool = True
) -> tuple[list[Path], int]:
    """Find all faces, then let R look at them.

    Returns the CSV files, ``OUT/aus/<video>.csv``, and how many videos there were.

    A CSV that is there and not older than its faces is kept. A video that cannot be read is a line in
    ``OUT/faces/quality.parquet``.

    Raises:
        AuError: no model, no video, no detector, or ``out`` holds what another model said; at the end: faces
            that could not be read again.
    """
    cfg = replace(cfg, all_faces=True, size=load_card(model).face_size)
    dataset = list_dataset("videos", videos, out / "faces", cfg)
    claim(out, model)
    find_faces(dataset)
    read = [ref for ref in dataset.refs if shard_path(dataset.faces, ref).exists()]
    jobs = [Job.of(ref, out) for ref in read]
    todo = [job for job in jobs if not job.done]
    failures = list(predict_all(todo, model, gpu)) if todo else []
    if failures:
        raise AuError(f"{len(failures)} of {len(todo)} videos failed, the first: {failures[0]}")
    return [job.table for job in jobs], len(dataset.refs)


def claim(out: Path, model: Path) -> None:
    """Note in ``OUT/model.json`` whose predictions these are.

    Raises:
        ConfigError: another model's, or ``out`` is an experiment's, whose faces these would join.
    """
    card, path = asdict(load_card(model)), out / "model.json"
    others = [out / name for name in ("experiment.json", "runs", "faces")]
    if not path.exists() and any(other.exists() for other in others):
        raise ConfigError(f"{out} holds an experiment, or faces of other data; choose another --out")
    if not path.exists():
        try:
            write_json(card, path)
        except OSError as error:
            raise ConfigError(f"{out}: cannot be written ({error}); choose another --out") from error
    before = read_json(path)
    if any(before.get(key) != card[key] for key in ("sha256", "thresholds")):
        raise ConfigError(f"{out / 'aus'} holds what another model said ({path}); choose another --out")


@dataclass(frozen=True, slots=True)
class Job:
    """A video, the shard of its faces, and the table to write."""

    video: Path
    shard: Path
    table: Path

    @classmethod
    def of(cls, ref: SequenceRef, out: Path) -> "Job":
        """The same by absolute paths, for a worker in another folder."""
        out = out.absolute()
        video, table = Path(ref.root) / ref.source, out / "aus" / f"{ref.source}.csv"
        return cls(video, shard_path(out / "faces", ref), table)

    @property
    def done(self) -> bool:
        """Whether the table is there and not older than the faces."""
        return self.table.exists() and self.table.stat().st_mtime >= self.shard.stat().st_mtime


def predict_all(jobs: list[Job], model: Path, gpu: bool) -> Iterator[str]:
    """Carry out ``jobs`` by one map of Ray Data; yields why some failed."""
    import ray

    connect()
    data, there = ray_data(), ray.cluster_resources()
    unit = "GPU" if gpu and there.get("GPU") else "CPU"
    rows = (
        data.from_items([{"job": job} for job in jobs], override_num_blocks=len(jobs))
        .map(
            PredictShard,  # type: ignore[arg-type] - Ray takes a class of callables too
            fn_constructor_args=(str(model.absolute()), unit == "GPU"),
            compute=data.ActorPoolStrategy(size=min(len(jobs), int(there.get(unit, 0)) or 1)),
            num_cpus=1,
            num_gpus=int(unit == "GPU"),
        )
        .iter_rows()
    )
    progress = Progress("videos", len(jobs))
    for row in rows:
        progress.add(faces=row["faces"], failed=bool(row["failed"]))
        if row["failed"]:
            yield row["failed"]
    progress.end()


class PredictShard:
    """Ray Data actor: a shard of faces in, a CSV written, a small row out."""

    def __init__(self, model: str, gpu: bool) -> None:
        import torch

        from au_core.models.checkpoint import load_recognizer
        from au_core.predictor import best_device

        torch.set_num_threads(1)  # one core an actor
        recognizer, self.card = load_recognizer(Path(model))
        self.recognizer = recognizer.to(best_device(gpu))

    def __call__(self, row: dict[str, Job]) -> dict[str, Any]:
        """How many faces there were, and why it failed if it did."""
        from au_core.data.video import open_video
        from au_core.evaluation.shard import predict_shard

        job = row["job"]
        try:
            fps = open_video(job.video).fps
            faces = predict_shard(job.shard, self.recognizer, self.card, fps, job.table)
        except (AuError, OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
            return {"faces": 0, "failed": f"{job.video}: {error}"}
        return {"faces": faces, "failed": ""}


def main(argv: list[str] | None = None) -> None:
    """Apply a model to a folder of videos."""
    parser = argparse.ArgumentParser(description=summary(__doc__), formatter_class=HelpFormatter)
    parser.add_argument("videos", type=Path, help="a folder of videos and pictures, at any depth")
    parser.add_argument("--out", type=Path, required=True, help="CSV files go to OUT/aus, faces to OUT/faces")
    add_model_arguments(parser)
    args = parser.parse_args(argv)
    cfg = with_options(PreprocessConfig(), args)
    tables, n_videos = predict_folder(args.videos, args.model, args.out, cfg, not args.no_gpu)
    missing = f"; {n_videos - len(tables)} of {n_videos} files gave none" if len(tables) < n_videos else ""
    print(f"{len(tables)} tables in {args.out / 'aus'}{missing}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
