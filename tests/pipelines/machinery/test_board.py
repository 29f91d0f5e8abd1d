import json
import os
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import create_autospec

import pytest

from au_core.data.files import write_json
from au_core.run_folder import RunFolder
from pipelines.machinery.board import Board, counts_line, progress_line, seconds_left
from pipelines.machinery.cli import averages
from pipelines.machinery.deaths import note
from pipelines.machinery.tracking import Tracking
from tests.toy_runs import write_run

LINE = {
    "step": 25,
    "time": 1000.0,
    "seconds": 10.0,
    "train/loss_sup": 6.0,
    "train/images_per_second": 80.0,
    "val/f1_avg": 0.5,
}
GAME = {"train/loss_adv": 0.75, "train/adv_to_sup": 0.125, "train/d_real": 0.7, "train/d_fake": 0.62}


def board_of(*jobs):
    """Without MLflow, which has tests of its own."""
    return Board([*jobs], create_autospec(Tracking, instance=True))


def test_a_progress_line_says_what_and_how_fast():
    expected = "step 25/100  supervised 6.00  val F1 50.0  80 faces/s  30 s left"
    assert progress_line(LINE, 100, 30.0) == expected


def test_without_validation_people_it_tells_the_rest():
    line = {key: value for key, value in LINE.items() if key != "val/f1_avg"}
    assert progress_line(line, 100, 30.0) == "step 25/100  supervised 6.00  80 faces/s  30 s left"


def test_with_an_opponent_it_tells_of_both():
    line = progress_line({**LINE, **GAME}, 100, 30.0)
    assert "supervised 6.00  adversarial 0.75 (1:8)  D right on real 70%, fake 62%  val F1" in line


def test_the_time_left_counts_validation_and_no_pause_before_the_last_report():
    later = {**LINE, "step": 50, "time": 1050.0, "seconds": 20.0}
    assert seconds_left([LINE], LINE, 100) == 30.0
    assert seconds_left([LINE, later], later, 100) == 100.0


@pytest.fixture
def run(tmp_path):
    from au_core.data.files import read_json
    from au_core.fold_plan import FoldPlan

    folder = write_run(tmp_path, "ours", 0.5, 1, 0, None)
    return FoldPlan.from_dict(read_json(folder.config)["plan"]), folder


def test_a_warning_is_told_once(run, capsys):
    plan, folder = run
    won = {**LINE, **GAME, "train/d_real": 1.0, "train/d_fake": 1.0}
    folder.history.unlink()
    board = board_of((plan, folder))
    folder.history.write_text("".join(json.dumps({**won, "step": k}) + "\n" for k in (1, 2)))
    for _ in range(3):
        board.poll()
    told = capsys.readouterr().err
    assert told.count("warning: D is right all the time") == 1 and told.count("step 2/") == 1


def test_what_was_told_before_an_interruption_is_not_told_again(run, capsys):
    plan, folder = run
    folder.history.write_text(json.dumps({**LINE, "step": 2}) + "\n")
    board_of((plan, folder)).poll()
    told = capsys.readouterr().err
    assert "goes on after step 2\n" in told and "step 2/" not in told


def test_a_night_between_two_commands_is_not_taken_for_work(run, capsys):
    plan, folder = run
    plan = replace(plan, adversarial=replace(plan.adversarial, steps=75))
    before, after = {**LINE, "time": 1000.0}, {**LINE, "step": 50, "time": 40_000.0, "seconds": 20.0}
    folder.history.write_text(json.dumps(before) + "\n")
    board = board_of((plan, folder))
    folder.history.write_text("".join(json.dumps(line) + "\n" for line in (before, after)))
    board.poll()
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "step 50/75" in line]
    assert line.endswith(" 10 s left")


def test_what_is_learned_from_is_told_once(run, capsys):
    plan, folder = run
    folder.history.unlink()
    counts = {"faces": 2000, "labelled": 500, "labelled_share": 0.25, "unlabelled_drawn": False}
    write_json(
        counts | {"known": {"AU01": 9, "AU02": 9}, "present": {"AU01": 4, "AU02": 0}}, folder.training_set
    )
    board = board_of((plan, folder))
    for _ in range(2):
        board.poll()
    told = capsys.readouterr().err
    assert (
        told.count("2,000 faces, 500 labelled (25%), too few unlabelled ones to be drawn; warning: always ")
        == 1
    )
    assert "never coded: AU02\n" in told


def test_that_there_is_no_unlabelled_face_is_told():
    counts = {"faces": 500, "labelled": 500, "labelled_share": 1.0, "unlabelled_drawn": False}
    words = counts_line(counts | {"known": {}, "present": {}})
    assert words == "500 faces, 500 labelled (100%), none unlabelled: T2 is empty"


