import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from au_core import aus
from au_core.data import synthetic
from au_core.data.facts import load_facts
from au_core.data.synthetic.events import ACTIVE, perform, strata
from au_core.data.synthetic.expression import AUS, EXPRESSIONS, MIXTURES, build_model, label_model
from au_core.errors import ConfigError
from tests.au_core.data.synthetic.truth import (
    active_rates,
    both_positive,
    conditional_truth,
    pair_probabilities,
)

FOLDS, STATISTICS = load_facts("folds"), load_facts("au_statistics")
FRAMES = {"BP4D": 153, "DISFA": 1852}
"""A sequence's frames in a dataset of 50,000."""


def dataset_of(name: str, seed: int = 0, frames: int | None = None, model=None) -> dict[str, list]:
    """Performances of all sequences by subject."""
    model = model or label_model(name)
    return {
        subject: [
            perform(model, name, subject, task, frames or FRAMES[name], seed) for task in MIXTURES[name]
        ]
        for subject in FOLDS[name]["subject_ids"]
    }


def codes_of(played: dict[str, list]) -> np.ndarray:
    return np.concatenate([p.codes for performances in played.values() for p in performances]) >= ACTIVE


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", ["BP4D", "DISFA"])
def test_rates_of_a_dataset_are_the_published_ones_within_two_points(name, seed):
    active = codes_of(dataset_of(name, seed))
    assert len(active) >= 50_000
    for au, rate in STATISTICS[name]["rate"].items():
        assert active[:, AUS.index(int(au[2:]))].mean() == pytest.approx(rate, abs=0.02), au


@pytest.mark.parametrize("name", ["BP4D", "DISFA"])
def test_the_models_own_rates_are_exact(name):
    model = label_model(name)
    for annotated in (True, False):
        np.testing.assert_allclose(np.diag(pair_probabilities(model, None, annotated)), model.rates)
    by_task = np.mean([active_rates(model, task) for task in model.mixtures], axis=0)
    np.testing.assert_allclose(by_task, model.rates)


@pytest.mark.parametrize(("relation", "sign"), [("positive_correlation", 1), ("negative_competition", -1)])
@pytest.mark.parametrize("name", ["BP4D", "DISFA"])
def test_published_pairs_occur_together_or_apart(name, relation, sign):
    together, drawn = pair_probabilities(label_model(name)), np.corrcoef(codes_of(dataset_of(name)).T)
    covariance = together - np.outer(np.diag(together), np.diag(together))
    for a, b in STATISTICS["au_relations_JPML_on_BP4D"][relation]:
        i, j = AUS.index(a), AUS.index(b)
        assert sign * covariance[i, j] > 0, (a, b)
        assert sign * drawn[i, j] > (0.01 if name == "BP4D" else 0), (a, b)


def test_the_truth_in_closed_form_is_what_is_drawn():
    model = build_model("BP4D", difficulty=2.0)
    names = [f"X{i:04}" for i in range(600)]  # nobody's habits are balanced here: an ordinary sample
    played = {name: [perform(model, "BP4D", name, task, 60, 0) for task in model.mixtures] for name in names}
    written = codes_of(played)
    shown = np.concatenate([p.shown for performances in played.values() for p in performances]) >= ACTIVE
    for labels, annotated in ((written, True), (shown, False)):
        drawn = labels.T.astype(float) @ labels / len(labels)
        np.testing.assert_allclose(drawn, pair_probabilities(model, None, annotated), atol=0.025)
    task = np.concatenate([played[name][1].codes for name in names]) >= ACTIVE
    drawn = task.T.astype(float) @ task / len(task)
    np.testing.assert_allclose(drawn, pair_probabilities(model, "T2"), atol=0.03)
    conditional = conditional_truth(model)
    i, j = AUS.index(6), AUS.index(12)
    assert conditional[i, j] == pytest.approx(written[written[:, i], j].mean(), abs=0.03)
    for i in np.flatnonzero(model.rates > 0.1):
        np.testing.assert_allclose(conditional[i], written[written[:, i]].mean(0), atol=0.05)
    assert (np.diag(conditional) == 1).all()


def test_annotators_imagine_no_more_than_there_is_room_for():
    model = build_model("BP4D", 3.0, aus=(23, 46), rates={23: 0.9, 46: 0.9})
    assert (model.seen() <= 1).all()
    np.testing.assert_allclose(np.diag(pair_probabilities(model)), 0.9)


def test_annotators_err_at_their_rate():
    model = build_model("BP4D", difficulty=1.5)
    played = [p for ps in dataset_of("BP4D", model=model).values() for p in ps]
    shown, written = (
        np.concatenate([getattr(p, name) >= ACTIVE for p in played]) for name in ("shown", "codes")
    )
    missed = (shown & ~written).sum(0) / shown.sum(0)
    common = model.rates > 0.15
    np.testing.assert_allclose(missed[common], model.error[common], atol=0.06)  # about 500 events each
    clean = build_model("BP4D", difficulty=0.0)
    for p in (q for qs in dataset_of("BP4D", model=clean).values() for q in qs):
        np.testing.assert_array_equal(p.shown >= ACTIVE, p.codes >= ACTIVE)


