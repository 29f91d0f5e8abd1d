"""One training on several labelled datasets: the union of their AUs, each with its own threshold."""

import shutil
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from au_core.aus import BP4D, DISFA, DatasetSpec
from au_core.config import PreprocessConfig, SyntheticConfig, TrainConfig
from au_core.data.batches.sampling import Sampler
from au_core.data.faces import list_subjects
from au_core.data.files import read_json, write_table
from au_core.data.fold import Sources, load_training_set
from au_core.data.provenance import write_quality
from au_core.data.readers import list_sequences
from au_core.data.schema import QUALITY
from au_core.errors import ConfigError, DatasetError
from au_core.face.prepare import prepare_sequence
from pipelines import sweep, train_fold
from pipelines.full_protocol import full_protocol
from pipelines.full_protocol import main as full_protocol_main
from pipelines.machinery.experiment import Experiment
from pipelines.make_synthetic import make_synthetic
from tests.pipelines.conftest import in_this_process
from tests.toy import write_toy_faces


def test_faces_that_are_not_asked_for_are_not_trained_on(mixed):
    alone = replace(mixed, also=())
    assert alone.sources == Sources(coded=mixed.faces)
    assert alone.plans()[0].digest != mixed.plans()[0].digest


@pytest.fixture
def mixed(tmp_path, tiny) -> Experiment:
    """Toy faces of BP4D, and of DISFA whose intensities are all 1, which is not yet active."""
    write_toy_faces(tmp_path / "faces")
    write_toy_faces(tmp_path / "faces_also" / "disfa", ("SN001", "SN002"), aus=DISFA.aus)
    return Experiment(cfg=tiny, out=tmp_path, also=(("disfa", Path("/data/DISFA")),))


def test_a_plan_recognises_the_union_of_the_aus(mixed):
    plan = mixed.plans()[0]
    assert plan.spec.aus == tuple(sorted({*BP4D.aus, *DISFA.aus}))
    assert mixed.sources.absolute() == mixed.sources


def test_every_dataset_keeps_its_threshold_and_leaves_unknown_what_it_does_not_code(mixed):
    plan = replace(mixed.plans()[0], missing_rate=0.0)
    data = load_training_set(plan, mixed.sources)
    disfa = np.isin(data.faces.subject, ["SN001", "SN002"])
    columns = np.array(plan.spec.aus)
    for mine, spec in ((~disfa, BP4D), (disfa, DISFA)):
        known = (data.labels[mine] >= 0).all(axis=0)
        assert set(columns[known]) == set(spec.aus) and not (data.labels[mine][:, ~known] >= 0).any()
    assert data.labels[disfa].max() == 0 and data.labels[~disfa].max() == 1
    draw = Sampler(data, plan.adversarial, TrainConfig(input_size=32, augment=False), 0)
    assert {tuple(columns[v >= 0]) for v in draw.real} == {BP4D.aus, DISFA.aus}


@pytest.mark.parametrize(("dataset", "kept"), [("BP4D", False), ("manifest", False), ("BP4D+", True)])
def test_who_is_held_out_is_not_trained_on_under_another_layout(tmp_path, tiny, dataset, kept):
    write_toy_faces(tmp_path / "faces")
    write_toy_faces(tmp_path / "faces_also" / "lists", dataset=dataset)
    experiment = Experiment(cfg=tiny, out=tmp_path, also=(("lists", Path("/data/lists")),))
    for plan in experiment.plans():
        data = load_training_set(plan, experiment.sources)
        held_out = {*plan.val_subjects, *plan.test_subjects}
        assert held_out and held_out.isdisjoint(data.faces.subject) != kept
        assert set(plan.train_subjects) <= {*data.faces.subject}


def as_intensities(folder: Path) -> None:
    for shard in folder.glob("subject=*/*.parquet"):
        write_table(pq.ParquetFile(shard).read().replace_schema_metadata({"au_codes": "intensity"}), shard)


