import numpy as np
import pytest

from au_core.data.files import read_json, write_json
from au_core.report import people
from au_core.report.people import interval_over_people
from au_core.report.results import collect, paired
from tests.toy_runs import write_run

NAMES = [f"F{k:03}" for k in range(1, 7)]


def write_people(out, method, fold, seed, counts):
    """A training with ``counts[P, 3, L]``: tp, fp and fn of each person."""
    folder = write_run(out, method, 0.5, fold, seed, 0.5)
    found = dict(zip(NAMES, counts.tolist(), strict=False))
    of_people = {name: dict(zip(("tp", "fp", "fn"), lists, strict=True)) for name, lists in found.items()}
    write_json({**read_json(folder.scores), "people": of_people}, folder.scores)


def random_counts(rng, n):
    """Of ``n`` people and three AUs; the last is shown by the first person alone, and not always seen."""
    present, seen = rng.integers(5, 30, (n, 3)), rng.random((n, 3))
    present[1:, 2] = 0
    tp = np.round(seen * present).astype(int)
    return np.stack([tp, rng.integers(0, 20, (n, 3)), present - tp], 1)


def other_answers(rng, counts):
    """Other answers to the same faces: who shows an AU, and how often, is the same."""
    present, missed = counts[:, 0] + counts[:, 2], rng.random(counts[:, 2].shape)
    fn = np.round(missed * present).astype(int)
    return np.stack([present - fn, rng.integers(0, 20, fn.shape), fn], 1)


def pairs_of(out):
    results = collect(out)
    return paired(results.of("ours", 0.5), results.of("o_wlc", 0.5))


def width(out):
    low, high = interval_over_people(pairs_of(out))
    return high - low


def slow_f1(run, drawn):
    """Average F1 in per cent of a list of people, who may be in it more than once."""
    found = []
    for au in range(3):
        tp, fp, fn = (
            sum(run.scores["people"][name][kind][au] for name in drawn) for kind in ("tp", "fp", "fn")
        )
        if tp + fn:
            found.append(100 * tp / (tp + (fp + fn) / 2))
    return sum(found) / len(found)


def test_it_is_what_drawing_people_one_by_one_gives(tmp_path, rng, monkeypatch):
    """Folds of 4 and 6 people, with two seeds and one: seeds share people, and folds count alike."""
    monkeypatch.setattr(people, "DRAWS", 60)
    sizes = {1: (4, 2), 2: (6, 1)}
    for fold, (n, seeds) in sizes.items():
        counts = random_counts(rng, n)
        for seed in range(seeds):
            for method in ("ours", "o_wlc"):
                write_people(tmp_path, method, fold, seed, other_answers(rng, counts))
    pairs, random, by_fold = pairs_of(tmp_path), np.random.default_rng(0), []
    for fold, (n, seeds) in sizes.items():
        draws = [np.repeat(NAMES[:n], times) for times in random.multinomial(n, [1 / n] * n, size=60)]
        mine = [pair for pair in pairs if pair[0].fold == fold]
        assert len(mine) == seeds
        assert any(NAMES[0] not in drawn for drawn in draws), "the last AU is not always shown"
        by_fold.append([np.mean([slow_f1(a, drawn) - slow_f1(b, drawn) for a, b in mine]) for drawn in draws])
    expected = np.percentile(np.mean(by_fold, axis=0), [2.5, 97.5])
    assert interval_over_people(pairs) == pytest.approx(tuple(expected), abs=1e-9)


def test_equal_answers_are_equal_on_any_people(tmp_path, rng):
    for fold in (1, 2):
        counts = random_counts(rng, 5)
        for method in ("ours", "o_wlc"):
            write_people(tmp_path, method, fold, 0, counts)
    assert interval_over_people(pairs_of(tmp_path)) == (0, 0)


def test_methods_that_differ_by_chance_alone_have_0_inside(tmp_path, rng):
    """Answers of the same quality, drawn anew for each; with no more seeds it would be far from no width."""
    for fold in (1, 2, 3):
        counts = random_counts(rng, 6)
        for method in ("ours", "o_wlc"):
            write_people(tmp_path, method, fold, 0, other_answers(rng, counts))
    low, high = interval_over_people(pairs_of(tmp_path))
    assert low < 0 < high


def test_the_more_people_differ_the_wider_it_is_and_seeds_do_not_narrow_it(tmp_path):
    """The same mean difference, in one case alike for all people, in the other for half of them alone."""
    base = np.array([[[50] * 3, [50] * 3, [50] * 3]] * 6)
    better = np.array([10, -10, -10])[:, None]
    for name, gains in {"alike": [5] * 6, "unlike": [0, 10] * 3}.items():
        for seed in range(3):
            write_people(tmp_path / name, "o_wlc", 1, seed, base)
            ours = base + np.array(gains)[:, None, None] * better // 10
            write_people(tmp_path / name, "ours", 1, seed, ours)
    assert width(tmp_path / "alike") == pytest.approx(0, abs=1e-9)
    few = width(tmp_path / "unlike")
    assert few > 5
    for seed in range(3, 6):
        write_people(tmp_path / "unlike", "o_wlc", 1, seed, base)
        write_people(tmp_path / "unlike", "ours", 1, seed, ours)
    assert width(tmp_path / "unlike") == pytest.approx(few)


def test_one_person_cannot_stand_for_others(tmp_path, rng):
    for fold, n in ((1, 5), (2, 1)):
        for method in ("ours", "o_wlc"):
            write_people(tmp_path, method, fold, 0, random_counts(rng, n))
    assert np.isnan(interval_over_people(pairs_of(tmp_path))).all()
