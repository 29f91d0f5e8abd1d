import errno
import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from au_core.config import ScalingConfig
from au_core.data.census import unlearnable
from au_core.data.files import read_json, write_json
from au_core.data.locks import held_alone
from au_core.errors import AuError, ConfigError
from au_core.evaluation.scores import write_scores
from au_core.models.checkpoint import load_recognizer
from au_core.models.device import computes_in_bf16
from au_core.run_folder import read_history
from pipelines.machinery.experiment import Experiment
from pipelines.machinery.group import claim
from pipelines.machinery.runs import claimed, run_plans
from pipelines.machinery.tracking import Tracking
from tests.pipelines.conftest import first_fold, in_this_process, snapshot
from tests.toy import write_toy_faces


def runs_of(experiment):
    return [(plan, experiment.folder(plan)) for plan in first_fold(experiment)]


def test_a_run_leaves_what_others_build_on(finished):
    for plan, folder in runs_of(finished):
        names = {path.name for path in folder.path.iterdir()}
        files = {"config", "training_set", "machine", "scores"}
        assert names == {f"{file}.json" for file in files} | {"history.jsonl", "predictions.parquet", "model"}
        bf16 = computes_in_bf16(torch.device("cpu"))
        assert read_json(folder.machine)["precision"] == ("bf16" if bf16 else "fp32")
        assert {path.name for path in folder.model.iterdir()} == {
            "model.safetensors", "model.json", "thresholds.json",
        }  # fmt: skip
        assert [line["step"] for line in read_history(folder.history)] == [3, 6]
        recognizer, card = load_recognizer(folder.path)
        assert card.thresholds == read_json(folder.scores)["thresholds"]
        assert not recognizer.training and card.spec == plan.spec and card.training.startswith(plan.label)
        assert list(card.unlearned) == unlearnable(read_json(folder.training_set))


def test_predictions_are_of_the_right_people_with_their_labels(finished):
    for plan, folder in runs_of(finished):
        rows = pq.read_table(folder.predictions).to_pandas()
        assert set(rows[rows.split == "val"].subject) == set(plan.val_subjects)
        assert set(rows[rows.split == "test"].subject) == set(plan.test_subjects)
        assert len(rows) == 12 * len(plan.val_subjects + plan.test_subjects)
        shard = pq.ParquetFile(finished.faces / "subject=F001" / "T1.parquet").read().to_pandas()
        own = rows[rows.subject == "F001"].sort_values("frame")
        np.testing.assert_array_equal(own["AU12_true"], shard["AU12"])


def test_a_few_lines_of_scikit_learn_give_the_scores(finished):
    for _, folder in runs_of(finished):
        scores = read_json(folder.scores)
        test = pq.read_table(folder.predictions).to_pandas().query("split == 'test'")
        for au, threshold in scores["thresholds"].items():
            y, p = test[f"{au}_true"], test[f"{au}_prob"]
            assert scores["test"]["f1"][au] == pytest.approx(f1_score(y, p >= threshold), abs=1e-12)
            assert scores["test"]["auc"][au] == pytest.approx(roc_auc_score(y, p), abs=1e-12)
            assert scores["test"]["accuracy"][au] == pytest.approx(
                accuracy_score(y, p >= threshold), abs=1e-12
            )
        assert scores["test"]["f1_avg"] == pytest.approx(np.mean(list(scores["test"]["f1"].values())))


def test_nothing_finished_is_done_again(finished, monkeypatch):
    before = snapshot(finished.out / "runs")
    monkeypatch.setattr("pipelines.machinery.runs._run_all", lambda *_: pytest.fail("trained again"))
    run_plans(
        first_fold(finished), finished, lambda: Tracking(finished.out, "toy", finished.write_description())
    )
    assert snapshot(finished.out / "runs") == before


def test_other_settings_never_overwrite_a_finished_run(finished):
    changed = replace(finished.cfg, adversarial=replace(finished.cfg.adversarial, alpha=0.3))
    plans = [plan for plan in replace(finished, cfg=changed).plans() if plan.fold == 1]
    with pytest.raises(
        ConfigError,
        match=r"alpha was 0.01, is 0.3\); choose another --out, or remove that folder to train again$",
    ):
        run_plans(plans, finished, lambda: Tracking(finished.out, "toy", finished.write_description()))


def test_what_this_machine_cannot_hold_is_refused_before_a_folder_is_claimed(tiny, tmp_path):
    write_toy_faces(tmp_path / "faces")
    experiment = Experiment(cfg=replace(tiny, scaling=ScalingConfig(cpus_per_worker=10_000)), out=tmp_path)
    with pytest.raises(ConfigError, match="asks for 10000 cores"):
        run_plans(first_fold(experiment), experiment, lambda: Tracking(tmp_path, "toy", {}))
    assert not (tmp_path / "runs").exists()


def test_faces_stay_as_they_are_while_trainings_read_them(tiny, tmp_path):
    write_toy_faces(tmp_path / "faces")
    experiment = Experiment(cfg=tiny, out=tmp_path)
    plans = first_fold(experiment)
    with claimed(plans, experiment), experiment.reading_faces():  # others may read them too
        with (
            pytest.raises(ConfigError, match="another command is at work here"),
            held_alone(experiment.faces),
        ):
            pass
    with held_alone(experiment.faces), pytest.raises(ConfigError, match="another command is writing here"):
        with claimed(plans, experiment):
            pass


