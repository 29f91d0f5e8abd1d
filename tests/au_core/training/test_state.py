import errno

import pytest
import torch

from au_core.config import AdversarialConfig, TrainConfig
from au_core.data.files import whole
from au_core.errors import CheckpointError, FullDiskError
from au_core.run_folder import read_history
from au_core.training.game import Game, new_game
from au_core.training.history import History
from au_core.training.state import restore, save_state


@pytest.fixture
def game() -> Game:
    torch.manual_seed(0)
    return game_of(3)


def game_of(n_aus: int) -> Game:
    cfg, train = AdversarialConfig(hidden=4), TrainConfig(backbone="resnet10", precision="fp32")
    return new_game(n_aus, cfg, train, torch.device("cpu"))


def test_a_state_comes_back(game, tmp_path):
    save_state(game, 7, 0.5, tmp_path)
    with torch.no_grad():
        game.bare_recognizer.head.weight.zero_()
    assert restore(game, tmp_path) == (7, 0.5)
    assert game.bare_recognizer.head.weight.abs().sum() > 0


def test_nothing_saved_is_a_fresh_start(game, tmp_path):
    assert restore(game, tmp_path) == (0, -1.0)


def test_a_disk_that_does_not_answer_is_no_fresh_start(game, tmp_path, monkeypatch):
    for step in (1, 2):
        save_state(game, step, 0.1 * step, tmp_path)

    def stale(path):
        raise OSError(errno.ESTALE, "Stale file handle", str(path))

    with monkeypatch.context() as disk, pytest.warns(UserWarning, match="Stale file handle"):
        disk.setattr("au_core.training.state._read", stale)
        with pytest.raises(OSError, match="Stale file handle"):
            restore(game, tmp_path)
    assert restore(game, tmp_path) == (2, 0.2)


def truncated(data: bytes) -> bytes:
    return data[:1000]


def emptied(data: bytes) -> bytes:
    return b""


def one_bit_flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def names(folder):
    return [path.name for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("damage", [truncated, emptied, one_bit_flipped])
def test_a_damaged_checkpoint_is_passed_over_and_two_are_kept(game, tmp_path, damage):
    for step in (1, 2, 3):
        save_state(game, step, 0.1 * step, tmp_path)
    assert names(tmp_path) == ["step=00000002.pt", "step=00000003.pt"]
    newest = sorted(tmp_path.iterdir())[-1]
    newest.write_bytes(damage(newest.read_bytes()))
    with pytest.warns(UserWarning, match=r"step=00000003.pt: cannot be loaded"):
        assert restore(game, tmp_path) == (2, 0.2)


def test_two_are_kept_beside_a_later_one(game, tmp_path):
    """It is damaged and must not take a good one's place, or of others who have taken over."""
    for step in (9, 1, 2, 4):
        save_state(game, step, 0.5, tmp_path)
    assert names(tmp_path) == ["step=00000002.pt", "step=00000004.pt", "step=00000009.pt"]


def test_all_checkpoints_damaged_is_a_fresh_start(game, tmp_path):
    save_state(game, 3, 0.5, tmp_path)
    (tmp_path / "step=00000003.pt").write_bytes(b"")
    before = {key: value.clone() for key, value in game.bare_recognizer.state_dict().items()}
    with pytest.warns(UserWarning, match="cannot be loaded"):
        assert restore(game, tmp_path) == (0, -1.0)
    torch.testing.assert_close(dict(game.bare_recognizer.state_dict()), before, rtol=0, atol=0)


def test_a_checkpoint_of_other_networks_is_refused(game, tmp_path):
    save_state(game, 3, 0.5, tmp_path)
    other = game_of(5)
    with pytest.raises(CheckpointError, match=r"step=00000003.pt: of other networks.*remove"):
        restore(other, tmp_path)


def test_a_checkpoint_that_runs_code_is_passed_over(game, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").touch, ())

    torch.save({"recognizer": Trap()}, tmp_path / "step=00000001.pt")
    with pytest.warns(UserWarning, match="cannot be loaded"):
        assert restore(game, tmp_path) == (0, -1.0)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_the_checkpoints_before(game, tmp_path, monkeypatch, code):
    save_state(game, 1, 0.5, tmp_path)

    def full(state, path):
        path.write_bytes(b"half")
        raise OSError(code, "no room")

    monkeypatch.setattr("torch.save", full)
    with pytest.raises(FullDiskError, match=r"step=00000002.pt: no space left on the disk; make room"):
        save_state(game, 2, 0.5, tmp_path)
    assert names(tmp_path) == ["step=00000001.pt"]
    assert restore(game, tmp_path) == (1, 0.5)


def test_other_failures_of_a_write_are_not_blamed_on_the_disk(tmp_path):
    with pytest.raises(RuntimeError, match="broken"), whole(tmp_path / "x"):
        raise RuntimeError("broken")


def test_history_means_losses_and_forgets_what_was_lost(tmp_path):
    path = tmp_path / "history.jsonl"
    log = History(path)
    for loss in (1.0, 3.0):
        log.add({"loss_r": torch.tensor(loss)}, 10)
    log.write(2, {**log.measure(), "val/f1_avg": 0.5})
    log.restart()
    log.add({"loss_r": torch.tensor(9.0)}, 10)
    log.write(4, {**log.measure(), "val/f1_avg": 0.6})
    assert [(line["step"], line["train/loss_r"]) for line in read_history(path)] == [(2, 2.0), (4, 9.0)]
    again = History(path)
    again.begin_after(2)
    assert [line["step"] for line in read_history(path)] == [2] and again.seconds > 0


def test_speed_and_seconds_are_those_of_training_not_of_validation(tmp_path, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("au_core.training.history.time.perf_counter", lambda: now)
    log = History(tmp_path / "history.jsonl")
    now += 2
    log.add({"loss_r": torch.tensor(1.0)}, 10)
    measured = log.measure()
    now += 60  # a validation
    log.write(1, measured)
    (line,) = read_history(log.path)
    assert line["seconds"] == 2 and line["train/images_per_second"] == 5
