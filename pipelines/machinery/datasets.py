"""A dataset before its faces are found: what is listed, what may not be done to faces that are there."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from au_core.config import PreprocessConfig
from au_core.data.layouts import LAYOUTS, manifest
from au_core.data.layouts.videos import other_kinds
from au_core.data.provenance import shard_metadata
from au_core.data.readers import list_sequences
from au_core.data.schema import SequenceRef, shard_path, shards
from au_core.data.video import is_picture
from au_core.errors import ConfigError
from au_core.face.detect import load_detector
from au_core.face.prepare import settings_of
from au_core.face.yunet import fetch_yunet

MANY = 100
"""Single pictures among unlabelled videos of which people are told: they may be meant for frames of one."""


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


def list_dataset(
    layout: str,
    data: Path,
    faces: Path,
    cfg: PreprocessConfig,
    name: str = "",
    base: Path | None = None,
) -> Dataset:
    """The sequences of a dataset, whose faces will be written to ``faces``.

    Where list files of two datasets lie together, those of the dataset called ``name`` are meant. The paths
    of a manifest begin in ``base``, by default in its own folder.

    Raises:
        AuError: it cannot be listed, or the detector cannot be had.
    """
    base = base and base.absolute()
    refs = list_sequences(layout, data.absolute(), cfg.camera, name, base, cfg.uncoded)
    for remark in _remarks(layout, data.absolute(), base, refs, cfg):
        print(f"{data}: {remark}", file=sys.stderr)
    cfg = with_detector_file(layout, cfg)
    if cfg.detector == "dataset" and not any(ref.landmarks for ref in refs):
        raise ConfigError(f"{data}: no landmark files of these {len(refs)} sequences; use --detector yunet")
    return Dataset(refs, faces, cfg)


def _remarks(
    layout: str, data: Path, base: Path | None, refs: Sequence[SequenceRef], cfg: PreprocessConfig
) -> list[str]:
    """What to tell of a dataset that is listed: mostly, what of it is passed over."""
    if layout == "manifest":
        return manifest.remarks(data, base)
    if LAYOUTS[layout].uncoded:
        all_of_it = refs if cfg.uncoded else list_sequences(layout, data, uncoded=1)
        return _without_labels([ref for ref in all_of_it if not ref.labels], cfg)
    if layout != "videos":
        return []
    others, single = other_kinds(data), sum(is_picture(Path(ref.source)) for ref in refs)
    remarks = [f"{others} are passed over"] if others else []
    if single >= MANY:
        remarks.append(f"{single:,} pictures are a sequence each; a folder of alike numbered ones is one")
    return remarks


def _without_labels(refs: Sequence[SequenceRef], cfg: PreprocessConfig) -> list[str]:
    """What becomes of sequences that have pictures and no label file."""
    if not refs:
        return []
    fate = "they join T2" if cfg.uncoded else "left out (with --uncoded N they join T2)"
    return [f"{len(refs)} sequences have no label file, such as {refs[0].subject} {refs[0].sequence}: {fate}"]


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
    load_detector(cfg)
    return cfg


def check_uncoded(cfg: PreprocessConfig, layouts: Sequence[str]) -> None:
    """Make sure that ``cfg.uncoded`` means something for the data in these ``layouts``, none if it is drawn.

    Raises:
        ConfigError: nobody left a frame uncoded there.
    """
    if cfg.uncoded and not any(LAYOUTS[layout].uncoded for layout in layouts):
        whose = f"{' and '.join(layouts)} is" if layouts else "drawn people are"
        known = ", ".join(name for name, facts in LAYOUTS.items() if facts.uncoded)
        raise ConfigError(
            f"--uncoded {cfg.uncoded}: {whose} coded in every frame; expected one of the layouts {known}"
        )


def orphans(refs: list[SequenceRef], faces: Path) -> list[Path]:
    """Shards in ``faces`` of sequences that are not in the dataset (any more)."""
    return sorted(set(shards(faces)) - {shard_path(faces, ref) for ref in refs})


def refuse_labelled(unlabelled: Sequence[Dataset], labelled: Sequence[Dataset]) -> None:
    """Make sure that no unlabelled video is a labelled one, or a part of it.

    Raises:
        ConfigError: one is, so that test people would be trained on.
    """
    if not unlabelled:
        return
    taken = {path for dataset in labelled for ref in dataset.refs for path in _places(ref)}
    within = {folder for path in taken for folder in path.parents}
    for ref in (ref for dataset in unlabelled for ref in dataset.refs):
        for path in _places(ref):
            if path in within or not taken.isdisjoint([path, *path.parents]):
                raise ConfigError(
                    f"--unlabelled {ref.root}: {ref.source} is of the labelled data, so folds would be "
                    "trained on the faces of their own test people; expected other video (--uncoded N takes "
                    "frames that nobody coded, of training people alone)"
                )


def _places(ref: SequenceRef) -> list[Path]:
    """What a sequence is decoded from, wherever links lead."""
    return [Path(os.path.realpath(Path(ref.root, name))) for name in (ref.source, *ref.more_sources)]


def refuse_leftovers(dataset: Dataset) -> None:
    """Make sure that nobody is trained on or scored who is not in the dataset (any more).

    Raises:
        ConfigError: there are faces of earlier data.
    """
    if left := orphans(dataset.refs, dataset.faces):
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
        option = f"--{other[0].replace('_', '-')} {before.get(other[0])}"
        is_number = type(before.get(other[0])) in (int, float) and hasattr(dataset.cfg, other[0])
        go_on = f"go on with {option}, " if is_number else ""
        raise ConfigError(
            f"{dataset.faces}: these faces were made with {other[0]} {before.get(other[0])}, not "
            f"{now[other[0]]}, and {trained[0].parent} was trained on them; {go_on}choose another --out, or "
            "remove faces, runs and sweeps to begin anew"
        )
    for ref in dataset.refs:
        source, shard = Path(ref.root) / ref.source, shard_path(dataset.faces, ref)
        if not source.exists() and shard.exists():
            raise ConfigError(
                f"{source}: not there any more, and {trained[0].parent} was trained on its faces; bring it "
                f"back (is a disk not mounted?), choose another --out, or remove {shard} to go on without it"
            )
