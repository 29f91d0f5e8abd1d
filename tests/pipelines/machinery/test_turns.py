"""Which trainings run at once, and which wait for their turn."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from au_core.errors import AuError
from au_core.recipes import demo
from pipelines.machinery.experiment import Experiment
from pipelines.machinery.runs import at_once, dealt, run_plans
from pipelines.machinery.tracking import Tracking
from tests.pipelines.conftest import first_fold, in_this_process
from tests.toy import write_toy_faces


@pytest.mark.parametrize(
    ("there", "gpu", "expected"),
    [
        ({"CPU": 4, "memory": 64 * 2**30}, False, 4),
        ({"CPU": 16, "memory": 64 * 2**30}, False, 8),
        ({"CPU": 16, "memory": 12 * 2**30}, False, 1),
        ({"CPU": 16, "memory": 64 * 2**30, "GPU": 1}, True, 1),
        ({"CPU": 1, "memory": 2**30}, False, 1),
    ],
)
def test_no_more_trainings_at_once_than_cores_memory_and_gpus_hold(
    tiny, tmp_path, monkeypatch, there, gpu, expected
):
    """ResNet-50 at 224 pixels keeps 82 MiB a face: 5 GiB a batch of 64, beside 2 for the worker."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("ray.cluster_resources", lambda: there)
    write_toy_faces(tmp_path / "faces")
    (plan, *_) = Experiment(cfg=tiny, out=tmp_path).plans()
    train = replace(plan.train, backbone="resnet50", input_size=224)
    adversarial, scaling = replace(plan.adversarial, m1=32, m2=32), replace(plan.scaling, gpu=gpu)
    assert at_once(replace(plan, train=train, adversarial=adversarial, scaling=scaling)) == expected


def test_the_demo_trains_on_both_cores_of_a_small_laptop(tmp_path, monkeypatch):
    """With the 4.9 GiB that README gives it."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 2, "memory": 4.9 * 2**30})
    write_toy_faces(tmp_path / "faces")
    plans = Experiment(cfg=demo(), out=tmp_path).plans()
    assert [at_once(plan) for plan in plans] == [2] * 6


def test_no_group_of_workers_gets_all_of_one_method():
    jobs = [(method, fold) for fold in (1, 2, 3) for method in ("ours", "o_wlc")]
    assert dealt(jobs, 2) == [
        [("ours", 1), ("o_wlc", 2), ("ours", 3)],
        [("o_wlc", 1), ("ours", 2), ("o_wlc", 3)],
    ]
    assert dealt(jobs[:3], 5) == [[jobs[0]], [jobs[1]], [jobs[2]], [], []]


@pytest.fixture
def begun(tiny, tmp_path, monkeypatch):
    """The hands that were begun with, on a cluster of one node: of two trainings, none of which ends."""
    write_toy_faces(tmp_path / "faces")
    experiment, begun = Experiment(cfg=tiny, out=tmp_path), []
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    monkeypatch.setattr("pipelines.machinery.board.Waiting", lambda _: SimpleNamespace(poll=lambda: None))

    def train(hand, sources, stop):
        begun.append([plan.method for plan, _ in hand])
        stop.wait(3)

    monkeypatch.setattr("pipelines.machinery.runs.train_folds", train)

    def run():
        with in_this_process():
            run_plans(first_fold(experiment), experiment, lambda: Tracking(tmp_path, "toy", {}))

    return run, begun


def test_on_a_cluster_each_training_waits_for_its_turn(begun):
    run, hands = begun
    with pytest.raises(AuError, match="2 of 2 trainings failed"):
        run()
    assert hands == [["ours"], ["o_wlc"]]


def test_ctrl_c_begins_no_training_that_waits_for_its_turn(begun, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    run, hands = begun
    monkeypatch.setattr("pipelines.machinery.runs.score_new", interrupt)
    monkeypatch.setattr("ray.shutdown", lambda: None)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert hands == [["ours"]]
