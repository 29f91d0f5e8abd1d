import errno
import threading
from types import SimpleNamespace

import pytest
from ray.train import ControllerError, WorkerGroupError

from au_core.data.files import read_json, write_json
from au_core.data.fold import Sources
from au_core.errors import AuError, FullDiskError
from au_core.run_folder import RunFolder
from pipelines.machinery import group
from pipelines.machinery.deaths import noted


def died_of(cause: Exception) -> WorkerGroupError:
    """As Ray tells of failed workers."""
    return WorkerGroupError("[Rank 0 Error Snippet]:\n...", {0: cause})


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
                raise died_of(RuntimeError("a machine went"))
            if outcome == "refusal":
                folder.refusal.touch()
                raise died_of(AuError("a loss became nan"))
            if outcome == "taken over":
                write_json("others", folder.owner)
                raise died_of(RuntimeError("others have taken over"))

        monkeypatch.setattr(group, "_fit", fit)
        group.train_folds([(None, folder)], Sources(coded=tmp_path), stop=stop)  # type: ignore[list-item]
        return len(started)

    run.started, run.stop = started, stop
    return run


def test_workers_may_die_for_ever_while_they_get_further(attempts):
    assert attempts(*["step"] * 20, True) == 21


def test_a_refusal_is_not_asked_for_again_and_is_no_death(attempts, tmp_path):
    assert attempts("refusal") == 1 and not RunFolder(tmp_path).deaths.exists()


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
                raise died_of(KeyError("AU99"))
            folder.predictions.touch()

    monkeypatch.setattr(group, "_fit", fit)
    group.train_folds(hand, Sources(coded=tmp_path))  # type: ignore[arg-type]
    assert worked == ["first", *["damaged"] * group.MAX_DEATHS, "last"]
    log, words = hand[1][1].deaths, "its workers died (KeyError: 'AU99')"
    reason = f"{words}, 4 times without a step forward; see {log}"
    assert noted(log) == [f"{words}; going on from what is saved"] * 3 + [f"{words}; given up after 4 times"]
    assert [folder.deaths.exists() for _, folder in hand] == [False, True, False]
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
    error = r"^Ray could not start its workers \(RuntimeError: no controller\), 4 times .*; see .*deaths.log"
    with pytest.raises(AuError, match=error):
        attempts("step", ControllerError(RuntimeError("no controller")))
    assert len(attempts.started) == group.MAX_DEATHS and not RunFolder(tmp_path).refusal.exists()


def test_nothing_is_refused_in_a_folder_that_others_have_taken_over(attempts, tmp_path):
    with pytest.raises(AuError, match="other workers have taken over"):
        attempts("taken over")
    folder = RunFolder(tmp_path)
    assert len(attempts.started) == 1 and not folder.refusal.exists() and not folder.deaths.exists()


def test_the_driver_waits_for_the_disk_of_which_workers_died(attempts, tmp_path, monkeypatch):
    asked = []

    def is_owned_by(self, group):
        asked.append(group)
        if len(asked) < 3:
            raise OSError(errno.ESTALE, "Stale file handle")
        return True

    monkeypatch.setattr(RunFolder, "is_owned_by", is_owned_by)
    monkeypatch.setattr(group.time, "sleep", lambda _: None)
    assert attempts(died_of(OSError(errno.ESTALE, "Stale file handle")), True) == 2


def test_that_ray_was_ended_is_no_trainings_fault(attempts, tmp_path):
    attempts.stop.set()
    with pytest.raises(WorkerGroupError):
        attempts(died_of(KeyError("AU99")))
    assert len(attempts.started) == 1 and not RunFolder(tmp_path).refusal.exists()


def test_a_full_disk_is_told_at_once(attempts):
    with pytest.raises(FullDiskError, match="make room"):
        attempts(died_of(FullDiskError("make room")))
    assert len(attempts.started) == 1
