from types import SimpleNamespace

import pytest

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
    folder, started = RunFolder(tmp_path), []

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

        monkeypatch.setattr(group, "_fit", fit)
        group.train_folds([(None, folder)], Sources(coded=tmp_path))  # type: ignore[list-item]
        return len(started)

    run.started = started
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


def test_standing_still_is_a_failure_with_its_reason(attempts):
    with pytest.raises(AuError, match="workers died: KeyError: 'AU99'; see Ray's logs"):
        attempts("step", GroupError(KeyError("AU99")))
    assert len(attempts.started) == group.MAX_DEATHS


def test_a_full_disk_is_told_at_once(attempts):
    with pytest.raises(FullDiskError, match="make room"):
        attempts(GroupError(FullDiskError("make room")))
    assert len(attempts.started) == 1
