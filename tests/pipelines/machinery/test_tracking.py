import shutil
import subprocess
import sys

import pytest
from mlflow import MlflowClient

from au_core.compare import flattened
from au_core.data.files import read_json, write_json
from au_core.errors import AuError
from au_core.run_folder import RunFolder
from pipelines.machinery.group import claim
from pipelines.machinery.tracking import PATIENCE, Tracking, tracking_uri, without_password
from tests.pipelines.conftest import first_fold


def runs(experiment):
    client = MlflowClient(tracking_uri(experiment.out))
    found = client.search_runs([client.get_experiment_by_name("toy").experiment_id])
    parents = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    return client, parents, [run for run in found if run not in parents]


def test_each_training_is_a_child_with_tags_curves_and_scores(finished):
    client, parents, children = runs(finished)
    assert len(parents) == 1 and len(children) == 2
    for plan in first_fold(finished):
        (run,) = [run for run in children if run.data.tags["method"] == plan.method]
        tags = {key: run.data.tags[key] for key in ("missing_rate", "fold", "seed", "dataset")}
        assert tags == {"missing_rate": "0.5", "fold": "1", "seed": "0", "dataset": "BP4D"}
        assert run.data.tags["mlflow.parentRunId"] == parents[0].info.run_id
        assert run.info.status == "FINISHED"
        assert run.data.params["adversarial.alpha"] == str(plan.adversarial.alpha)
        assert [m.step for m in client.get_metric_history(run.info.run_id, "train/loss_r")] == [3, 6]
        scores, logged = read_json(finished.folder(plan).scores), run.data.metrics
        for name in ("f1_avg", "auc_avg", "accuracy_avg"):
            assert logged[f"test/{name}"] == scores["test"][name]
        assert logged["test/f1_AU12"] == scores["test"]["f1"]["AU12"]
        assert logged["test/accuracy_avg_at_half"] == scores["test_at_half"]["accuracy_avg"]
        assert logged["test/conditional_difference"] == scores["distributions"]["conditional_avg"]


def test_logging_again_adds_nothing(finished):
    tracking = Tracking(finished.out, "toy", finished.write_description())
    for plan in first_fold(finished):
        tracking.start(plan, finished.folder(plan))
        tracking.finish(plan, finished.folder(plan))
    client, parents, children = runs(finished)
    assert len(parents) == 1 and len(children) == 2
    assert len(client.get_metric_history(children[0].info.run_id, "test/f1_avg")) == 1


def test_a_training_done_again_or_elsewhere_is_a_run_of_its_own(finished, database, tmp_path):
    plan = first_fold(finished)[0]
    tracking, folder = Tracking(tmp_path, "again", {}), RunFolder(tmp_path / "run")
    for _ in range(2):  # its folder was removed between
        shutil.rmtree(folder.path, ignore_errors=True)
        claim(folder, plan)
        for _ in range(2):
            tracking.start(plan, folder)
            tracking.finish(plan, folder)
    assert not tracking.off
    client = MlflowClient(tracking_uri(tmp_path))
    found = client.search_runs([client.get_experiment_by_name("again").experiment_id], "tags.fold = '1'")
    assert len(found) == 2 and {run.data.tags["plan"] for run in found} == {plan.digest}


def test_what_failed_or_was_stopped_is_not_left_running(finished, database, tmp_path):
    plan, experiment = first_fold(finished)[0], "stopped"
    client = MlflowClient(tracking_uri(tmp_path))

    def ended_by(error: type[BaseException]) -> list[str]:
        with pytest.raises(error), Tracking(tmp_path, experiment, {}) as tracking:
            tracking.start(plan, finished.folder(plan))
            assert statuses() == ["RUNNING", "RUNNING"], "taken up again"
            raise error
        return statuses()

    def statuses() -> list[str]:
        found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
        return [run.info.status for run in found]

    assert ended_by(AuError) == ["FAILED", "FAILED"]
    assert ended_by(KeyboardInterrupt) == ["KILLED", "KILLED"]
    with Tracking(tmp_path, experiment, {}) as tracking:
        tracking.start(plan, finished.folder(plan))
        tracking.finish(plan, finished.folder(plan))
    assert statuses() == ["FINISHED", "FINISHED"]


