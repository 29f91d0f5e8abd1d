"""An experiment on disk: its recipe, its data, its output folder; shared by the commands that train."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from au_core.aus import DatasetSpec
from au_core.config import ExperimentConfig
from au_core.data.faces import are_drawn, fingerprint, list_au_numbers, list_subjects, list_uncoded
from au_core.data.files import write_json
from au_core.data.fold import Sources, further_of
from au_core.data.layouts import LAYOUTS
from au_core.data.locks import held_together
from au_core.data.names import as_planned, readable
from au_core.data.prior import load_label_prior
from au_core.data.provenance import made_with, n_unprepared, read_quality
from au_core.errors import ConfigError
from au_core.fold_plan import FoldPlan
from au_core.plans import plan_runs
from au_core.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """A recipe applied to data, written to one folder."""

    cfg: ExperimentConfig
    out: Path
    data: Path | None = None
    """The labelled dataset in its own layout; None: the twin is drawn."""
    root: Path | None = None
    """Folder in which the paths of a manifest begin; None: its own."""
    unlabelled: Path | None = None
    """Folder of more video for T2."""
    also: tuple[tuple[str, Path], ...] = ()
    """Further labelled datasets (layout, folder), all of which every fold trains on."""

    @property
    def faces(self) -> Path:
        """Shards of the labelled dataset."""
        return self.out / "faces"

    @property
    def unlabelled_faces(self) -> Path | None:
        """Shards of the unlabelled video, None where there is none."""
        return self.out / "faces_unlabelled" if self.unlabelled else None

    @property
    def also_faces(self) -> dict[str, Path]:
        """Shards of the further labelled datasets, by layout."""
        return {layout: self.out / "faces_also" / layout for layout, _ in self.also}

    @property
    def sources(self) -> Sources:
        """Everything a training reads."""
        also = ((path, LAYOUTS[layout].active_from) for layout, path in self.also_faces.items())
        return Sources(coded=self.faces, also=tuple(also), unlabelled=self.unlabelled_faces)

    def plans(self) -> list[FoldPlan]:
        """Its trainings.

        Raises:
            ConfigError: there are no faces yet, or some of data that was not prepared with the rest.
            DatasetError: the label prior is unreadable.
        """
        self._check_faces()
        cfg = replace(self.cfg, spec=replace(self.cfg.spec, aus=self._aus(self.cfg.spec)))
        if prior := cfg.adversarial.label_prior:
            load_label_prior(Path(prior), cfg.spec.columns)  # refused here, before anything is begun
        further = cache(lambda game: further_of(self.sources, game, cfg.train))
        return plan_runs(cfg, self._subjects(), fingerprint(self.faces), further, self._uncoded())

    def _uncoded(self) -> set[str]:
        """People of whom nothing is coded, also if one video fails."""
        if self.cfg.spec.aus and not made_with(self.faces).get("uncoded"):
            return set()  # published datasets are coded
        coded = (row["subject"] for row in read_quality(self.faces) if row["frames_coded"] != 0)
        return list_uncoded(self.faces) - {*map(as_planned, coded)}

    def _subjects(self) -> list[str]:
        """Everyone in the dataset, also who has no face: folds must not change when one video fails."""
        listed = {as_planned(row["subject"]) for row in read_quality(self.faces)}
        there = list_subjects(self.faces)
        if listed and (more := [subject for subject in there if subject not in listed]):
            raise ConfigError(
                f"{self.faces}: {more[0]} is not in quality.parquet, which lists what was prepared last "
                f"({len(more)} such people); prepare all data in one command, or remove their folders"
            )
        return sorted(listed) or there

    def plans_by_fold(self, folds: Sequence[int] | None) -> dict[int, FoldPlan]:
        """The training of each of the ``folds``, by default of the first, where there is one for each.

        Raises:
            ConfigError: as :meth:`plans`, or the protocol has no such test part.
        """
        found = self.plans()
        plans = {plan.fold: plan for plan in found}
        assert len(plans) == len(found), "more than one training of a fold"
        folds = folds or [min(plans)]
        if unknown := [fold for fold in folds if fold not in plans]:
            raise ConfigError(
                f"no fold {unknown[0]} in {self.cfg.protocol}; its test parts are {sorted(plans)}"
            )
        return {fold: plans[fold] for fold in folds}

    def _check_faces(self) -> None:
        makers = {self.faces: " or preprocess.py"}
        makers |= {self.also_faces[layout]: f" --also {layout}={path}" for layout, path in self.also}
        if self.unlabelled_faces:
            makers[self.unlabelled_faces] = f" --unlabelled {self.unlabelled}"
        for folder, more in makers.items():
            if not list_subjects(folder):
                raise ConfigError(f"{folder}: no faces; first run pipelines/full_protocol.py{more}")
            if (folder / "quality.parquet").exists() and not read_quality(folder):
                raise ConfigError(
                    f"{folder / 'quality.parquet'}: damaged, or of another version, and folds depend on whom "
                    f"it lists; first run pipelines/full_protocol.py{more}"
                )
            if unprepared := n_unprepared(folder):
                raise ConfigError(
                    f"{folder}: {unprepared} sequences are still to be prepared; let the command that was "
                    "interrupted there come to its end, or folds would be of other people"
                )

    def _aus(self, spec: DatasetSpec) -> tuple[int, ...]:
        """The union of all datasets' AUs; a manifest and lists bring their own."""
        aus = set(spec.aus or list_au_numbers(self.faces))
        for layout, folder in self.also_faces.items():
            known = LAYOUTS[layout].spec
            aus |= set(known.aus if known else list_au_numbers(folder))
        return tuple(sorted(aus))

    @contextmanager
    def reading_faces(self) -> Iterator[None]:
        """Keep other commands from changing the faces.

        Raises:
            ConfigError: one is at it.
        """
        with ExitStack() as stack:
            for folder in self.sources.folders:
                stack.enter_context(held_together(folder))
            yield

    def folder(self, plan: FoldPlan) -> RunFolder:
        """Where a training of this experiment is written."""
        return RunFolder(self.out / "runs" / plan.run)

    def write_description(self) -> dict[str, object]:
        """Write ``experiment.json``, from which the report takes its words, and return it."""
        data = readable(str(self.data)) if self.data else "synthetic"
        unlabelled = readable(str(self.unlabelled)) if self.unlabelled else None
        also = [readable(f"{layout}={folder}") for layout, folder in self.also]
        words = {"recipe": self.cfg.name, "data": data, "drawn": are_drawn(self.faces)}
        words |= {"unlabelled": unlabelled, "also": also}
        words |= {"root": readable(str(self.root))} if self.root else {}
        words["config"] = asdict(self.cfg)
        write_json(words, self.out / "experiment.json")
        return words
