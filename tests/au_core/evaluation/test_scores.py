import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from torch.backends import mkldnn

from au_core.aus import BP4D, UNKNOWN
from au_core.data.faces import load_faces
from au_core.evaluation.metrics import accuracy_per_au, auc_per_au, best_thresholds, f1_per_au
from au_core.evaluation.predict import predict_faces, predict_set, prediction_rows
from au_core.evaluation.scores import score_predictions
from au_core.models.recognizer import Recognizer
from tests.toy import write_toy_faces


@pytest.fixture
def predicted(rng):
    y = rng.integers(0, 2, (300, 4)).astype(np.int8)
    prob = np.clip(rng.normal(0.35 + 0.3 * y, 0.2), 0.001, 0.999).astype(np.float32)
    y[rng.random(y.shape) < 0.2] = UNKNOWN
    return prob, y


def by_scikit_learn(prob, y, thresholds):
    for j in range(y.shape[1]):
        known = y[:, j] >= 0
        t, p = y[known, j], prob[known, j]
        yield f1_score(t, p >= thresholds[j]), accuracy_score(t, p >= thresholds[j]), roc_auc_score(t, p)


def test_metrics_are_scikit_learn_s_over_the_coded_faces(predicted):
    prob, y = predicted
    pred = prob >= 0.5
    ours = np.stack([f1_per_au(pred, y), accuracy_per_au(pred, y), auc_per_au(prob, y)], 1)
    np.testing.assert_allclose(ours, list(by_scikit_learn(prob, y, [0.5] * 4)), atol=1e-12)


def test_one_false_alarm_does_not_define_the_f1_of_an_au_that_never_occurs():
    y = np.array([[1, 0], [0, 0]], np.int8)
    for pred in ([[1, 0], [0, 0]], [[1, 1], [0, 0]]):
        np.testing.assert_array_equal(f1_per_au(np.array(pred), y), [1, np.nan])


def test_no_threshold_has_a_higher_f1(predicted):
    prob, y = predicted
    chosen = best_thresholds(prob, y)
    best = f1_per_au(prob >= chosen.astype(np.float32), y)
    for t in np.unique(prob):
        assert (f1_per_au(prob >= t, y) <= best + 1e-12).all()


@pytest.mark.parametrize(("prob", "y", "expected"), [
    ([0.5, 0.5, 0.5], [1, 0, 1], 0.5),
    ([0.1, 0.4, 0.6], [0, 0, 0], 0.5),
    ([0.9, 0.8, 0.2], [1, 1, 0], 0.8),
    ([0.3, 0.7], [-1, -1], 0.5),
])  # fmt: skip
def test_thresholds_of_small_cases(prob, y, expected):
    assert best_thresholds(np.array(prob)[:, None], np.array(y)[:, None]) == [expected]


PEOPLE = ("M002", "F001", "F002")


def rows_of(prob, y, columns, split):
    data = {"split": [split] * len(y), "subject": [PEOPLE[k % 3] for k in range(len(y))]}
    for j, column in enumerate(columns):
        data[f"{column}_true"] = pa.array(y[:, j], mask=y[:, j] < 0)
        data[f"{column}_prob"] = prob[:, j]
    return pa.table(data)


VAL, TEST = slice(0, 100), slice(100, None)


def test_scores_choose_on_validation_and_count_on_test(predicted, rng):
    prob, y = predicted
    columns = ("AU01", "AU02", "AU04", "AU06")
    rows = pa.concat_tables(
        [rows_of(prob[:100], y[:100], columns, "val"), rows_of(prob[100:], y[100:], columns, "test")]
    )
    scores = score_predictions(rows, columns)
    thresholds = best_thresholds(prob[:100], y[:100])
    assert list(scores["thresholds"].values()) == thresholds.tolist()
    expected = np.array(list(by_scikit_learn(prob[100:], y[100:], thresholds.astype(np.float32))))
    for k, metric in enumerate(("f1", "accuracy", "auc")):
        np.testing.assert_allclose(list(scores["test"][metric].values()), expected[:, k], atol=1e-12)
        assert scores["test"][f"{metric}_avg"] == pytest.approx(expected[:, k].mean())
    assert scores["test_selected"]["f1_avg"] >= scores["test"]["f1_avg"]
    assert scores["frames"] == {"val": 100, "test": 200}


