"""From a dataset's own files to aligned faces in Parquet, one shard per sequence, every frame accounted for.

uv run pipelines/preprocess.py --layout bp4d --data BP4D --out OUT --detector yunet
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from au_core.config import LAYOUTS, PreprocessConfig
from au_core.data.files import write_table
from au_core.data.readers import list_sequences
from au_core.data.schema import QUALITY, SequenceRef
from au_core.errors import ConfigError, DatasetError
from au_core.face.detect import fetch_yunet, load_detector
from au_core.face.prepare import Status, finished, prepare_sequence
from pipelines.cli import Progress, run, summary

MAX_ACTORS = 32
"""Actors asked of a cluster whose nodes are still to come."""


def preprocess(layout: str, data: Path, faces: Path, cfg: PreprocessConfig) -> pa.Table:
    """Write the face shards and ``quality.parquet`` of a dataset to ``faces``; returns the quality rows.

    Sequences whose files and settings have not changed are passed over; failed ones are tried again.

    Raises:
        AuError: the dataset cannot be listed, the detector cannot be had, or every sequence failed.
    """
    refs, cfg = list_sequences(layout, data), _checked(layout, cfg)
    done = [finished(ref, cfg, faces) for ref in refs]
    status = {ref: row for ref, row in zip(refs, done, strict=True) if row}
    todo = [ref for ref in refs if ref not in status]
    try:
        for ref, row in _prepare_all(todo, cfg, faces) if todo else ():
            status[ref] = row
    finally:
        table = _write_quality([status[ref] for ref in refs if ref in status], faces)
    _tell(table, len(todo), faces)
    return table


def _checked(layout: str, cfg: PreprocessConfig) -> PreprocessConfig:
    """Make sure of the detector before any worker starts; a fetched one is a path from here on."""
    if cfg.detector == "dataset":
        if layout in ("videos", "manifest"):
            raise ConfigError(f"{layout}: no landmark files in this layout; use --detector yunet or a path")
        return cfg
    model = fetch_yunet() if cfg.detector == "yunet" else Path(cfg.detector).absolute()
    cfg = replace(cfg, detector=str(model))
    load_detector(cfg.detector, cfg)
    return cfg


def _prepare_all(
    refs: list[SequenceRef], cfg: PreprocessConfig, faces: Path
) -> Iterator[tuple[SequenceRef, Status]]:
    """Quality rows as sequences are finished, by one map of Ray Data over all of them."""
    import ray

    from pipelines.cluster import connect

    connect()
    ray.data.DataContext.get_current().enable_progress_bars = False  # one line of our own says more
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # which importing ray.data has set itself
    cpus = int(ray.cluster_resources().get("CPU", 0)) or MAX_ACTORS  # none yet: nodes come when asked for
    actors = min(len(refs), cpus)
    jobs = [{"number": i, "ref": json.dumps(asdict(ref))} for i, ref in enumerate(refs)]
    rows = (
        ray.data.from_items(jobs, override_num_blocks=len(jobs))
        .map(
            PrepareSequence,  # type: ignore[arg-type] - Ray takes a class of callables too
            fn_constructor_args=(cfg, str(faces.absolute())),
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_cpus=1,
        )
        .iter_rows()
    )
    progress = Progress("sequences", len(refs))
    for row in rows:
        progress.add(frames=row["frames_decoded"], faces=row["faces_found"], problems=row["status"] != "ok")
        yield refs[row.pop("number")], row
    progress.end()


class PrepareSequence:
    """Ray Data actor: one sequence in, one Parquet shard written, one small quality row out."""

    def __init__(self, cfg: PreprocessConfig, faces: str) -> None:
        import cv2

        cv2.setNumThreads(1)  # one core an actor; OpenCV's own threads would fight over it
        self.cfg, self.faces = cfg, Path(faces)
        self.detector = None if cfg.detector == "dataset" else load_detector(cfg.detector, cfg)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """The quality row of one sequence."""
        ref = SequenceRef.from_dict(json.loads(row["ref"]))
        return {"number": row["number"], **prepare_sequence(ref, self.detector, self.cfg, self.faces)}


def _write_quality(rows: list[Status], faces: Path) -> pa.Table:
    table = pa.Table.from_pylist(rows, QUALITY)
    write_table(table, faces / "quality.parquet")
    return table


def _tell(table: pa.Table, n_new: int, faces: Path) -> None:
    """Say in a few lines what came of it.

    Raises:
        DatasetError: every sequence failed.
    """
    rows = table.to_pylist()
    bad = [row for row in rows if row["status"] != "ok"]
    found, decoded = (sum(row[key] for row in rows) for key in ("faces_found", "frames_decoded"))
    print(
        f"faces: {len(rows)} sequences ({n_new} new), {decoded:,} frames, a face in {found:,}; "
        f"{len(bad)} with problems, listed in {faces / 'quality.parquet'}",
        file=sys.stderr,
    )
    for row in bad[:5]:
        print(f"  {row['status']}: {row['subject']} {row['sequence']}: {row['reason']}", file=sys.stderr)
    if rows and all(row["status"] == "failed" for row in rows):
        raise DatasetError(f"each of {len(rows)} sequences failed, the first: {rows[0]['reason']}")


def main(argv: list[str] | None = None) -> None:
    """Preprocess a dataset."""
    default = PreprocessConfig()
    parser = argparse.ArgumentParser(
        description=summary(__doc__), formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--layout", required=True, help=f"how --data is laid out: {', '.join(LAYOUTS)}")
    parser.add_argument("--data", type=Path, required=True, help="the dataset's folder (or a manifest's CSV)")
    parser.add_argument("--out", type=Path, required=True, help="faces go to OUT/faces")
    parser.add_argument(
        "--detector", default=default.detector, help="dataset (its landmarks), yunet, or a YuNet file"
    )
    parser.add_argument("--size", type=int, default=default.size, help="edge of the faces in pixels")
    parser.add_argument("--detect-side", type=int, default=default.detect_side, help="longest side searched")
    parser.add_argument(
        "--min-confidence", type=float, default=default.min_confidence, help="lowest score of a face"
    )
    parser.add_argument("--all-faces", action="store_true", help="keep every face (always so for videos)")
    args = parser.parse_args(argv)
    cfg = PreprocessConfig(
        detector=args.detector,
        size=args.size,
        detect_side=args.detect_side,
        min_confidence=args.min_confidence,
        all_faces=args.all_faces or args.layout == "videos",
    )
    preprocess(args.layout, args.data, args.out / "faces", cfg)


if __name__ == "__main__":
    run(main)
