"""One page per preprocessed dataset: what was found, what was lost, and faces to look at."""

from collections import Counter
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Canvas

from au_core.data.files import write_text
from au_core.face.judge import FLAGS
from au_core.report.blocks import Figure, Section, Table, html
from au_core.report.drawing import COLOURS, STYLE, png_bytes
from au_core.report.survey import BINS, EDGE, Person, Survey, survey

LONGEST = 200
"""Rows of a table, and people shown, beyond which the page says where the rest stands."""
MEAN_SCALE = 2
LIMITS = {
    "confidence": "min_confidence",
    "yaw": "max_angle",
    "roll": "max_angle",
    "brightness": "min_brightness",
    "sharpness": "min_sharpness",
}
"""The setting whose value is drawn into each histogram, of an angle on both sides."""


def write_quality_report(faces: Path) -> Path:
    """Write ``report.html`` into a folder of face shards; returns its path.

    Raises:
        DatasetError: the folder holds no shards.
    """
    found, page = survey(faces), faces / "report.html"
    write_text(html(f"Faces: {faces.absolute().parent.name}", notice(found), build_sections(found)), page)
    return page


def notice(found: Survey) -> str:
    """The whole in one sentence."""
    coded = sum(row["frames_coded"] or 0 for row in found.quality)
    decoded = sum(row["frames_decoded"] for row in found.quality)
    status, people = (
        Counter(row["status"] for row in found.quality),
        {row["subject"] for row in found.quality},
    )
    share = sum(row["faces_found"] for row in found.quality) / max(decoded, 1)
    words, in_all = (f"{coded:,} coded frames; ", " in all") if coded else ("", "")
    return (
        f"{len(found.quality)} sequences of {len(people)} people, {status['failed']} failed, "
        f"{status['partial']} with losses: {words}{decoded:,} frames{in_all} were decoded, a face in "
        f"{100 * share:.1f} % of these."
    )


def build_sections(found: Survey) -> list[Section]:
    """All sections for which there is something to show."""
    sections = [
        Section("What was found", [_flag_table(found), _sequence_summary(found)]),
        Section("Losses", [_loss_table(found)]),
        Section("Mean face", [_mean_face(found.people)]),
        Section("Confidence, pose, light and sharpness", [_histograms(found)]),
        Section("AU rates", [_rate_table(found)] if found.aus else []),
        Section("People", _sheets(found.people)),
        Section("Settings", [_settings(found)]),
    ]
    return [section for section in sections if section.blocks]


def _flag_table(found: Survey) -> Table:
    frames = max(sum(person.frames for person in found.people), 1)
    rows = [
        (flag, f"{n:,}", f"{100 * n / frames:.2f}", FLAGS[flag]) for flag in FLAGS if (n := found.flags[flag])
    ]
    return Table(
        caption="Frames with a flag, from the `flagged` column of the face rows; a frame can have several. "
        "A flagged face is kept, unless its row says that there is none.",
        header=("Flag", "frames", "% of frames", "meaning"),
        rows=tuple(rows) or (("none", "0", "0", "no frame was flagged"),),
    )


def _sequence_summary(found: Survey) -> Table:
    status = Counter(row["status"] for row in found.quality)
    lost = sum(row["frames_lost"] for row in found.quality)
    counts = {"ok": status["ok"], "partial": status["partial"], "failed": status["failed"]}
    return Table(
        caption="Sequences by status, and frames that should be there and could not be decoded.",
        header=("", *counts, "frames lost"),
        rows=(("sequences", *(f"{n:,}" for n in counts.values()), f"{lost:,}"),),
    )


def _loss_table(found: Survey) -> Table:
    rows = [row for row in found.quality if row["status"] != "ok" or row["reason"] or row["flagged"]]
    rows.sort(key=lambda row: ("failed", "partial", "ok").index(row["status"]))
    more = f" The first {LONGEST} of {len(rows)}." if len(rows) > LONGEST else ""
    return Table(
        caption="Sequences with losses or remarks, failed ones first, from `quality.parquet`." + more,
        header=("Sequence", "frames", "why"),
        rows=tuple(
            (" ".join(dict.fromkeys([row["subject"], row["sequence"]])), _frames(row), _why(row))
            for row in rows[:LONGEST]
        ) or (("none", "", ""),),
        numeric=False,
    )  # fmt: skip