def test_a_finished_training_tells_when_the_rest_will_be(run, tmp_path, capsys, monkeypatch):
    """6 of the 24 steps that were to be made took 30 s: those of one training, of which 2 were there."""
    now = 1000.0
    monkeypatch.setattr("pipelines.machinery.board.time.monotonic", lambda: now)
    plan, _ = run
    jobs = [
        (replace(plan, seed=k, adversarial=replace(plan.adversarial, steps=8)), RunFolder(tmp_path / f"{k}"))
        for k in range(3)
    ]
    for _, other in jobs:
        other.path.mkdir()
    first = jobs[0][1]
    first.history.write_text(json.dumps({**LINE, "step": 2}) + "\n")
    board = board_of(*jobs)
    now += 30
    first.history.write_text(json.dumps({**LINE, "step": 8}) + "\n")
    write_json({"frames": {"test": 9}, "test": {"f1_avg": 0.5, "auc_avg": 1}}, first.scores)
    board.poll()
    assert "done (1 of 3): test F1 50.0, AUC 100.0; the rest in about 80 s" in capsys.readouterr().err


@pytest.fixture
def clock(monkeypatch):
    """Seconds that can be set."""
    now = [1000.0]
    monkeypatch.setattr("pipelines.machinery.board.time.monotonic", lambda: now[0])
    return now


def silent(board, clock, capsys, seconds):
    """What is warned of when a board looks after some seconds more."""
    clock[0] += seconds
    board.poll()
    return [
        line.split("warning: ")[1] for line in capsys.readouterr().err.splitlines() if "no report" in line
    ]


def test_a_training_that_has_begun_and_says_nothing_more_is_told_once(run, clock, capsys):
    plan, folder = run
    plan = replace(plan, adversarial=replace(plan.adversarial, steps=75))
    plan = replace(plan, train=replace(plan.train, report_every=25))
    folder.history.unlink()
    board = board_of((plan, folder))
    assert silent(board, clock, capsys, 10_000) == [], "it waits for its turn"
    os.utime(folder.training_set)
    assert silent(board, clock, capsys, 1) == silent(board, clock, capsys, 599) == []
    folder.history.write_text(json.dumps({**LINE, "seconds": 200.0}) + "\n")
    assert silent(board, clock, capsys, 1) == silent(board, clock, capsys, 999) == [], "not yet 5 x 200 s"
    (warning,) = silent(board, clock, capsys, 2)
    assert warning.startswith("no report for 17 min; if its workers do nothing (see top, nvidia-smi), inter")
    assert silent(board, clock, capsys, 9999) == []


def test_who_has_made_all_steps_has_no_more_to_report(run, clock, capsys):
    plan, folder = run
    plan = replace(plan, adversarial=replace(plan.adversarial, steps=25))
    folder.history.unlink()
    board = board_of((plan, folder))
    folder.history.write_text(json.dumps(LINE) + "\n")
    assert silent(board, clock, capsys, 1) == silent(board, clock, capsys, 9999) == []


def test_a_board_tells_what_a_cluster_waits_for_while_anything_is_left(run, monkeypatch):
    _, folder = run
    polled, made = [], []
    monkeypatch.setenv("RAY_ADDRESS", "auto")

    def waiting(scaling):
        made.append(scaling)
        return SimpleNamespace(poll=lambda: polled.append(1))

    monkeypatch.setattr("pipelines.machinery.board.Waiting", waiting)
    board_of().poll()
    board = board_of(run)
    board.poll()
    write_json({"reason": "it had enough"}, folder.refusal)
    board.poll()
    assert made == [run[0].scaling] and polled == [1]


def test_deaths_are_told_each_but_not_those_of_an_earlier_command(run, capsys):
    plan, folder = run
    folder.training_set.unlink()
    note("its workers died (an earlier one)", KeyError("AU99"), folder.deaths)
    board = board_of(run)
    for cause in ("a", "b"):
        note(f"its workers died ({cause})", KeyError("AU99"), folder.deaths)
        for _ in range(2):
            board.poll()
    told = [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert told[1:] == [f"{plan.label}  its workers died ({cause})" for cause in ("a", "b")]


def test_what_failed_is_told_at_once_and_once(run, tmp_path, capsys):
    plan, folder = run
    board = Board([run], Tracking(tmp_path, "toy", {}))
    write_json({"reason": "step 3: the loss became nan"}, folder.refusal)
    for _ in range(2):
        board.poll()
    assert capsys.readouterr().err.count(f"{plan.label}  failed: step 3: the loss became nan\n") == 1
    assert board.failures == {plan: "step 3: the loss became nan"} and not board.running


def test_where_no_au_occurs_there_is_no_score_and_no_crash():
    frames = {"frames": {"test": 9}}
    assert averages(frames | {"test": {"f1_avg": 0.5, "auc_avg": 0.75}}) == "test F1 50.0, AUC 75.0"
    assert averages(frames | {"test": {"f1_avg": None, "auc_avg": None}}) == "test F1 -, AUC -"
