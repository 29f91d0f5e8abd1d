"""From a dataset's own files to aligned faces in Parquet, one shard per sequence, every frame accounted for.

uv run pipelines/preprocess.py --layout bp4d --data BP4D --out OUT --detector yunet
"""

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from au_core.config import PreprocessConfig
from au_core.data.files import raise_if_full, write_bytes
from au_core.data.layouts import LAYOUTS
from au_core.data.layouts.videos import other_kinds
from au_core.data.locks import held_alone
from au_core.data.provenance import lost_frames, read_quality, shard_metadata, write_quality
from au_core.data.readers import list_sequences
from au_core.data.schema import SequenceRef, shard_path, shards
from au_core.errors import ConfigError, DatasetError
from au_core.face.detect import fetch_yunet, load_detector
from au_core.face.prepare import Status, finished, settings_of
from pipelines.machinery.cli import run, summary
from pipelines.machinery.options import HelpFormatter, add_fields, with_options
from pipelines.machinery.sequences import prepare_all

TOLD = 5
"""Problems that are told at once; all are in ``quality.parquet``."""
SAVE_EVERY = 30
"""Seconds between two writings of ``quality.parquet``."""


def preprocess(layout: str, data: Path, faces: Path, cfg: PreprocessConfig) -> pa.Table:
    """:func:`list_dataset`, then :func:`find_faces`."""
    return find_faces(list_dataset(layout, data, faces, cfg))


@dataclass(frozen=True)
class Dataset:
    """A dataset that was listed: what there is to do, and where to."""

    refs: list[SequenceRef]
    faces: Path
    cfg: PreprocessConfig

    @property
    def subjects(self) -> list[str]:
        """Everyone in it."""
        return sorted({ref.subject for ref in self.refs})


def list_dataset(layout: str, data: Path, faces: Path, cfg: PreprocessConfig, name: str = "") -> Dataset:
    """The sequences of a dataset, whose faces will be written to ``faces``.

    Where list files of two datasets lie together, those of the dataset called ``name`` are meant.

    Raises:
        AuError: it cannot be listed, or the detector cannot be had.
    """
    refs = list_sequences(layout, data.absolute(), cfg.camera, name)
    if layout == "videos" and (others := other_kinds(data)):
        print(f"{data}: {others} are passed over", file=sys.stderr)
    return Dataset(refs, faces, with_detector_file(layout, cfg))


def find_faces(dataset: Dataset) -> pa.Table:
    """Write the face shards and ``quality.parquet`` of a dataset; returns the quality rows.

    Sequences whose files and settings have not changed are passed over; failed ones are tried again.

    Raises:
        AuError: every sequence failed, the disk is full, or another command is at it.
    """
    refs, faces = dataset.refs, dataset.faces
    status = _finished(refs, dataset.cfg, faces)
    todo = [ref for ref in refs if ref not in status]
    with held_alone(faces) if todo else nullcontext():  # trainings that read them need not end for nothing
        table = _prepare(todo, status, dataset)
    _tell(table, len(todo), _orphans(refs, faces), faces)
    return table


def _prepare(todo: list[SequenceRef], status: dict[SequenceRef, Status], dataset: Dataset) -> pa.Table:
    """Make the shards of ``todo``; ``quality.parquet`` has what is ready at any time."""

    def save() -> pa.Table:
        rows = [status[ref] for ref in dataset.refs if ref in status]
        return write_quality(rows, len(dataset.refs), dataset.faces)

    table, saved = save(), time.monotonic()
    if not todo:
        return table
    cfg = with_detector_beside(dataset.cfg, dataset.faces)
    try:
        for ref, row in prepare_all(todo, cfg, dataset.faces):
            status[ref] = row
            if time.monotonic() - saved > SAVE_EVERY:
                save()
                saved = time.monotonic()
    finally:
        table = save()
    return table


def _finished(refs: list[SequenceRef], cfg: PreprocessConfig, faces: Path) -> dict[SequenceRef, Status]:
    """Quality rows of what an earlier run made of the same files with the same settings."""
    last = {(row["subject"], row["sequence"]): row for row in read_quality(faces)}
    with ThreadPoolExecutor(8) as pool:
        done = pool.map(lambda ref: finished(ref, cfg, faces, last.get((ref.subject, ref.sequence))), refs)
        return {ref: row for ref, row in zip(refs, done, strict=True) if row}


def _orphans(refs: list[SequenceRef], faces: Path) -> list[Path]:
    """Shards in ``faces`` of sequences that are not in the dataset (any more)."""
    return sorted(set(shards(faces)) - {shard_path(faces, ref) for ref in refs})


def refuse_leftovers(dataset: Dataset) -> None:
    """Make sure that nobody is trained on or scored who is not in the dataset (any more).

    Raises:
        ConfigError: there are faces of earlier data.
    """
    if left := _orphans(dataset.refs, dataset.faces):
        raise ConfigError(
            f"{left[0]}: of a sequence that is not in this dataset ({len(left)} such shards); remove them, "
            f"or {dataset.faces}, which is then made anew, or choose another --out"
        )


