"""A training that is interrupted, in this process: what comes after is bit for bit what would have come."""

import copy

import pytest
import torch

from au_core.data.files import write_json
from au_core.errors import AuError
from au_core.run_folder import read_history
from au_core.training.loop import Training, save_state
from tests.pipelines.conftest import train_here
from tests.pipelines.toy_training import REPORT, lines_of, toy_experiment, toy_folder, toy_plan

STEPS, STRUCK = 4 * REPORT, 3 * REPORT + 2
"""Steps in all, and the one that is not made at first: another was made since the last checkpoint."""
AT_RANDOM = {"relaxed": 0.5, "noise": 0.1}
"""Settings by which a step draws from torch's own random numbers."""


@pytest.fixture
def states(monkeypatch):
    """What each checkpoint held, by its folder and step: a finished training keeps none."""
    found = {}

    def keep(game, step, best, folder):
        found[folder, step] = copy.deepcopy(game.state())
        save_state(game, step, best, folder)

    monkeypatch.setattr("au_core.training.loop.save_state", keep)
    return found


def train(out, **adversarial):
    experiment = toy_experiment(out, STEPS, **adversarial)
    return train_here(toy_plan(experiment), experiment)


def strike(monkeypatch, place, name, step, blow):
    """Let ``blow`` fall on the training once, before it does ``name`` of its ``step``."""
    do, struck = getattr(place, name), []

    def strike_once(self, number, *rest):
        if number == step and not struck:
            struck.append(number)
            blow(self)
        return do(self, number, *rest)

    monkeypatch.setattr(place, name, strike_once)
    return struck


def die(_):
    raise RuntimeError("a machine went")


@pytest.mark.parametrize("options", [{}, AT_RANDOM], ids=["plain", "at random"])
def test_an_interrupted_training_ends_bit_for_bit_as_an_undisturbed_one(
    states, tmp_path, monkeypatch, options
):
    quiet = train(tmp_path / "quiet", **options)
    struck = strike(monkeypatch, Training, "_step", STRUCK, die)
    again = train(tmp_path / "again", **options)
    assert struck == [STRUCK]
    assert lines_of(again) == lines_of(quiet)
    ours, theirs = (states[folder.checkpoints, STEPS] for folder in (again, quiet))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    for name in ("model.json", "model.safetensors"):
        assert (again.model / name).read_bytes() == (quiet.model / name).read_bytes()


def take_over(training):
    write_json("another group", training.folder.owner)
    half_written(training.folder).touch()


def half_written(folder):
    """What the others are at."""
    return folder.path / ".history.jsonl.tmp"


@pytest.mark.parametrize(
    ("doing", "step", "reports"),
    [("_step", STRUCK, STEPS - REPORT), ("_keep_best", STEPS, STEPS)],
    ids=["in a step", "after the last check of a report"],
)
def test_workers_whose_folder_others_have_taken_over_write_nothing_more(
    tmp_path, monkeypatch, doing, step, reports
):
    struck = strike(monkeypatch, Training, doing, step, take_over)
    with pytest.raises(AuError, match=r"seed=0: other workers have taken over$"):
        train(tmp_path)
    folder = toy_folder(toy_experiment(tmp_path, STEPS))
    assert struck and read_history(folder.history)[-1]["step"] == reports
    assert not folder.model.exists() and folder.candidate.exists() and half_written(folder).exists()