@pytest.mark.parametrize(("a", "b", "rho"), [(0.5, -1.0, 0.5), (-2.0, -2.0, -0.4), (0.0, 1.0, 0.9)])
def test_orthants_are_scipys(a, b, rho):
    expected = multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([a, b])
    assert both_positive(np.array(a), np.array(b), np.array(rho)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["BP4D", "DISFA"])
def test_parts_differ_as_much_as_the_published_ones(name):
    """Pooled over AUs, the spread of a part's rates, relative to a coin's; published against drawn."""
    spread = []
    parts = FOLDS[name]["three_fold"]["parts"]
    facts = STATISTICS[name]
    aus = [AUS.index(int(au[2:])) for au in facts["rate"]]
    rates = np.array([list(facts["rate_per_part"][part].values()) for part in parts])
    mean = np.array(list(facts["rate"].values()))
    published = (rates.var(0) / (mean * (1 - mean))).mean()
    for seed in range(4):
        played = dataset_of(name, seed)
        drawn = np.array(
            [codes_of({s: played[s] for s in subjects})[:, aus].mean(0) for subjects in parts.values()]
        )
        spread.append((drawn.var(0) / (mean * (1 - mean))).mean())
    assert 0.5 < np.mean(spread) / published < 2


def test_expressions_say_more_than_pairs_do():
    """Three AUs have an interaction that no distribution of pairs alone (log-linear of order 2) has."""
    model = build_model("BP4D", difficulty=0.0)
    names = [f"X{i:04}" for i in range(400)]
    played = {name: [perform(model, "BP4D", name, task, 60, 0) for task in model.mixtures] for name in names}
    three = codes_of(played)[:, [AUS.index(au) for au in (1, 6, 25)]]
    counts = np.bincount(three @ [4, 2, 1], minlength=8)
    sign = np.array([-1, 1, 1, -1, 1, -1, -1, 1])
    assert sign @ np.log(counts) < -0.15
    assert set(EXPRESSIONS) == {name for mixture in MIXTURES["BP4D"].values() for name in mixture}


def test_tasks_have_their_own_mixtures():
    model = label_model("BP4D")
    joke, sad = active_rates(model, "T1"), active_rates(model, "T2")
    assert joke[AUS.index(12)] > sad[AUS.index(12)] + 0.2 and sad[AUS.index(15)] > joke[AUS.index(15)] + 0.1


def test_intensities_rise_stay_and_fall():
    played = perform(label_model("BP4D"), "BP4D", "F001", "T1", 300, 0)
    again = perform(label_model("BP4D"), "BP4D", "F001", "T1", 300, 0)
    np.testing.assert_array_equal(played.shown, again.shown)
    np.testing.assert_array_equal(played.codes, again.codes)
    steps = np.abs(np.diff(played.shown, axis=0))
    assert steps.max() < 1.2 and (steps == 0).mean() > 0.2, "held at the apex, no jumps"
    assert played.shown.min() >= 0 and played.shown.max() <= 5
    other = perform(label_model("BP4D"), "BP4D", "F001", "T2", 300, 0)
    assert not np.array_equal(played.shown, other.shown)


def test_strata_are_uniform_and_even(rng):
    u = strata(rng, 40, 3)
    assert u.shape == (40, 3)
    np.testing.assert_array_equal(np.sort(np.floor(u * 40), axis=0), np.arange(40)[:, None].repeat(3, 1))


def test_any_table_of_aus_has_a_model():
    model = build_model("BP4D", aus=(6, 12, 46), rates={46: 0.2})
    played = perform(model, "BP4D", "F001", "T1", 50, 0)
    assert played.codes.shape == (50, 3)
    assert active_rates(model)[2] == pytest.approx(0.2)
    with pytest.raises(ConfigError, match=r"rates of AUs must be in \(0, 0.9\], got 0.4609 to 0.95"):
        build_model("BP4D", aus=(6, 46), rates={46: 0.95})


def test_the_card_has_the_rates_of_all_tasks_and_of_the_first_ones():
    card = (Path(synthetic.__file__).parent / "CARD.md").read_text()
    rows = [line.split(" | ") for line in card.splitlines() if re.match(r"\| T1\b", line)]
    model, columns = label_model("BP4D"), [AUS.index(au) for au in aus.BP4D.aus]
    for n_tasks, (_, *cells) in zip((8, 4, 1), rows, strict=True):
        rates = np.mean([active_rates(model, f"T{k}") for k in range(1, n_tasks + 1)], axis=0)[columns]
        assert cells[-1].endswith(" |")
        percent = [float(cell.removesuffix(" |")) for cell in cells]
        np.testing.assert_allclose(percent, 100 * rates, atol=0.0501)
    for name, share in (("DISFA", 0.66), ("BP4D", 0.65)):
        parted = conditional_truth(label_model(name), annotated=False)[AUS.index(26), AUS.index(25)]
        assert round(float(parted), 2) == share and f"{share} in {name}'s" in " ".join(card.split())