@pytest.mark.parametrize("command", [train_fold.main, sweep.main, full_protocol_main])
@pytest.mark.parametrize(
    ("intense", "words", "told"),
    [
        (("faces", "faces_also/manifest"), (), "active from 2 in DISFA, from 1 in manifest (--active-from "),
        (("faces", "faces_also/manifest"), ("--active-from", "1"), ""),
        (("faces",), (), ""),
    ],
)
def test_intensities_of_two_thresholds_are_told_where_they_are_mixed(
    tmp_path, monkeypatch, capsys, command, intense, words, told
):
    people = [f"SN{number:03d}" for number in (1, 2, 3, 4, 6, 11)]
    write_toy_faces(tmp_path / "faces", people, aus=DISFA.aus, dataset="DISFA")
    write_toy_faces(tmp_path / "faces_also" / "manifest", ["anna"], dataset="manifest")
    for name in intense:
        as_intensities(tmp_path / name)
    for place in ("train_fold.run_plans", "sweep.search", "machinery.runs.run_plans", "report.report"):
        monkeypatch.setattr(f"pipelines.{place}", MagicMock())
    monkeypatch.setattr("pipelines.full_protocol.prepare_faces", lambda _: None)
    also = ("--also", "manifest=/data/own.csv", "--recipe", "disfa_demo")
    command(["--out", str(tmp_path), *also, *words])
    warnings = [line for line in capsys.readouterr().err.splitlines() if "codes are intensities" in line]
    assert len(warnings) == bool(told) and told in "".join(warnings)


def test_disfa_plus_shows_the_people_of_disfa(tmp_path, tiny):
    people = [f"SN{number:03d}" for number in (1, 3, 4, 7, 9, 10)]
    write_toy_faces(tmp_path / "faces", people, aus=DISFA.aus, dataset="DISFA")
    write_toy_faces(tmp_path / "faces_also" / "disfa_plus", people, aus=DISFA.aus, dataset="DISFA+")
    disfa = replace(tiny, spec=DISFA, layout="disfa", protocol="hashed_three_fold")
    experiment = Experiment(cfg=disfa, out=tmp_path, also=(("disfa_plus", Path("/data/DISFA+")),))
    for plan in experiment.plans():
        trained_on = {*load_training_set(plan, experiment.sources).faces.subject}
        assert trained_on == {*plan.train_subjects}


def test_changed_initial_weights_are_another_training(mixed, tmp_path):
    path = tmp_path / "weights.pth"
    cfg = replace(mixed.cfg, train=replace(mixed.cfg.train, weights=str(path)))
    digests = []
    for content in (b"one", b"two"):
        path.write_bytes(content)
        digests.append(replace(mixed, cfg=cfg).plans()[0].digest)
    assert digests[0] != digests[1]


def test_a_changed_prior_is_another_training(mixed, tmp_path):
    path = tmp_path / "prior.csv"
    cfg = replace(mixed.cfg, adversarial=replace(mixed.cfg.adversarial, label_prior=str(path)))
    digests = {"ours": set(), "o_wlc": set()}
    for text in ("AU01\n1\n", "AU01\n0\n"):
        path.write_text(text)
        for plan in replace(mixed, cfg=cfg).plans():
            digests[plan.method].add((plan.fold, plan.digest))
    assert len(digests["ours"]) == 2 * len(digests["o_wlc"]), "without D nobody reads it"


def test_what_a_training_would_lack_is_told_before_it_begins(mixed, tmp_path):
    with pytest.raises(ConfigError, match=r"faces_unlabelled: no faces; first run .* --unlabelled /more$"):
        replace(mixed, unlabelled=Path("/more")).plans()
    with pytest.raises(ConfigError, match=r"faces_also/lists: no faces; first run .* --also lists=/li$"):
        replace(mixed, also=(("lists", Path("/li")),)).plans()
    for name, text in (("no.csv", None), ("bad.csv", "AU01\n2\n")):
        if text:
            (tmp_path / name).write_text(text)
        prior = str(tmp_path / name)
        cfg = replace(mixed.cfg, adversarial=replace(mixed.cfg.adversarial, label_prior=prior))
        with pytest.raises(DatasetError, match=name):
            replace(mixed, cfg=cfg).plans()