def test_other_settings_never_overwrite_an_interrupted_training(tiny, tmp_path):
    write_toy_faces(tmp_path / "faces")
    experiment = Experiment(cfg=tiny, out=tmp_path)
    plan = experiment.plans()[0]
    folder = experiment.folder(plan)
    claim(folder, plan)
    checkpoint = folder.checkpoints / "step=00000003.pt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    other = replace(plan, adversarial=replace(plan.adversarial, lr_d=0.5))
    with pytest.raises(ConfigError, match=r"holds an interrupted training .*lr_d was .*, is 0.5\); choose"):
        claim(folder, other)
    claim(folder, plan)
    assert checkpoint.exists()


def test_one_training_that_cannot_go_on_does_not_stop_the_others(database, tiny, tmp_path):
    write_toy_faces(tmp_path / "faces")
    wild = replace(tiny, adversarial=replace(tiny.adversarial, lr_d=1e38))
    experiment = Experiment(cfg=wild, out=tmp_path)
    error = r"(?s)1 of 2 trainings failed.*ours.*step 1, batch 1 of R: the loss"
    with in_this_process(), pytest.raises(AuError, match=error):
        run_plans(first_fold(experiment), experiment, lambda: Tracking(tmp_path, "toy", {}))
    finished = [folder.scores.exists() for _, folder in runs_of(experiment)]
    assert finished == [False, True]


def test_a_moment_without_the_network_disk_ends_no_training(database, tiny, tmp_path, monkeypatch):
    write_toy_faces(tmp_path / "faces")
    experiment, looks = Experiment(cfg=replace(tiny, methods=("ours",)), out=tmp_path), []

    def score(plan, folder):
        looks.append(1)
        if len(looks) == 1:
            raise OSError(errno.ESTALE, "Stale file handle")
        write_scores(plan, folder)

    monkeypatch.setattr("pipelines.machinery.runs.write_scores", score)
    with in_this_process():
        run_plans(first_fold(experiment), experiment, lambda: Tracking(tmp_path, "toy", {}))
    assert all(folder.scores.exists() for _, folder in runs_of(experiment)) and len(looks) > 1


def test_one_damaged_file_keeps_no_other_run_from_its_scores(database, finished, tmp_path):
    """Told at the end, with what to do."""
    shutil.copytree(finished.out, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("mlflow.db"))
    experiment = replace(finished, out=tmp_path)
    (damaged, folder), (_, other) = runs_of(experiment)
    for each in (folder, other):
        each.scores.unlink()
    folder.predictions.write_bytes(b"PAR1 damaged")
    error = rf"1 of 2 trainings failed.*\n  {damaged.label}: cannot be scored \(ArrowInvalid: .*, remove it"
    with in_this_process(), pytest.raises(AuError, match=error):
        run_plans(first_fold(experiment), experiment, lambda: Tracking(tmp_path, "toy", {}))
    assert other.scores.exists() and not folder.scores.exists()


def test_faces_made_anew_since_a_training_was_planned_are_not_learned_from(database, tiny, tmp_path):
    experiment = Experiment(cfg=replace(tiny, methods=("ours",)), out=tmp_path)
    write_toy_faces(tmp_path / "faces")
    ((_, folder),), planned = runs_of(experiment), first_fold(experiment)
    shutil.rmtree(tmp_path / "faces" / f"subject={planned[0].train_subjects[0]}")
    with in_this_process(), pytest.raises(AuError, match="has changed since this training was planned; run"):
        run_plans(planned, experiment, lambda: Tracking(tmp_path, "toy", {}))
    assert not folder.history.exists()


def test_a_fold_whose_test_people_have_no_face_is_refused_before_it_is_trained(database, tiny, tmp_path):
    experiment = Experiment(cfg=replace(tiny, methods=("ours",)), out=tmp_path)
    write_toy_faces(tmp_path / "faces")
    ((plan, folder),) = runs_of(experiment)
    write_toy_faces(tmp_path / "faces", plan.test_subjects, frames=4, lost=4)
    with in_this_process(), pytest.raises(AuError, match="no face of the subjects F001, "):
        run_plans(first_fold(experiment), experiment, lambda: Tracking(tmp_path, "toy", {}))
    assert not folder.history.exists()


def test_two_commands_do_not_train_one_thing(tmp_path, tiny):
    """The second would take over the first's workers, which would begin again without end."""
    write_toy_faces(tmp_path / "faces")
    experiment = Experiment(cfg=tiny, out=tmp_path)
    ours, o_wlc = first_fold(experiment)
    with claimed([ours], experiment) as jobs:
        write_json("one", jobs[0][1].owner)
        with pytest.raises(ConfigError, match="another command is at work here"):
            run_plans([o_wlc, ours], experiment, lambda: pytest.fail("went on"))
        assert jobs[0][1].owner.exists(), "the first still has it"
        with claimed([o_wlc], experiment):
            pass  # another training of the same experiment is nobody else's
    with claimed([ours, o_wlc], experiment):
        pass


def test_results_without_a_model_are_not_removed_either(tmp_path, tiny):
    write_toy_faces(tmp_path / "faces")
    experiment = Experiment(cfg=tiny, out=tmp_path)
    (plan, _) = first_fold(experiment)
    for name in ("predictions", "scores"):
        with claimed([plan], experiment) as jobs:
            getattr(jobs[0][1], name).touch()
        other = replace(plan, adversarial=replace(plan.adversarial, alpha=0.3))
        with pytest.raises(
            ConfigError, match=r"holds a training with other settings .*alpha was 0.01, is 0.3"
        ):
            claim(jobs[0][1], other)
        getattr(jobs[0][1], name).unlink()