def test_an_unreachable_server_costs_one_warning(finished, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    tracking = Tracking(finished.out, "toy", finished.write_description())
    for plan in first_fold(finished):
        tracking.start(plan, finished.folder(plan))
        tracking.finish(plan, finished.folder(plan))
    tracking.attach(method="ours")
    told = capsys.readouterr().err
    assert told.count("warning: MLflow at http://127.0.0.1:9") == 1 and "Scores are on disk" in told


@pytest.mark.parametrize("shown", ["http://anna:***@127.0.0.1:9", "nonsense://:***@db:1/m"])
def test_a_password_is_told_to_nobody(tmp_path, monkeypatch, capsys, shown):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", shown.replace("***", "se/cr@t"))
    assert Tracking(tmp_path, "toy", {}).off
    told = capsys.readouterr().err
    assert f"warning: MLflow at {shown} failed" in told and "se/cr" not in told and "cr@t" not in told


def test_an_address_without_a_password_is_told_as_it_is():
    for uri in ("http://host:5000", "postgresql://anna@db:5432/m", "sqlite:////home/anna@work/mlflow.db"):
        assert without_password(uri) == uri


def no(*_, **__):
    raise ConnectionError("it restarts")


@pytest.mark.parametrize("first", ["open", "start", "finish"])
def test_what_a_server_missed_is_logged_in_the_end(finished, database, tmp_path, monkeypatch, capsys, first):
    """Whatever call was the first that it did not answer."""
    jobs = [(plan, finished.folder(plan)) for plan in first_fold(finished)]
    with monkeypatch.context() as down:
        if first == "open":
            down.setattr(MlflowClient, "search_runs", no)
        tracking = Tracking(tmp_path, "toy", {})
    with tracking:
        for call in (tracking.start, tracking.follow, tracking.follow, tracking.finish):
            with monkeypatch.context() as down:
                if call.__name__ == first:
                    down.setattr(MlflowClient, "get_run", no)
                for plan, folder in jobs:
                    call(plan, folder)
        assert tracking.off, "nothing is asked of it again while trainings run"
    assert not tracking.off
    told = capsys.readouterr().err
    assert told.count("warning: MLflow") == 1 and told.count("answers again") == 1
    found = tracking.client.search_runs([tracking.experiment])
    assert [run.info.status for run in found] == ["FINISHED"] * 3
    for plan, _ in jobs:
        run = tracking.runs[plan.digest]
        assert "test/f1_avg" in tracking.client.get_run(run).data.metrics
        assert [m.step for m in tracking.client.get_metric_history(run, "train/loss_r")] == [3, 6]


def test_a_server_that_answers_again_has_the_curves_while_trainings_run(
    finished, database, tmp_path, monkeypatch, capsys
):
    """It is asked every ten minutes; on the second of these it is there."""
    plan, now = first_fold(finished)[0], [0.0]
    folder = finished.folder(plan)
    monkeypatch.setattr("pipelines.machinery.tracking.monotonic", lambda: now[0])

    def steps() -> list[int]:
        found = tracking.client.get_metric_history(tracking.runs[plan.digest], "train/loss_r")
        return [metric.step for metric in found]

    with Tracking(tmp_path, "toy", {}) as tracking:
        tracking.start(plan, folder)
        asked = []
        with monkeypatch.context() as down:
            down.setattr(MlflowClient, "log_batch", lambda *_, **__: asked.append(now[0]) or no())
            while now[0] < 1.5 * PATIENCE:
                tracking.follow(plan, folder)
                now[0] += 1
        assert asked == [0, PATIENCE] and tracking.off and steps() == []
        while now[0] <= 2 * PATIENCE:
            tracking.follow(plan, folder)
            now[0] += 1
        assert not tracking.off and steps() == [3, 6]
        told = capsys.readouterr().err
        assert told.count("warning: MLflow") == 1 and told.count("answers again") == 1


def test_who_interrupts_does_not_wait_for_a_lost_server(database, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt), Tracking(tmp_path, "toy", {}) as tracking:
        tracking.off, tracking.ask_again = True, 0.0
        monkeypatch.setattr(tracking, "_catch_up", lambda: pytest.fail("asked again"))
        raise KeyboardInterrupt


def test_an_experiment_that_another_command_has_just_made_is_used(database, tmp_path, monkeypatch):
    """On a server, where no lock keeps two commands apart."""
    first, find = Tracking(tmp_path, "toy", {}), MlflowClient.get_experiment_by_name
    answers = [lambda *_: None, find]
    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", lambda *args: answers.pop(0)(*args))
    again = Tracking(tmp_path, "toy", {})
    assert not again.off and again.experiment == first.experiment and not answers


def test_a_moved_folder_is_an_experiment_of_its_own_and_nothing_goes_to_the_old_place(
    finished, tables, tmp_path
):
    before, after, plan = tmp_path / "out", tmp_path / "moved", first_fold(finished)[0]
    before.mkdir()
    shutil.copy(tables, before / "mlflow.db")
    Tracking(before, "toy", {})
    before.rename(after)
    with Tracking(after, "toy", {}) as tracking:
        tracking.start(plan, finished.folder(plan))
        tracking.finish(plan, finished.folder(plan))
    assert not tracking.off and not before.exists()
    assert len(list(after.glob("mlartifacts/*/artifacts/scores.json"))) == 1


def test_without_a_place_for_its_files_mlflow_still_has_the_numbers(
    finished, database, tmp_path, monkeypatch, capsys
):
    def no(*_):
        raise PermissionError("not here")

    plan = first_fold(finished)[0]
    with Tracking(tmp_path, "toy", {}) as tracking:
        monkeypatch.setattr(tracking.client, "log_artifact", no)
        tracking.start(plan, finished.folder(plan))
        tracking.finish(plan, finished.folder(plan))
        tracking.attach(tmp_path / "report.html")
    assert capsys.readouterr().err.count("warning: MLflow keeps no files (PermissionError: not here)") == 1
    run = tracking.client.get_run(tracking.runs[plan.digest])
    assert run.info.status == "FINISHED" and "test/f1_avg" in run.data.metrics


def test_a_deleted_experiment_comes_back(database, tmp_path):
    first = Tracking(tmp_path, "toy", {})
    first.client.delete_experiment(first.experiment)
    again = Tracking(tmp_path, "toy", {})
    assert not again.off and again.experiment == first.experiment


def test_scores_made_anew_replace_the_old_ones(finished, database, tmp_path):
    plan, folder = first_fold(finished)[0], RunFolder(tmp_path / "run")
    shutil.copytree(finished.folder(plan).path, folder.path)
    for f1 in (0.25, 0.75):
        scores = read_json(folder.scores)
        write_json({**scores, "test": {**scores["test"], "f1_avg": f1}}, folder.scores)
        with Tracking(tmp_path, "toy", {}) as tracking:
            tracking.start(plan, folder)
            tracking.finish(plan, folder)
        assert tracking.client.get_run(tracking.runs[plan.digest]).data.metrics["test/f1_avg"] == f1


def test_a_training_stands_below_the_protocol_that_named_it_last(finished, database, tmp_path):
    plan = first_fold(finished)[0]
    for seeds in ([0], [0, 1]):
        with Tracking(tmp_path, "toy", {"seeds": seeds}) as tracking:
            tracking.start(plan, finished.folder(plan))
        run = tracking.client.get_run(tracking.runs[plan.digest])
        assert run.data.tags["mlflow.parentRunId"] == tracking.parent


def test_the_database_lies_in_the_folder_whatever_it_is_called(tmp_path):
    name = "a%20b?c"
    assert not Tracking(tmp_path / name, "toy", {}).off
    assert [path.parent for path in tmp_path.rglob("*.db")] == [tmp_path / name]
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


@pytest.mark.parametrize("config", [{"a": {"b": 1, "c": {"d": [2]}}, "e": None}])
def test_settings_are_flattened(config):
    assert flattened(config) == {"a.b": "1", "a.c.d": "[2]", "e": "None"}


@pytest.mark.parametrize("outs", [("out", "out"), ("a", "b")])
def test_commands_that_begin_together_share_one_database(tmp_path, monkeypatch, outs):
    """As the jobs of an array do; MLflow itself would fail where two make its tables."""
    if outs == ("a", "b"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    code = "import sys; from pathlib import Path; from pipelines.machinery.tracking import Tracking\n"
    code += "sys.exit(Tracking(Path(sys.argv[1]), 'toy', {}).off)"
    words = [sys.executable, "-c", code]
    together = [subprocess.Popen([*words, tmp_path / out], stderr=subprocess.PIPE, text=True) for out in outs]
    assert [run.communicate()[1].count("warning: MLflow") for run in together] == [0, 0]
    assert [run.returncode for run in together] == [0, 0]
