"""How many of the coded test frames have a face: all others are missing from every score, unseen."""

from dataclasses import dataclass
from typing import Any

from au_core.data.names import as_planned
from au_core.report.results import Results

ENOUGH = 0.98
"""Share of the coded frames below which the reader is told before any number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """Of one test part: its frames, and its people."""

    coded: int
    """Frames with codes, as far as they could be counted."""
    found: int
    """Those of them with a face."""
    uncounted: int
    """Sequences that failed before their frames were counted."""
    faceless: int
    """People without any face."""

    @property
    def share(self) -> float:
        """Share of the coded frames that can be scored."""
        return self.found / self.coded if self.coded else 1.0

    @property
    def words(self) -> str:
        """All that in words."""
        more = {"people without any": self.faceless, "failed sequences not counted": self.uncounted}
        words = [f"a face in {self.found:,} of {self.coded:,} coded frames"]
        return ", ".join([*words, *(f"{name}: {n}" for name, n in more.items() if n)])


def coverage(results: Results) -> dict[int, Coverage]:
    """By test part, from the rows of ``quality.parquet``; empty where it is missing."""
    people = {run.fold: {*run.plan.test_subjects} for run in results.runs}
    return {
        fold: _counted([row for row in results.sequences if as_planned(row["subject"]) in people[fold]])
        for fold in (results.folds if results.sequences else ())
    }


def _counted(rows: list[dict[str, Any]]) -> Coverage:
    faces: dict[str, int] = {}
    for row in rows:
        faces[row["subject"]] = faces.get(row["subject"], 0) + row["faces_coded"]
    counted = [row for row in rows if row["frames_coded"] is not None]
    return Coverage(
        coded=sum(row["frames_coded"] for row in counted),
        found=sum(row["faces_coded"] for row in counted),
        uncounted=len(rows) - len(counted),
        faceless=sum(n == 0 for n in faces.values()),
    )