@pytest.mark.parametrize("drawn", [True, False])
def test_drawn_people_are_told_from_real_ones_by_their_faces(tiny, tmp_path, drawn):
    (tmp_path / "data").mkdir()
    cv2.imwrite(str(tmp_path / "data" / "a.png"), np.zeros((64, 64, 3), np.uint8))
    if drawn:
        (tmp_path / "data" / "synthetic.json").touch()
    (ref,) = list_sequences("videos", tmp_path / "data")
    prepare_sequence(ref, lambda _: [], PreprocessConfig(), tmp_path / "out" / "faces")
    assert Experiment(cfg=tiny, out=tmp_path / "out").write_description()["drawn"] is drawn


def test_where_the_files_of_a_manifest_lie_is_recorded(tiny, tmp_path):
    beside = Experiment(cfg=tiny, out=tmp_path, data=Path("own.csv"))
    assert "root" not in beside.write_description()
    assert replace(beside, root=Path("/data")).write_description()["root"] == "/data"


def test_a_file_elsewhere_is_the_same_training(mixed, tmp_path):
    digests = set()
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.pth").write_bytes(b"the same")
        train = replace(mixed.cfg.train, weights=str(tmp_path / name / "weights.pth"))
        digests.add(replace(mixed, cfg=replace(mixed.cfg, train=train)).plans()[0].digest)
    assert len(digests) == 1
    named = replace(mixed.cfg.train, weights="IMAGENET1K_V1")
    other = replace(named, weights="IMAGENET1K_V2")
    first, second = (replace(mixed, cfg=replace(mixed.cfg, train=t)).plans()[0] for t in (named, other))
    assert first.digest != second.digest


def test_folds_are_not_made_of_the_people_that_an_interrupted_command_got_to(tiny, tmp_path):
    write_toy_faces(tmp_path / "faces")
    rows = [
        dict.fromkeys(QUALITY.names) | {"subject": person} for person in list_subjects(tmp_path / "faces")
    ]
    write_quality(rows, len(rows) + 2, tmp_path / "faces")
    with pytest.raises(ConfigError, match="faces: 2 sequences are still to be prepared"):
        Experiment(cfg=tiny, out=tmp_path).plans()
    write_quality(rows, len(rows), tmp_path / "faces")
    assert Experiment(cfg=tiny, out=tmp_path).plans()


def test_people_of_whom_a_manifest_codes_nothing_are_in_every_training(tmp_path, tiny):
    coded, others = ["ada", "ben", "cem", "dan"], ["eva", "fay", "gus", "hal", "ida"]
    write_toy_faces(tmp_path / "faces", coded, aus=(1, 2), dataset="manifest")
    write_toy_faces(tmp_path / "faces", others, aus=(1, 2), dataset="manifest", unknown=1.0)
    spec = DatasetSpec(name="manifest", aus=())
    cfg = replace(tiny, spec=spec, layout="manifest", protocol="hashed_three_fold")
    for plan in Experiment(cfg=cfg, out=tmp_path).plans():
        assert {*others} <= {*plan.train_subjects} and {*plan.val_subjects, *plan.test_subjects} <= {*coded}


@pytest.mark.parametrize(("counted", "kept"), [(None, True), (12, True), (0, False)])
def test_folds_stay_when_all_that_is_coded_of_somebody_fails(tmp_path, tiny, counted, kept):
    """Another of the person's videos may have been read, of which nobody coded anything."""
    people = [f"person {i}" for i in range(9)]
    write_toy_faces(tmp_path / "faces", people, aus=(1, 2), dataset="manifest")
    spec = DatasetSpec(name="manifest", aus=())
    cfg = replace(tiny, spec=spec, layout="manifest", protocol="hashed_three_fold")
    before = [plan.test_subjects for plan in Experiment(cfg=cfg, out=tmp_path).plans()]
    write_toy_faces(tmp_path / "faces", people[:1], aus=(1, 2), dataset="manifest", unknown=1.0)
    rows = [{"subject": name, "frames_coded": counted if name == people[0] else 12} for name in people]
    write_quality(rows, len(rows), tmp_path / "faces")
    after = [plan.test_subjects for plan in Experiment(cfg=cfg, out=tmp_path).plans()]
    assert (after == before) == kept


