import threading
from types import SimpleNamespace

import pytest

from au_core.data.files import read_json, write_json
from au_core.data.fold import Sources
from au_core.errors import AuError, FullDiskError
from au_core.run_folder import RunFolder
from pipelines.machinery import group


class GroupError(Exception):
    """As Ray tells of failed workers."""

    def __init__(self, cause: Exception) -> None:
        super().__init__("Training failed due to worker errors")
        self.worker_failures = {0: SimpleNamespace(_base_exc=cause)}


@pytest.fixture
def attempts(monkeypatch, tmp_path):
    """Runs ``train_folds`` with workers that do as ``outcomes`` say; returns how often they were started."""
    folder, started, stop = RunFolder(tmp_path), [], threading.Event()

    def run(*outcomes):
        def fit(*_):
            started.append(1)
            outcome = outcomes[min(len(started), len(outcomes)) - 1]
            if isinstance(outcome, Exception):
                raise outcome
            if outcome == "step":
                folder.checkpoints.mkdir(exist_ok=True)
                (folder.checkpoints / f"step={len(started)}.pt").touch()
                raise GroupError(RuntimeError("a machine went"))
            if outcome == "refusal":
                folder.refusal.touch()
                raise GroupError(AuError("a loss became nan"))
            if outcome == "taken over":
                write_json("others", folder.owner)
                raise GroupError(RuntimeError("others have taken over"))

        monkeypatch.setattr(group, "_fit", fit)
        group.train_folds([(None, folder)], Sources(coded=tmp_path), stop=stop)  # type: ignore[list-item]
        return len(started)

    run.started, run.stop = started, stop
    return run


def test_workers_may_die_for_ever_while_they_get_further(attempts):
    assert attempts(*["step"] * 20, True) == 21


def test_a_refusal_is_not_asked_for_again(attempts):
    assert attempts("step", "refusal") == 2


def test_a_sweeps_training_is_done_when_its_checkpoints_are_gone_too(tmp_path):
    folder = RunFolder(tmp_path)
    for left in (folder.model, folder.checkpoints):
        left.mkdir()
    assert not group._is_settled(folder, predict=False), "workers have still to look at the model"
    folder.checkpoints.rmdir()
    assert group._is_settled(folder, predict=False) and not group._is_settled(folder, predict=True)


def test_a_training_of_which_workers_die_does_not_take_the_others_with_it(monkeypatch, tmp_path):
    hand = [(None, RunFolder(tmp_path / name)) for name in ("first", "damaged", "last")]
    worked: list[str] = []

    def fit(jobs, *_):
        for _, folder in jobs:
            worked.append(folder.path.name)
            if worked[-1] == "damaged":
                raise GroupError(KeyError("AU99"))
            folder.predictions.touch()

    monkeypatch.setattr(group, "_fit", fit)
    group.train_folds(hand, Sources(coded=tmp_path))  # type: ignore[arg-type]
    assert worked == ["first", *["damaged"] * group.MAX_DEATHS, "last"]
    reason = "the training workers died: KeyError: 'AU99'; see Ray's logs"
    assert [folder.refusal.exists() and read_json(folder.refusal) for _, folder in hand] == [
        False, {"reason": reason}, False,
    ]  # fmt: skip


def test_a_refused_training_is_tried_again_by_the_next_command(monkeypatch, tmp_path):
    folder, plan = RunFolder(tmp_path), SimpleNamespace(digest="1")
    write_json({"digest": "1"}, folder.config)
    write_json({"reason": "workers died"}, folder.refusal)
    group.claim(folder, plan)  # type: ignore[arg-type]
    assert not group._is_settled(folder, predict=True)


def test_that_ray_itself_failed_is_no_trainings_fault(attempts, tmp_path):
    with pytest.raises(AuError, match="workers died: RuntimeError: no controller; see Ray's logs"):
        attempts("step", RuntimeError("no controller"))
    assert len(attempts.started) == group.MAX_DEATHS and not RunFolder(tmp_path).refusal.exists()


def test_nothing_is_refused_in_a_folder_that_others_have_taken_over(attempts, tmp_path):
    with pytest.raises(AuError, match="workers died"):
        attempts("taken over")
    assert not RunFolder(tmp_path).refusal.exists()


def test_that_ray_was_ended_is_no_trainings_fault(attempts, tmp_path):
    attempts.stop.set()
    with pytest.raises(GroupError):
        attempts(GroupError(KeyError("AU99")))
    assert len(attempts.started) == 1 and not RunFolder(tmp_path).refusal.exists()


def test_a_full_disk_is_told_at_once(attempts):
    with pytest.raises(FullDiskError, match="make room"):
        attempts(GroupError(FullDiskError("make room")))
    assert len(attempts.started) == 1
