import json
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from mlflow import MlflowClient
from ray import tune

from au_core.config import AdversarialConfig
from au_core.data.files import write_json
from au_core.errors import AuError, ConfigError
from au_core.run_folder import read_history
from pipelines.machinery.experiment import Experiment
from pipelines.machinery.group import claim
from pipelines.machinery.points import CHANCE, OWN, point_of, table_of
from pipelines.machinery.tracking import tracking_uri
from pipelines.sweep import SCORE, Sweep, main, run_trial, search
from tests.pipelines.conftest import first_fold
from tests.pipelines.processes import wait_until
from tests.toy import write_toy_faces
from tune_spaces import SPACES, load_space

LINE = {"step": 3, "time": 9.0, "seconds": 9.0, "train/loss_sup": 6.0, "train/images_per_second": 80.0}


def points(space: dict) -> list[dict]:
    """Every grid point of a space, as Tune would give it to a trial."""
    ((name, values),) = space.items()
    return [{name: value, "fold": 1} for value in values["grid_search"]]


@pytest.mark.parametrize("name", SPACES)
def test_every_point_is_a_valid_setting_of_algorithm_1(name):
    found = {point_of(config) for config in points(load_space(name))}
    assert len(found) == len(points(load_space(name)))
    for point in found:
        AdversarialConfig(**dict(point))


def test_a_space_of_one_s_own_must_be_a_grid(monkeypatch):
    """Drawn values would be other ones for each fold, and no trial could be found again."""
    monkeypatch.setattr("tune_spaces.alpha.SPACE", {"alpha": tune.loguniform(1e-4, 1e-1)})
    with pytest.raises(ConfigError, match=r"tune_spaces/alpha.py: alpha is .*; expected tune.grid_search"):
        load_space("alpha")


def test_points_stand_by_their_mean_and_each_fold_names_its_own_best():
    a, b = (("alpha", 0.0),), (("alpha", 0.1),)
    c = (("alpha", 1.0),)
    assert table_of({a: {2: 0.4, 1: 0.2}, c: {1: 0.3}, b: {1: 0.1, 2: 0.7}}).splitlines() == [
        "validation F1            fold 1 fold 2   mean",
        "alpha=0.1                  10.0   70.0   40.0",
        "alpha=0                    20.0   40.0   30.0",
        "alpha=1                    30.0      -      -",
        "best of fold 1: alpha=1",
        "best of fold 2: alpha=0.1",
        CHANCE,
        OWN,
    ]


