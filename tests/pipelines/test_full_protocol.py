import argparse
import runpy
from dataclasses import replace
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from au_core.aus import DISFA
from au_core.config import AdversarialConfig, ScalingConfig, SyntheticConfig, TrainConfig
from au_core.data.files import read_json
from au_core.data.fold import load_training_set
from au_core.errors import AuError, ConfigError, DatasetError
from au_core.recipes import RECIPES
from pipelines.full_protocol import (
    full_protocol,
    main,
    prepare_faces,
    where_to_compare,
    with_lists,
)
from pipelines.machinery.experiment import Experiment
from pipelines.machinery.runs import run_plans
from pipelines.machinery.tracking import Tracking
from tests.au_core.data.trees import draw
from tests.pipelines.conftest import first_fold, in_this_process, snapshot
from tests.toy import write_toy_faces

ROOT = Path(__file__).parents[2]


def small(tiny, out: Path, **changes) -> Experiment:
    cfg = replace(
        tiny,
        synthetic=SyntheticConfig(subjects=9, sequences=1, frames=6),
        adversarial=replace(tiny.adversarial, steps=2),
        train=replace(tiny.train, report_every=2),
    )
    return Experiment(cfg=cfg, out=out, **changes)


def test_one_call_goes_from_nothing_to_a_report_and_a_second_does_nothing(
    local_ray, tiny, tmp_path, monkeypatch
):
    experiment = small(tiny, tmp_path)
    page = full_protocol(experiment)
    assert page == tmp_path / "report.html" and "<html" in page.read_text()
    faces = ds.dataset(sorted((tmp_path / "faces").glob("subject=*/*.parquet")), partitioning="hive")
    assert faces.count_rows() == 54
    quality = pq.read_table(tmp_path / "faces" / "quality.parquet").to_pandas()
    assert (quality.status == "ok").all() and quality.frames_coded.sum() == 54
    assert len(list((tmp_path / "runs").glob("*/*/*/*/predictions.parquet"))) == 6
    kept = [tmp_path / name for name in ("synthetic", "faces/subject=F001", "runs")]
    before = [snapshot(folder) for folder in kept]
    for done in (
        "pipelines.machinery.runs._run_all",
        "pipelines.machinery.finding.prepare_all",
        "pipelines.make_synthetic._draw_all",
    ):
        monkeypatch.setattr(done, lambda *_: pytest.fail("finished work was done again"))
    full_protocol(experiment)
    assert [snapshot(folder) for folder in kept] == before
    write_toy_faces(tmp_path / "faces", ["anna"])  # renamed to Anna, she would be trained on and tested on
    with pytest.raises(
        ConfigError, match=r"subject=anna/T1.parquet: of a sequence that is not in this dataset"
    ):
        full_protocol(experiment)


@pytest.mark.parametrize(
    ("changes", "settings", "message"),
    [
        ({"also": (("bp4d", Path("/no/such")),)}, {}, "/no/such: no such file or folder"),
        ({"also": (("lists", ROOT),)}, {}, "not the lists layout"),
        ({"unlabelled": Path("/no/such")}, {}, "/no/such: no such file or folder"),
        ({}, {"methods": ("our",)}, "unknown method 'our'"),
        ({}, {"spec": DISFA}, "subject F001 is in no part of DISFA's three_fold protocol"),
        ({}, {"train": TrainConfig(backbone="resnet1")}, "backbone 'resnet1'"),
        (
            {},
            {"adversarial": AdversarialConfig(label_prior="/no/such.csv")},
            "prior /no/such.csv: no read",
        ),
        ({}, {"scaling": ScalingConfig(workers=3)}, "m1 = 8 and m2 = 8 must be divisible by the 3 workers"),
    ],
)
def test_what_would_fail_after_hours_is_told_before_faces_are_found(
    tiny, tmp_path, monkeypatch, changes, settings, message
):
    monkeypatch.setattr("pipelines.machinery.finding.prepare_all", lambda *_: pytest.fail("faces were found"))
    experiment = small(tiny, tmp_path, **changes)
    with pytest.raises(AuError, match=message):
        full_protocol(replace(experiment, cfg=replace(experiment.cfg, **settings)))


def test_a_prior_may_be_of_aus_that_only_a_further_dataset_codes(tiny, tmp_path, monkeypatch):
    def reached(*_):
        raise DatasetError("the datasets are listed")

    monkeypatch.setattr("pipelines.machinery.datasets.list_dataset", reached)
    (tmp_path / "prior.csv").write_text("AU25\n1\n")
    settings = replace(tiny.adversarial, label_prior=str(tmp_path / "prior.csv"))
    alone = Experiment(cfg=replace(tiny, adversarial=settings), out=tmp_path)
    with pytest.raises(DatasetError, match=r"prior.csv: columns AU25; expected some of AU01"):
        prepare_faces(alone)
    more = replace(alone, also=(("disfa", Path("/data/DISFA")),))
    with pytest.raises(DatasetError, match="the datasets are listed"):
        prepare_faces(more)
    (tmp_path / "prior.csv").unlink()
    with pytest.raises(DatasetError, match=r"prior.csv: no readable"):
        prepare_faces(more)