def test_two_manifests_are_told_apart(tmp_path, tiny):
    """They may code different AUs: a vector's blanks must not tell D which one it is from."""
    people = [f"person {k}" for k in range(6)]
    write_toy_faces(tmp_path / "faces", people, aus=(1, 2), dataset="manifest")
    write_toy_faces(tmp_path / "faces_also" / "manifest", ["other"], aus=(1, 12), dataset="manifest")
    spec = DatasetSpec(name="manifest", aus=())
    cfg = replace(tiny, spec=spec, layout="manifest", protocol="hashed_three_fold", missing_rates=(0.0,))
    experiment = Experiment(cfg=cfg, out=tmp_path, also=(("manifest", Path("/data/more.csv")),))
    plan = experiment.plans()[0]
    data = load_training_set(plan, experiment.sources)
    draw = Sampler(data, plan.adversarial, TrainConfig(input_size=32, augment=False), 0)
    assert draw.coding is not None
    assert {tuple(coded) for coded in draw.coding.values()} == {(True, True, False), (True, False, True)}
    assert (draw.real >= 0).sum(axis=1).tolist() == [2] * len(draw.real)


def test_folds_stay_when_all_videos_of_one_person_fail(tiny, tmp_path):
    """Whoever was listed counts, with a face or without; faces of anybody else are refused."""
    people = [f"person {k}" for k in range(9)]
    write_toy_faces(tmp_path / "faces", people, dataset="manifest")
    rows = [dict.fromkeys(QUALITY.names) | {"subject": person} for person in people]
    write_table(pa.Table.from_pylist(rows, QUALITY), tmp_path / "faces" / "quality.parquet")
    experiment = Experiment(cfg=replace(tiny, protocol="hashed_three_fold"), out=tmp_path)
    whole = experiment.plans()
    assert {name for plan in whole for name in plan.test_subjects} == {*people}
    shutil.rmtree(tmp_path / "faces" / "subject=person 4")
    folds = [(plan.train_subjects, plan.val_subjects, plan.test_subjects) for plan in whole]
    after = experiment.plans()
    assert [(plan.train_subjects, plan.val_subjects, plan.test_subjects) for plan in after] == folds
    write_toy_faces(tmp_path / "faces", ["left from before"], dataset="manifest")
    with pytest.raises(
        ConfigError, match=r"left from before is not in quality.parquet, .* \(1 such people\)"
    ):
        experiment.plans()
    (tmp_path / "faces" / "quality.parquet").write_bytes(b"of another version")
    with pytest.raises(ConfigError, match=r"quality.parquet: damaged, or of another version, .*; first run"):
        experiment.plans()


@pytest.mark.parametrize(("folds", "found"), [(None, [1]), ([3, 1], [3, 1])])
def test_a_training_of_each_fold_by_default_of_the_first(tiny, tmp_path, folds, found):
    write_toy_faces(tmp_path / "faces")
    experiment = Experiment(cfg=replace(tiny, methods=("ours",)), out=tmp_path)
    plans = experiment.plans_by_fold(folds)
    assert list(plans) == found and [plan.fold for plan in plans.values()] == found
    with pytest.raises(ConfigError, match=r"no fold 9 in three_fold; its test parts are \[1, 2, 3\]"):
        experiment.plans_by_fold([1, 9])


def test_two_datasets_go_from_files_to_scores(in_turn, database, tiny, tmp_path):
    also = make_synthetic(
        SyntheticConfig(layout="disfa", subjects=3, sequences=1, frames=8), tmp_path / "disfa"
    )
    cfg = replace(
        tiny,
        methods=("ours",),
        synthetic=SyntheticConfig(subjects=9, sequences=1, frames=6),
        adversarial=replace(tiny.adversarial, steps=2),
        train=replace(tiny.train, report_every=2),
    )
    experiment = Experiment(cfg=cfg, out=tmp_path, also=(("disfa", also),))
    with in_this_process():
        full_protocol(experiment)
    scores = list(experiment.out.glob("runs/*/*/*/*/scores.json"))
    assert len(scores) == 3
    assert all(len(read_json(path)["aus"]) > len(cfg.spec.aus) for path in scores), "the union"
