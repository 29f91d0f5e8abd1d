"""Which R is kept: the one that validated best, on validation people alone; by two workers as by one."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from au_core.data.fold import load_split
from au_core.evaluation.predict import predict_set
from au_core.evaluation.scores import labels_and_probabilities, score_predictions
from au_core.models.card import load_card
from au_core.models.checkpoint import load_recognizer
from au_core.run_folder import RunFolder, read_history
from tests.pipelines.toy_training import lines_of
from tests.pipelines.toy_workers import checkpoint_of, predicting_ranks, toy_jobs, train_alone, train_together


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Where one worker trained the toy."""
    out = tmp_path_factory.mktemp("alone")
    train_alone(out)
    return out


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Where two did, each of which sees half of a batch."""
    out = tmp_path_factory.mktemp("together")
    train_together(out, 2)
    return out


@pytest.fixture(params=["alone", "together"])
def out(request):
    return request.getfixturevalue(request.param)


def checkpoint(folder, step):
    return torch.load(checkpoint_of(folder, step), weights_only=True)


def test_the_best_step_lies_between_the_first_and_the_last(alone):
    """Else the tests below could not see that the first or the last is kept."""
    scores = [line["val/f1_avg"] for line in read_history(RunFolder(alone / "own").history)]
    assert max(scores) not in (scores[0], scores[-1])


def test_the_kept_r_is_that_of_the_step_which_validated_best(out):
    folder = RunFolder(out / "own")
    lines = {line["step"]: line["val/f1_avg"] for line in read_history(folder.history)}
    best = max(lines, key=lambda step: lines[step])
    state, kept = checkpoint(folder, best)["recognizer"], load_file(folder.model / "model.safetensors")
    torch.testing.assert_close(kept, state, rtol=0, atol=0)
    assert load_card(folder.model).step == best


def test_its_scores_on_validation_people_are_those_it_was_chosen_by(out):
    """One worker predicts all of them in the end; in training each predicted a part."""
    plan, folder = toy_jobs(out)[0]
    rows, columns = pq.read_table(folder.predictions), list(plan.spec.columns)
    best = max(read_history(folder.history), key=lambda line: line["val/f1_avg"])
    scores = score_predictions(rows, columns)
    assert scores["val"]["f1_avg"] == pytest.approx(best["val/f1_avg"], abs=1e-9)
    assert scores["val"]["accuracy_avg"] == pytest.approx(best["val/accuracy_avg"], abs=1e-9)
    _, prob = labels_and_probabilities(rows, columns, "val")
    assert prob.std(axis=0).mean() == pytest.approx(best["val/prob_std"], rel=1e-4)
    assert scores["test"]["f1_avg"] != scores["val"]["f1_avg"]


def test_two_workers_predict_every_face_once(together):
    """The first of them, by the R that was kept; it is the only look at the test people."""
    plan, folder = toy_jobs(together)[0]
    assert predicting_ranks(folder) == [0]
    rows, (recognizer, card) = pq.read_table(folder.predictions), load_recognizer(folder.model)
    faces = [load_split(plan, together / "faces", split) for split in ("val", "test")]
    for name in ("subject", "frame"):
        assert rows[name].to_pylist() == [value for part in faces for value in getattr(part, name)]
    for part, split in zip(faces, ("val", "test"), strict=True):
        _, prob = labels_and_probabilities(rows, plan.spec.columns, split)
        np.testing.assert_allclose(prob, predict_set(recognizer, part, card.input_size), atol=1e-6)


def test_two_workers_take_the_first_step_of_one_on_the_whole_batch(alone, together):
    """Adam's means of gradients are compared: of a gradient near 0 a weight shows the sign alone.

    Normalised by the statistics of each worker's own faces the step is another one.
    """
    for norm in ("own", "all"):
        one, two = (checkpoint(RunFolder(out / norm), 1) for out in (alone, together))
        worst = max(_difference(one[name], two[name]) for name in ("opt_r", "opt_d"))
        assert (worst < 1e-3) == (norm == "all"), worst
        ours, theirs = (lines_of(RunFolder(out / norm))[0] for out in (alone, together))
        assert (theirs == pytest.approx(ours, rel=1e-3)) == (norm == "all"), (ours, theirs)


def _difference(one, two):
    """Largest relative difference of a parameter's mean gradient."""
    pairs = zip(one["state"].values(), two["state"].values(), strict=True)
    means = [(a["exp_avg"], b["exp_avg"]) for a, b in pairs]
    return max(((a - b).norm() / a.norm()).item() for a, b in means)