def _frames(row: dict) -> str:
    listed = f" of {row['frames_decoded'] + row['frames_lost']:,}" if row["frames_lost"] else ""
    return f"{row['status']}: {row['frames_decoded']:,}{listed} decoded, {row['faces_found']:,} with a face"


def _why(row: dict) -> str:
    return "; ".join(filter(None, [row["reason"], row["flagged"]]))


def _mean_face(people: list[Person]) -> Figure:
    """The mean over people of each one's mean; features stand out where alignment is good."""
    means = [np.mean(person.faces, axis=0) for person in people if person.faces]
    mean = np.mean(means, axis=0).astype(np.uint8) if means else np.zeros((EDGE, EDGE, 3), np.uint8)
    large = cv2.resize(mean, None, fx=MEAN_SCALE, fy=MEAN_SCALE, interpolation=cv2.INTER_CUBIC)
    return Figure(
        name="mean_face",
        caption=f"Mean of the faces shown below, {len(means)} people with equal weight. Eyes and mouth "
        "should be sharp and the nose upright.",
        alt="The mean of the aligned faces",
        png=cv2.imencode(".png", large)[1].tobytes(),
    )


@mpl.rc_context(STYLE)
def _histograms(found: Survey) -> Figure:
    canvas = Canvas(figsize=(11, 2.4), layout="constrained")
    for ax, (name, edges) in zip(canvas.subplots(1, len(BINS)), BINS.items(), strict=True):
        ax.stairs(found.histograms[name], edges, fill=True, color=COLOURS[0], alpha=0.6)
        limit = found.settings.get(LIMITS[name])
        if limit is not None:
            for mark in {limit, -limit} if LIMITS[name] == "max_angle" else {limit}:
                ax.axvline(mark, color=COLOURS[1], lw=1)
        ax.set(title=name, xscale="log" if name == "sharpness" else "linear", yticks=[])
    return Figure(
        name="histograms",
        caption="Main faces by the detector's confidence (none where the dataset's landmarks were used), yaw "
        "and roll in degrees, mean grey value and variance of the Laplacian; lines are thresholds.",
        alt="Five histograms: confidence, yaw, roll, brightness, sharpness",
        png=png_bytes(canvas),
    )


def _rate_table(found: Survey) -> Table:
    everybody = Person("all")
    for person in found.people:
        everybody.frames += person.frames
        everybody.found += person.found
        everybody.active.update(person.active)
        everybody.coded.update(person.coded)
    kind = f"codes from {found.active_from} on"
    more = f" The first {LONGEST} of {len(found.people)} people." if len(found.people) > LONGEST else ""
    return Table(
        caption=f"Share of the coded frames in which an AU is active ({kind}), in percent, by person.{more}",
        header=("Person", "all frames", "with a face", *found.aus),
        rows=tuple(_rates(person, found.aus) for person in [everybody, *found.people[:LONGEST]]),
    )


def _rates(person: Person, aus: list[str]) -> tuple[str, ...]:
    rates = (f"{100 * person.active[au] / person.coded[au]:.1f}" if person.coded[au] else "-" for au in aus)
    return person.name, f"{person.frames:,}", f"{person.found:,}", *rates


def _sheets(people: list[Person]) -> list[str | Table | Figure]:
    shown = [person for person in people if person.faces][:LONGEST]
    missing = [person.name for person in people if not person.faces]
    blocks: list[str | Table | Figure] = [_sheet(person) for person in shown]
    if missing:
        blocks.append(f"Without any face: {', '.join(missing[:LONGEST])}.")
    if len(people) > len(shown) + len(missing):
        blocks.append(f"The first {len(shown)} of {len(people)} people.")
    return blocks


def _sheet(person: Person) -> Figure:
    """A person's faces side by side."""
    return Figure(
        name=f"person_{person.name}",
        caption=f"{person.name}: a face in {person.found:,} of {person.frames:,} frames.",
        alt=f"Faces of {person.name}",
        png=cv2.imencode(".jpg", np.hstack(person.faces), [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes(),
    )


def _settings(found: Survey) -> Table:
    return Table(
        caption="Settings, from the metadata of the shards.",
        header=("Setting", "value"),
        rows=tuple((name, str(value)) for name, value in sorted(found.settings.items())),
        numeric=False,
    )