def test_what_this_machine_cannot_hold_is_refused(tmp_path, monkeypatch):
    """Ray would wait for it for ever."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    write_toy_faces(tmp_path / "faces")
    with pytest.raises(ConfigError, match=r"asks for 1000 cores .*; lower --workers"):
        main(["--out", str(tmp_path), "--m1", "1000", "--m2", "1000", "--workers", "1000"])


def test_without_validation_subjects_there_is_nothing_to_compare_points_by(tmp_path):
    with pytest.raises(ConfigError, match="compares its points on validation subjects, got"):
        main(["--out", str(tmp_path), "--validation-subjects", "0"])


def test_a_point_that_diverges_is_no_score_but_a_failure(tiny, tmp_path, monkeypatch):
    write_toy_faces(tmp_path / "faces")
    experiment = Experiment(cfg=replace(tiny, methods=("ours",)), out=tmp_path)
    sweep = Sweep(experiment=experiment, space="alpha", plans={1: first_fold(experiment)[0]})
    config = {"alpha": 0.1, "fold": 1}
    plan, folder = sweep.job(config)
    claim(folder, plan)

    def diverge(*_, **__):
        folder.history.write_text(json.dumps({"step": 3, "val/f1_avg": 0.99}) + "\n")
        write_json({"reason": "step 4, batch 4 of R: the loss became nan"}, folder.refusal)

    monkeypatch.setattr("pipelines.sweep.train_folds", diverge)
    with pytest.raises(AuError, match=r"^alpha=0.1: step 4, batch 4 of R: the loss became nan$"):
        run_trial(config, sweep)


@pytest.fixture
def sweep(database, tiny, tmp_path, monkeypatch) -> Sweep:
    """Of two points on one fold."""
    write_toy_faces(tmp_path / "faces")
    experiment = Experiment(cfg=replace(tiny, methods=("ours",)), out=tmp_path)
    monkeypatch.setattr("pipelines.sweep.load_space", lambda _: {"alpha": tune.grid_search([0.0, 0.1])})
    return Sweep(experiment=experiment, space="two", plans={1: first_fold(experiment)[0]})


def test_a_point_that_diverges_does_not_cost_the_others_their_table(local_ray, sweep, monkeypatch, capsys):
    """The other one waits until its report is told, which it is while it runs."""
    told = sweep.experiment.out / "told"

    def run(config, sweep):
        _, folder = sweep.job(config)
        if config["alpha"]:
            write_json({"reason": "the loss became nan"}, folder.refusal)
            raise AuError("alpha=0.1: the loss became nan")
        folder.history.write_text(json.dumps({**LINE, SCORE: 0.5}) + "\n")
        wait_until(told.exists, "its report to be told")
        folder.model.mkdir()
        tune.report({SCORE: 0.5})

    def say(text):
        print(text, file=sys.stderr)
        if "step 3/6" in text:
            told.touch()

    monkeypatch.setattr("pipelines.machinery.board.say", say)

    monkeypatch.setattr("pipelines.sweep.run_trial", run)
    with pytest.raises(
        AuError, match=r"trials failed: 1, the others are kept:\n.*alpha=0.1: the loss became nan"
    ):
        search(sweep)
    out, err = capsys.readouterr()
    assert "alpha=0.1  missing=0.5 fold=1  failed: the loss became nan\n" in err
    assert "alpha=0  missing=0.5 fold=1  done (" in err and ": validation F1 50.0" in err
    rows = out.splitlines()
    assert "alpha=0                    50.0   50.0" in rows and "best of fold 1: alpha=0" in rows, rows
    assert "alpha=0.1                     -      -" in rows, rows
    client = MlflowClient(tracking_uri(sweep.experiment.out))
    runs = client.search_runs([client.get_experiment_by_name("demo_two").experiment_id])
    assert sorted(run.info.status for run in runs) == ["FAILED", "FAILED", "FINISHED"], "parent, point, point"


def test_other_settings_are_refused_before_anything_begins(sweep, monkeypatch):
    plan, folder = sweep.job({"alpha": 0.1, "fold": 1})
    claim(folder, replace(plan, seed=7))
    folder.model.mkdir()
    monkeypatch.setattr("pipelines.sweep.connect", lambda: pytest.fail("Ray was started"))
    monkeypatch.setattr("pipelines.sweep.Tracking", lambda *_: pytest.fail("MLflow was opened"))
    with pytest.raises(ConfigError, match=r"holds a training with other settings \(seed was 7, is 0\)"):
        search(sweep)


def test_a_sweep_that_was_stopped_between_two_trials_is_not_taken_for_a_whole_one(sweep, monkeypatch):
    """Tune then knows nothing of the trials that were still to come."""
    only = SimpleNamespace(error=None, config={"alpha": 0.0, "fold": 1}, metrics={SCORE: 0.5})
    monkeypatch.setattr(tune, "Tuner", lambda *_, **__: SimpleNamespace(fit=lambda: [only]))
    for name in ("ray.tune.with_resources", "ray.tune.with_parameters", "pipelines.sweep.connect"):
        monkeypatch.setattr(name, lambda *_, **__: None)
    monkeypatch.setattr("pipelines.sweep.at_once", lambda _: 1)
    with pytest.raises(KeyboardInterrupt):
        search(sweep)
    assert not sweep.table.exists()


def test_ctrl_c_ends_a_sweep_though_tune_takes_it_for_the_end_of_all_trials(local_ray, sweep, monkeypatch):
    began = sweep.experiment.out / "began"

    def run(config, sweep):
        began.touch()
        time.sleep(100)

    def interrupt():
        wait_until(began.exists, "a trial")
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("pipelines.sweep.run_trial", run)
    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        search(sweep)


def test_a_sweep_trains_every_point_and_never_sees_the_test_part(local_ray, sweep, monkeypatch, capsys):
    scores = search(sweep)
    told = capsys.readouterr().err
    assert told.count("  step 3/6 ") == told.count("  step 6/6 ") == 2, told
    assert {dict(point)["alpha"] for point in scores} == {0.0, 0.1}
    for point, by_fold in scores.items():
        _, folder = sweep.job({**dict(point), "fold": 1})
        assert by_fold[1] == max(line["val/f1_avg"] for line in read_history(folder.history))
        assert folder.model.exists() and not folder.predictions.exists()
    client = MlflowClient(tracking_uri(sweep.experiment.out))
    runs = client.search_runs([client.get_experiment_by_name("demo_two").experiment_id])
    assert sum("point" in run.data.tags for run in runs) == 2
    assert sum("best_point_fold_1" in run.data.tags for run in runs) == 1
    monkeypatch.setattr("pipelines.sweep.train_folds", lambda *_, **__: pytest.fail("trained again"))
    assert search(sweep) == scores
    assert "2 of 2 trials are already finished" in capsys.readouterr().err


def test_the_rate_is_asked_for_and_what_is_there_is_not_prepared_again(
    database, tiny, tmp_path, monkeypatch, capsys
):
    write_toy_faces(tmp_path / "faces")
    seen = []

    def run_trials(sweep, _):
        seen.append(sweep)
        return {(("alpha", 0.0),): {1: 0.5}, (("alpha", 0.1),): {}}, ["alpha=0.1: the loss became nan"]

    monkeypatch.setattr("pipelines.sweep._run_trials", run_trials)
    monkeypatch.setattr("pipelines.sweep.prepare_faces", lambda _: pytest.fail("prepared"))
    words = "--recipe bp4d_three_fold --missing-rate 0.9 --missing-scheme subject --no-gpu"
    with pytest.raises(
        AuError, match=r"trials failed: 1, the others are kept:\n  alpha=0.1: the loss became nan"
    ):
        main([*words.split(), "--out", str(tmp_path)])
    plans = seen[0].plans.values()
    assert {(plan.missing_rate, plan.missing_scheme) for plan in plans} == {(0.9, "subject")}
    assert seen[0].folder == tmp_path / "sweeps" / "alpha" / "missing=0.9"
    assert capsys.readouterr().out.startswith("90% of the labels hidden\n")
    assert (tmp_path / "sweeps" / "alpha" / "missing=0.9,folds=1.txt").read_text().startswith("validation F1")
