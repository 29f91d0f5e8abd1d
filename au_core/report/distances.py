"""How far predictions are from the distribution of AUs in the labels, in points, and who is closer."""

from collections.abc import Sequence

import numpy as np

from au_core.data.facts import load_facts
from au_core.report.averages import over_folds
from au_core.report.blocks import Table
from au_core.report.comparisons import mean_difference, pairings
from au_core.report.published import method_label
from au_core.report.results import Results
from au_core.report.run import DISTRIBUTIONS, FORMS, SOFT, Pairs, Run
from au_core.report.tables import SOURCE, one_decimal, percent, with_spread

OFF = (
    "Mean absolute difference, in points, between predictions and labels of the test subjects: of P(AU) over "
    "the AUs"
)
PAIRS = (
    ", of P(AU_j | AU_i) over all pairs, the zeros of j = i included, as in the paper; left out for all "
    "methods are pairs that one of them lacks, since it never answers AU_i there; of probabilities, AUs are "
    "taken for independent given the face"
)
"""What the columns of pairs are; one AU alone has none."""
TWO_FORMS = (
    "Answers at 0.5 are the paper's form; they are off, too, where probabilities are right but unsure, so "
    "they tell of the threshold first. Of probabilities, P(AU) is the mean. "
    f"From `{DISTRIBUTIONS}` and `{SOFT}` in {SOURCE}."
)


def has_pairs(results: Results) -> bool:
    """Whether there is more than one AU."""
    return len(results.aus) > 1


def distribution_table(results: Results) -> Table:
    """The averages that the paper gives to show what adversarial learning is for."""
    pairs, rows = has_pairs(results), []
    measures = [lambda run, f=form: run.p_off(f) for form in FORMS]
    measures += [lambda run, f=form: pairs_off(run, results, f) for form in FORMS] * pairs
    for method, rate, runs in results.groups():
        apart = [over_folds((run.fold, measure(run)) for run in runs) for measure in measures]
        printed = [one_decimal(_printed(results, method, rate))] * pairs
        rows.append((method_label(method), percent(rate), *map(with_spread, apart), *printed))
    return Table(
        caption=f"{OFF}{PAIRS if pairs else ''}. Less is closer. Mean over seeds, then over folds, ± sample "
        f"standard deviation. {TWO_FORMS}",
        header=(
            *("Method", "Labels hidden"),
            *(f"P(AU), {words}" for words in FORMS.values()),
            *(f"P(AU_j | AU_i), {words}" for words in FORMS.values() if pairs),
            *["at 0.5, as published"] * pairs,
        ),
        rows=tuple(rows),
    )


def distance_differences(results: Results) -> Table | None:
    """How much closer one method is than another, pair by pair; None where nothing can be paired."""
    rows = [
        (" against ".join(map(method_label, both)), percent(rate), words, *_cells_of(results, pairs, form))
        for both, rate, pairs in pairings(results)
        for form, words in FORMS.items()
    ]
    caption = (
        "The same in pairs of one fold and seed, the first less the second: below 0 the first is closer to "
        "the labels. "
        "Mean over seeds, then over folds, ± standard error of chance in training, from two seeds on. "
        "The last column counts the AUs whose P(AU) is closer with the first in the mean."
    )
    of_pairs = ["P(AU_j | AU_i) off by"] * has_pairs(results)
    header = ("Pairs of", "Labels hidden", "Of", "P(AU) off by", *of_pairs, "AUs closer with the first")
    return Table(caption=caption, header=header, rows=tuple(rows)) if rows else None


def _cells_of(results: Results, pairs: Pairs, form: str) -> list[str]:
    of_pairs = [mean_difference(pairs, lambda run: pairs_off(run, results, form))] * has_pairs(results)
    return [mean_difference(pairs, lambda run: run.p_off(form)), *of_pairs, _closer(pairs, results.aus, form)]


def _closer(pairs: Pairs, aus: Sequence[str], form: str) -> str:
    apart = [
        over_folds((ours.fold, ours.p_off(form, au) - theirs.p_off(form, au)) for ours, theirs in pairs)
        for au in aus
    ]
    known = [values.mean for values in apart if values.n]
    return f"{sum(mean < 0 for mean in known)} of {len(known)}"


def pairs_off(run: Run, results: Results, form: str) -> float:
    """Mean of those of a training's cells that all beside it have: of its rate, fold, seed and AUs.

    Otherwise a method that never predicts a rare AU would escape its row.
    """

    def kind(one: Run) -> tuple:
        return one.rate, one.fold_and_seed, one.scores["aus"]

    beside = [cells(other, form) for other in results.runs if kind(other) == kind(run)]
    known = ~np.isnan(beside).any(axis=0)
    return float(100 * cells(run, form)[known].mean()) if known.any() else np.nan


def cells(run: Run, form: str = DISTRIBUTIONS) -> np.ndarray:
    """``float64[L, L]``, how far each P(AU_j | AU_i) is off, NaN where a training has none."""
    return np.array(run.scores[form]["conditional"], np.float64)


def _printed(results: Results, method: str, rate: float) -> float | None:
    """The average of Fig. 6, for BP4D's three folds with half of the labels hidden."""
    asked = results.dataset, results.protocol, rate
    comparable = results.comparable and results.hidden_as_published(rate)
    if not comparable or asked != ("BP4D", "three_fold", 0.5):
        return None
    facts = load_facts("published_results")["in_text"]
    averages = facts["fig6_average_abs_difference_of_conditionals_at_0.5_missing"]
    value = averages.get(method if method == "ours" else method_label(method))
    return None if value is None else 100 * value
