"""Ray Data over the sequences of a dataset: each a shard and a quality row, whatever its worker suffers."""

import faulthandler
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from au_core.config import PreprocessConfig
from au_core.data.files import sweep
from au_core.data.schema import SequenceRef, shard_path
from au_core.face.detect import load_detector
from au_core.face.prepare import Status, failed, prepare_sequence
from pipelines.machinery.cli import Progress
from pipelines.machinery.cluster import connect, ray_data

MAX_ACTORS = 32
"""Actors asked of a cluster whose nodes are still to come."""
TRIES = 3
"""Deaths of a worker over one sequence after which it is not given to another."""
HANG = float(os.environ.get("AU_HANG_SECONDS", "600"))
"""Seconds without a frame (or with a sequence's labels and hashes) that are a hang; its worker is ended."""


def prepare_all(
    refs: list[SequenceRef], cfg: PreprocessConfig, faces: Path
) -> Iterator[tuple[SequenceRef, Status]]:
    """Quality rows as sequences are finished, by one map of Ray Data over all of them."""
    import ray

    connect()
    data = ray_data()
    data.DataContext.get_current().max_consecutive_actor_init_deaths = 10  # a node may go as its actor starts
    cpus = int(ray.cluster_resources().get("CPU", 0)) or MAX_ACTORS  # none yet: nodes come when asked for
    actors, tries = min(len(refs), cpus), faces.absolute() / ".tries"
    shutil.rmtree(tries, ignore_errors=True)
    tries.mkdir(parents=True)
    began = tries.stat().st_mtime  # by the clock of the file system, not ours
    jobs = [{"number": i, "ref": json.dumps(asdict(ref))} for i, ref in enumerate(refs)]
    rows = (
        data.from_items(jobs, override_num_blocks=len(jobs))
        .map(
            PrepareSequence,  # type: ignore[arg-type] - Ray takes a class of callables too
            fn_constructor_args=(cfg, str(faces.absolute()), str(tries)),
            compute=data.ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=2),
            num_cpus=1,
        )
        .iter_rows()
    )
    progress = Progress("sequences", len(refs))
    for row in rows:
        progress.add(
            frames=row["frames_decoded"],
            faces=row["faces_found"],
            lost=lost_frames(row),
            problems=row["status"] != "ok",
        )
        yield refs[row.pop("number")], row
    progress.end()
    _sweep_older(faces, began)
    shutil.rmtree(tries, ignore_errors=True)


def _sweep_older(faces: Path, began: float) -> None:
    """Remove half-written files of killed earlier runs, whose workers may have written until now."""
    for leftover in [*faces.glob("subject=*/.*.tmp"), *faces.glob(".*.tmp")]:
        with suppress(FileNotFoundError):
            if leftover.stat().st_mtime < began:
                leftover.unlink()


def lost_frames(row: Status) -> int:
    """Coded frames without a picture that can be decoded, as far as their number is known."""
    return max(0, (row["frames_coded"] or 0) - row["frames_decoded"])


class PrepareSequence:
    """Ray Data actor: one sequence in, one Parquet shard written, one small quality row out."""

    def __init__(self, cfg: PreprocessConfig, faces: str, tries: str) -> None:
        import cv2

        cv2.setNumThreads(1)  # one core an actor; OpenCV's own threads would fight over it
        self.cfg, self.faces, self.tries = cfg, Path(faces), Path(tries)
        self.detector = None if cfg.detector == "dataset" else load_detector(cfg.detector, cfg, doubtful=True)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """The quality row of one sequence."""
        ref = SequenceRef.from_dict(json.loads(row["ref"]))
        tries = self._try(row["number"])
        if tries > 1:
            sweep(shard_path(self.faces, ref))
        if tries > TRIES:
            reason = f"{TRIES} workers died of it, or hung for {HANG:g} s; see Ray's logs"
            return {"number": row["number"], **failed(ref, reason)}
        _still_alive()
        try:
            status = prepare_sequence(ref, self.detector, self.cfg, self.faces, alive=_still_alive)
        finally:
            faulthandler.cancel_dump_traceback_later()
        return {"number": row["number"], **status}

    def _try(self, number: int) -> int:
        """How many workers have begun with this sequence; Ray would give it to new ones for ever."""
        with (self.tries / str(number)).open("ab") as file:
            file.write(b".")
            return file.tell()


def _still_alive() -> None:
    faulthandler.dump_traceback_later(HANG, exit=True, file=2)