def test_each_test_person_has_the_counts_behind_the_f1(predicted):
    prob, y = predicted
    columns = ("AU01", "AU02", "AU04", "AU06")
    rows = [rows_of(prob[part], y[part], columns, name) for part, name in ((VAL, "val"), (TEST, "test"))]
    scores = score_predictions(pa.concat_tables(rows), columns)
    assert list(scores["people"]) == sorted(PEOPLE)
    thresholds = np.array(list(scores["thresholds"].values()), np.float32)
    pred, y = prob[TEST] >= thresholds, y[TEST]
    for k, person in enumerate(PEOPLE):
        for j in range(len(columns)):
            theirs = [(bool(p), int(t)) for p, t in zip(pred[k::3, j], y[k::3, j], strict=True)]
            counted = [theirs.count(kind) for kind in ((True, 1), (True, 0), (False, 1))]
            assert [scores["people"][person][name][j] for name in ("tp", "fp", "fn")] == counted
    tp, fp, fn = (sum(np.array(of[name]) for of in scores["people"].values()) for name in ("tp", "fp", "fn"))
    np.testing.assert_allclose(2 * tp / (2 * tp + fp + fn), list(scores["test"]["f1"].values()))


def test_nobody_was_kept_to_be_tested(predicted):
    rows = rows_of(*predicted, ("AU01", "AU02", "AU04", "AU06"), "val")
    assert score_predictions(rows, ("AU01", "AU02", "AU04", "AU06"))["people"] == {}


def test_an_au_that_never_occurs_is_null_and_left_out_of_the_average(predicted):
    prob, y = predicted
    y[:, 3] = 0
    prob[:, 3] = 0.1
    columns = ("AU01", "AU02", "AU04", "AU06")
    both = pa.concat_tables([rows_of(prob, y, columns, split) for split in ("val", "test")])
    test = score_predictions(both, columns)["test"]
    assert test["f1"]["AU06"] is None and test["auc"]["AU06"] is None and test["accuracy"]["AU06"] == 1
    assert test["f1_avg"] == pytest.approx(np.mean([test["f1"][c] for c in columns[:3]]))


@pytest.mark.parametrize("around", ["bf16", "tf32", "ieee"])
def test_a_prediction_is_in_float32_whatever_the_program_around_it_has_set(around):
    recognizer, faces = Recognizer("resnet10", 12, bf16=True), np.full((2, 32, 32, 3), 100, np.uint8)
    kinds, expected = (mkldnn.conv, mkldnn.matmul), predict_faces(recognizer, faces, 32)
    before, seen = [kind.fp32_precision for kind in kinds], []
    recognizer.register_forward_pre_hook(lambda *_: seen.extend(kind.fp32_precision for kind in kinds))
    try:
        for kind in kinds:
            kind.fp32_precision = around
        with torch.autocast("cpu", torch.bfloat16):
            np.testing.assert_array_equal(predict_faces(recognizer, faces, 32), expected)
        assert seen == ["ieee"] * 2 and [kind.fp32_precision for kind in kinds] == [around] * 2
    finally:
        for kind, precision in zip(kinds, before, strict=True):
            kind.fp32_precision = precision


def test_prediction_rows_carry_identity_truth_and_probability(tmp_path):
    before = mkldnn.conv.fp32_precision
    faces = load_faces(write_toy_faces(tmp_path, subjects=["F001"], unknown=0.2), BP4D, ["F001"])
    recognizer = Recognizer("resnet10", 12, bf16=True).train()
    prob = predict_set(recognizer, faces, 32)
    assert recognizer.training and recognizer.bf16 and mkldnn.conv.fp32_precision == before, "left as it was"
    rows = prediction_rows(faces, prob, "test", BP4D).to_pandas()
    assert rows.subject.unique() == ["F001"] and rows.frame.tolist() == list(range(100, 112))
    np.testing.assert_array_equal(rows.AU12_true.fillna(-1), faces.labels[:, BP4D.aus.index(12)])
    everything = predict_faces(recognizer, faces.decode(np.arange(12), 32), 32)
    np.testing.assert_allclose(rows.AU12_prob, everything[:, BP4D.aus.index(12)], rtol=1e-5)