def test_the_recipe_says_which_of_two_datasets_lists_are_meant(tmp_path, monkeypatch):
    def listed(layout, data, faces, cfg, name, base):
        raise DatasetError(f"{layout} of {name}")

    monkeypatch.setattr("pipelines.machinery.datasets.list_dataset", listed)
    for recipe, name in (("bp4d_lists", "BP4D"), ("disfa_lists", "DISFA")):
        cfg = replace(RECIPES[recipe](), scaling=ScalingConfig(), train=TrainConfig(backbone="resnet10"))
        with pytest.raises(DatasetError, match=f"lists of {name}$"):
            prepare_faces(Experiment(cfg=cfg, data=tmp_path, out=tmp_path))


def test_a_manifest_may_lie_elsewhere_than_its_files(tmp_path, monkeypatch):
    def listed(layout, data, faces, cfg, name, base):
        raise DatasetError(f"{layout} {data} of {base}")

    monkeypatch.setattr("pipelines.machinery.datasets.list_dataset", listed)
    words = ["--recipe", "manifest_three_fold", "--data", "my.csv", "--root", "/data", "--out", str(tmp_path)]
    with pytest.raises(DatasetError, match=r"manifest my\.csv of /data$"):
        main([*words, "--no-gpu", "--weights", "none"])


def test_unlabelled_video_becomes_part_of_t2(in_turn, database, tiny, tmp_path, shared, yunet):
    experiment = small(tiny, tmp_path, unlabelled=shared / "real_faces")
    preprocess = replace(experiment.cfg.preprocess, detector=str(yunet))
    experiment = replace(experiment, cfg=replace(experiment.cfg, preprocess=preprocess, methods=("ours",)))
    prepare_faces(experiment)
    (plan,) = first_fold(experiment)
    with in_this_process():
        run_plans([plan], experiment, lambda: Tracking(tmp_path, "toy", {}))
    data = load_training_set(plan, experiment.sources)
    real = [key.startswith("videos/") for key in data.faces.identities]
    assert sum(real) >= 200 and (data.labels[real] == -1).all()
    assert (data.faces.labels[real] == -1).all()
    assert experiment.folder(plan).scores.exists()
    withdrawn = tmp_path / "faces_unlabelled" / "subject=who withdrew" / "a.parquet"
    withdrawn.parent.mkdir()
    withdrawn.touch()
    with pytest.raises(ConfigError, match=r"who withdrew/a.parquet: of a sequence that is not in this"):
        prepare_faces(experiment)


def test_files_that_a_manifest_lists_are_no_unlabelled_video(tiny, tmp_path, monkeypatch, yunet):
    monkeypatch.setattr("pipelines.machinery.finding.prepare_all", lambda *_: pytest.fail("faces were found"))
    lines = "".join(f"clips/{name}/1.jpg,{name},s,1,1\n" for name in ("ann", "bob", "cem"))
    (tmp_path / "own.csv").write_text("path,subject,sequence,frame,AU12\n" + lines)
    for name in ("ann", "bob", "cem", "others"):
        (tmp_path / "clips" / name).mkdir(parents=True)
        for number in (1, 2, 3):
            (tmp_path / "clips" / name / f"{number}.jpg").touch()
    (tmp_path / "link").symlink_to(tmp_path / "clips" / "cem")
    spec, preprocess = (
        replace(tiny.spec, name="manifest", aus=()),
        replace(tiny.preprocess, detector=str(yunet)),
    )
    cfg = replace(tiny, spec=spec, layout="manifest", protocol="hashed_three_fold", preprocess=preprocess)
    for more in ("clips", "clips/bob", "clips/ann/1.jpg", "link"):
        experiment = Experiment(
            cfg=cfg, out=tmp_path / "out", data=tmp_path / "own.csv", unlabelled=tmp_path / more
        )
        with pytest.raises(ConfigError, match=r"is of the labelled data, so folds .*; expected other video"):
            prepare_faces(experiment)
    with pytest.raises(pytest.fail.Exception, match="faces were found"):
        prepare_faces(replace(experiment, unlabelled=tmp_path / "clips" / "others"))


