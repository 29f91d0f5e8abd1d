import pytest
import torch

from au_core.models.discriminator import build_discriminator
from au_core.models.recognizer import Recognizer
from au_core.training.game import build_game
from au_core.training.state import History, read_history, restore, save_state


@pytest.fixture
def game():
    torch.manual_seed(0)
    return build_game(Recognizer("resnet10", 3), build_discriminator(3, 4), 1e-3, 1e-3)


def test_a_state_comes_back(game, tmp_path):
    save_state(game, 7, 0.5, tmp_path)
    with torch.no_grad():
        game.bare_recognizer.head.weight.zero_()
    assert restore(game, tmp_path) == (7, 0.5)
    assert game.bare_recognizer.head.weight.abs().sum() > 0


def test_nothing_saved_is_a_fresh_start(game, tmp_path):
    assert restore(game, tmp_path) == (0, -1.0)


def test_a_damaged_checkpoint_is_passed_over_and_two_are_kept(game, tmp_path):
    for step in (1, 2, 3):
        save_state(game, step, 0.1 * step, tmp_path)
    newest = sorted(tmp_path.iterdir())[-1]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step=00000002.pt", "step=00000003.pt"]
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.warns(UserWarning, match=r"step=00000003.pt: cannot be loaded"):
        assert restore(game, tmp_path) == (2, 0.2)


def test_history_means_losses_and_forgets_what_was_lost(tmp_path):
    path = tmp_path / "history.jsonl"
    log = History(path, 0)
    for loss in (1.0, 3.0):
        log.add({"loss_r": torch.tensor(loss)}, 10)
    log.write(2, {"val/f1_avg": 0.5})
    log.resume()
    log.add({"loss_r": torch.tensor(9.0)}, 10)
    log.write(4, {"val/f1_avg": 0.6})
    assert [(line["step"], line["train/loss_r"]) for line in read_history(path)] == [(2, 2.0), (4, 9.0)]
    again = History(path, 2)
    assert [line["step"] for line in read_history(path)] == [2] and again.seconds > 0


def test_a_line_still_being_written_is_not_read(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text('{"step": 1}\n{"step": 2')
    assert read_history(path) == [{"step": 1}] and read_history(tmp_path / "none") == []
