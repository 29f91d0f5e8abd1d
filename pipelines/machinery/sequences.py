"""Ray Data over the sequences of a dataset: each a shard and a quality row, whatever its worker suffers."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from au_core.config import PreprocessConfig
from au_core.data.files import remove_leftovers, remove_leftovers_below
from au_core.data.schema import SequenceRef, shard_path
from au_core.face.detect import load_detector
from au_core.face.prepare import Status, failed, prepare_sequence
from pipelines.machinery.cli import Progress
from pipelines.machinery.jobs import JobActor, fresh_tries, map_jobs, still_alive


def prepare_all(
    refs: list[SequenceRef], cfg: PreprocessConfig, faces: Path
) -> Iterator[tuple[SequenceRef, Status]]:
    """Quality rows as sequences are finished."""
    tries, jobs = fresh_tries(faces), [json.dumps(asdict(ref)) for ref in refs]
    began = tries.stat().st_mtime  # by the clock of the file system, not ours
    progress = Progress("sequences", len(refs))
    for number, row in map_jobs(PrepareSequence, (cfg, faces.absolute()), jobs, tries):
        progress.add(
            frames=row["frames_decoded"],
            faces=row["faces_found"],
            lost=row["frames_lost"],
            problems=row["status"] != "ok",
        )
        yield refs[number], row
    progress.end()
    remove_leftovers_below(faces, began)  # of killed earlier runs, whose workers may have written until now


class PrepareSequence(JobActor):
    """One sequence in, one Parquet shard written, one small quality row out."""

    def __init__(self, cfg: PreprocessConfig, faces: Path, tries: Path) -> None:
        JobActor.__init__(self, tries)  # super() fails in a class that travels by value, as a test's does
        self.cfg, self.faces = cfg, faces
        self.detector = None if cfg.detector == "dataset" else load_detector(cfg, doubtful=True)

    def work(self, job: str, again: bool) -> Status:
        """The quality row of one sequence."""
        ref = SequenceRef.from_dict(json.loads(job))
        if again:
            remove_leftovers(shard_path(self.faces, ref))
        return prepare_sequence(ref, self.detector, self.cfg, self.faces, alive=still_alive)

    def give_up(self, job: str, reason: str) -> Status:
        """An earlier shard goes, and what its last worker left half-written."""
        ref = SequenceRef.from_dict(json.loads(job))
        shard_path(self.faces, ref).unlink(missing_ok=True)
        remove_leftovers(shard_path(self.faces, ref))
        return failed(ref, reason)