def test_frames_that_nobody_coded_become_part_of_t2(in_turn, database, tiny, tmp_path):
    data = draw(SyntheticConfig(subjects=9, sequences=1, frames=6), tmp_path / "data")
    labels = sorted((data / "AUCoding" / "AU_OCC").iterdir())
    labels.pop(0).unlink()
    for path in labels:
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    experiment = small(tiny, tmp_path / "out", data=data)
    preprocess = replace(experiment.cfg.preprocess, uncoded=2)
    changes = {"preprocess": preprocess, "methods": ("ours",), "missing_rates": (0.0,)}
    changes["protocol"] = "hashed_three_fold"
    experiment = replace(experiment, cfg=replace(experiment.cfg, **changes))
    prepare_faces(experiment)
    plans = experiment.plans()
    assert all("F001" in plan.train_subjects for plan in plans), "nobody coded F001, who is tested on nowhere"
    plan = plans[0]
    with in_this_process():
        run_plans([plan], experiment, lambda: Tracking(tmp_path, "toy", {}))
    folder, coded = experiment.folder(plan), 2 * (len(plan.train_subjects) - 1)
    counts = read_json(folder.training_set)
    assert (counts["labelled"], counts["faces"]) == (coded, 2 * coded + 3)
    rows = pq.read_table(folder.predictions)
    assert len(rows) == 2 * len({*plan.val_subjects, *plan.test_subjects})
    assert all(table.null_count == 0 for table in rows.select(["AU12_true", "AU12_prob"]).columns)


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("full_protocol.py", ["--recipe", "nope"], "unknown recipe 'nope'; expected one of demo"),
        (
            "full_protocol.py",
            ["--recipe", "bp4d_three_fold"],
            "needs --data DIR, a dataset in the bp4d layout",
        ),
        (
            "full_protocol.py",
            ["--data", "/no/such"],
            "/no/such: no such file or folder; expected a dataset in the bp4d",
        ),
        ("full_protocol.py", ["--missing-rates", "0", "1"], "missing rate must be in [0, 1), got 1.0"),
        ("full_protocol.py", ["--uncoded", "2"], "--uncoded 2: drawn people are coded in every frame"),
        (
            "full_protocol.py",
            [
                "--recipe",
                "disfa_three_fold",
                "--no-gpu",
                "--weights",
                "none",
                "--data",
                ".",
                "--uncoded",
                "2",
            ],
            "--uncoded 2: disfa is coded in every frame; expected one of the layouts bp4d, bp4d_plus",
        ),
        ("full_protocol.py", ["--gpu"], "see nvidia-smi); add --no-gpu to train on its cores"),
        ("train_fold.py", ["--backbone", "resnet1"], "no faces; first run pipelines/full_protocol.py or"),
        ("full_protocol.py", ["--detector", "/no.onnx"], "detector '/no.onnx': no such file"),
        ("make_synthetic.py", ["--subjects", "0"], "subjects must be in [3, 41] for bp4d, got 0"),
        ("make_synthetic.py", ["--out", "/proc/no"], "/proc/no: cannot be written"),
        (
            "make_synthetic.py",
            ["--sheet", "a.xyz"],
            "--sheet a.xyz: expected a file name that ends in .png",
        ),
        ("train_fold.py", ["--missing-rate", "1"], "missing rate must be in [0, 1), got 1.0"),
        ("train_fold.py", ["--alpha", "1.5"], "alpha must be in [0, 1), got 1.5"),
        ("evaluate.py", [], "no finished training; run pipelines/full_protocol.py first"),
        (
            "sweep.py",
            ["--space", "nope"],
            "unknown search space 'nope'; expected one of alpha, discriminator, updates",
        ),
    ],
)
def test_a_mistake_is_one_line_and_not_a_trace(script, arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr("sys.argv", [script, "--out", str(tmp_path / "out"), *arguments])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / "pipelines" / script), run_name="__main__")
    told = capsys.readouterr().err
    assert stop.value.code == 2
    assert message in told and "Traceback" not in told
    assert not (tmp_path / "out" / "synthetic").exists(), "nothing is drawn for it"


def test_seeds_and_rates_are_those_of_the_command_line_each_once(tiny):
    args = argparse.Namespace(seeds=[3, 1, 3], methods=["ours+relaxed", "o_wlc"], missing_rates=None)
    cfg = with_lists(tiny, args)
    assert cfg.seeds == (3, 1) and cfg.missing_rates == tiny.missing_rates
    assert cfg.methods == ("ours+relaxed", "o_wlc")


def test_where_to_compare_is_told_without_a_password():
    ui = "uv run mlflow ui --workers 1 --backend-store-uri"
    assert where_to_compare("sqlite:///a b/mlflow.db") == f"{ui} 'sqlite:///a b/mlflow.db'"
    assert where_to_compare("postgresql://anna:secret@db/m") == f'{ui} "$MLFLOW_TRACKING_URI"'
    assert where_to_compare("https://anna:secret@mlflow.org") == "https://anna:***@mlflow.org"


@pytest.mark.parametrize(("words", "steps"), [((), 240), (("--recipe", "bp4d_three_fold"), 20_000)])
def test_help_shows_the_values_of_the_recipe(words, steps, capsys):
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    assert f"Steps of Algorithm 1 (K). (default: {steps})" in " ".join(capsys.readouterr().out.split())