def refuse_to_redo(dataset: Dataset, out: Path) -> None:
    """Make sure that no faces are lost that trainings in ``out`` learned from.

    Raises:
        ConfigError: the settings are not those of the faces that are there, or what faces were made from is
            gone: a disk that is not mounted, say.
    """
    shard = next((path for ref in dataset.refs if (path := shard_path(dataset.faces, ref)).exists()), None)
    trained = [*out.glob("runs/*/*/*/*/config.json"), *out.glob("sweeps/*/*/*/*/config.json")]
    if shard is None or not trained:
        return
    before = json.loads(shard_metadata(shard).get("settings", "{}"))
    now = json.loads(settings_of(dataset.cfg, dataset.refs[0].layout))
    if other := [name for name in now if before.get(name) != now[name]]:
        raise ConfigError(
            f"{dataset.faces}: these faces were made with {other[0]} {before.get(other[0])}, not "
            f"{now[other[0]]}, and {trained[0].parent} was trained on them; choose another --out, or remove "
            "faces, runs and sweeps to begin anew"
        )
    for ref in dataset.refs:
        source, shard = Path(ref.root) / ref.source, shard_path(dataset.faces, ref)
        if not source.exists() and shard.exists():
            raise ConfigError(
                f"{source}: not there any more, and {trained[0].parent} was trained on its faces; bring it "
                f"back (is a disk not mounted?), choose another --out, or remove {shard} to go on without it"
            )


def with_detector_beside(cfg: PreprocessConfig, faces: Path) -> PreprocessConfig:
    """The detector's file copied to where all nodes see it: this machine's cache is no other's."""
    if cfg.detector == "dataset":
        return cfg
    content, path = Path(cfg.detector).read_bytes(), faces.absolute() / ".detector.onnx"
    if not path.exists() or path.read_bytes() != content:
        write_bytes(content, path)
    return replace(cfg, detector=str(path))


def with_detector_file(layout: str, cfg: PreprocessConfig) -> PreprocessConfig:
    """Make sure of the detector before any worker starts; a fetched one is a path from here on.

    Raises:
        AuError: it cannot be had, or the layout brings no landmarks to do without one.
    """
    if cfg.detector == "dataset":
        if not LAYOUTS[layout].landmarks:
            raise ConfigError(f"{layout}: no landmark files in this layout; use --detector yunet or a path")
        return cfg
    model = fetch_yunet() if cfg.detector == "yunet" else Path(cfg.detector).absolute()
    cfg = replace(cfg, detector=str(model))
    load_detector(cfg.detector, cfg)
    return cfg


def _tell(table: pa.Table, n_new: int, orphans: list[Path], faces: Path) -> None:
    """Say in a few lines what came of it.

    Raises:
        FullDiskError: some failed for want of room.
        DatasetError: every sequence failed.
    """
    rows = table.to_pylist()
    bad = [row for row in rows if row["status"] != "ok"]
    failed = sum(row["status"] == "failed" for row in bad)
    found, decoded = (sum(row[key] for row in rows) for key in ("faces_found", "frames_decoded"))
    print(
        f"faces: {len(rows)} sequences ({n_new} new), {decoded:,} frames, a face in {found:,}, "
        f"{sum(map(lost_frames, rows)):,} lost; "
        f"{len(bad)} with problems ({failed} failed), listed in {faces / 'quality.parquet'}",
        file=sys.stderr,
    )
    for row in bad[:TOLD]:
        print(f"  {row['status']}: {row['subject']} {row['sequence']}: {row['reason']}", file=sys.stderr)
    if bad[TOLD:]:
        print(f"  and {len(bad) - TOLD} more", file=sys.stderr)
    if orphans:
        print(
            f"  {len(orphans)} shards are of sequences that are not in this dataset, such as "
            f"{orphans[0]}; remove them if they are no longer wanted",
            file=sys.stderr,
        )
    raise_if_full(row["reason"] for row in bad)
    if rows and failed == len(rows):
        raise DatasetError(f"each of {len(rows)} sequences failed, the first: {rows[0]['reason']}")


def main(argv: list[str] | None = None) -> None:
    """Preprocess a dataset."""
    default = PreprocessConfig()
    parser = argparse.ArgumentParser(description=summary(__doc__), formatter_class=HelpFormatter)
    parser.add_argument("--layout", required=True, help=f"how --data is laid out: {', '.join(LAYOUTS)}")
    parser.add_argument("--data", type=Path, required=True, help="the dataset's folder (or a manifest's CSV)")
    parser.add_argument("--out", type=Path, required=True, help="faces go to OUT/faces")
    parser.add_argument("--report", action="store_true", help="draw OUT/faces/report.html: look at it")
    add_fields(parser, PreprocessConfig, "from a frame to a face", default)
    args = parser.parse_args(argv)
    default = replace(default, all_faces=args.layout == "videos")
    cfg = with_options(default, args)
    dataset = list_dataset(args.layout, args.data, args.out / "faces", cfg)
    refuse_to_redo(dataset, args.out)
    find_faces(dataset)
    if args.report:
        from au_core.report.quality import write_quality_report

        print(f"report: {write_quality_report(args.out / 'faces')}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
