"""One method against another, pair by pair."""

from collections import Counter
from collections.abc import Callable
from itertools import combinations

import numpy as np

from au_core.methods import is_variant
from au_core.report.averages import over_folds
from au_core.report.blocks import Table
from au_core.report.people import DRAWS, interval_over_people
from au_core.report.published import method_label
from au_core.report.results import Results, paired
from au_core.report.run import METRICS, Pairs, Run
from au_core.report.tables import SOURCE, percent, signed

FEW_SEEDS = 5
"""With fewer seeds a difference may be chance in training: in a trial two showed +1.3 points, five none."""
OVER_PEOPLE = "F1, 95 % over test people"


def difference_table(results: Results) -> Table | None:
    """One method against another, pair by pair; None where nothing can be paired."""
    rows = [
        (" against ".join(map(method_label, both)), percent(rate), *_difference_cells(results, pairs))
        for both, rate, pairs in pairings(results)
    ]
    caption = (
        "Paired differences in points: each pair had the same fold, the same seed, the same labels hidden. "
        "Mean over seeds, then over folds, ± standard error of chance in training, from how far the seeds of "
        "a fold differ: unknown where a fold has one seed, as small as one likes with many. How far other "
        "people would move the difference in F1, the interval tells: 95 % of what the test people of each "
        f"fold give, resampled with replacement ({DRAWS:,} draws, the same people for both methods), "
        "training people and weights held fixed. Both chances together leave a difference less sure than "
        "either tells. From `test` "
        f"(accuracy: `test_at_half`) and `people` in {SOURCE}."
    )
    header = (
        "Pairs of",
        "Labels hidden",
        "F1",
        OVER_PEOPLE,
        "AUC",
        "Accuracy at 0.5",
        "The first has higher F1",
        "Seeds a fold",
    )
    return Table(caption=caption, header=header, rows=tuple(rows)) if rows else None


def fewest_seeds(results: Results) -> int:
    """Of all folds in :func:`difference_table`: how many seeds the one with the fewest has."""
    return min(_fewest(results, pairs) for _, _, pairs in pairings(results))


def unlike_machines(results: Results) -> str:
    """How many pairs of :func:`difference_table` two machines computed, in words; empty where none.

    Older versions did not note their machine: such pairs are taken for alike.
    """
    pairs = [pair for _, _, found in pairings(results) for pair in found]
    unlike = sum(bool(a.machine and b.machine) and a.machine != b.machine for a, b in pairs)
    words = "Computed on different devices or in different precision, which alone changes scores"
    return f"{words}: {unlike} of {len(pairs)} pairs." if unlike else ""


def pairings(results: Results) -> list[tuple[tuple[str, str], float, Pairs]]:
    """Every two methods and missing rate at which they can be paired, and the pairs.

    The baseline is the second of two, and ours, where it stands beside variants.
    """
    methods = sorted(results.methods, key=lambda method: (not is_variant(method), method == "o_wlc"))
    found = [
        (both, rate, paired(*(results.of(method, rate) for method in both)))
        for both in combinations(methods, 2)
        for rate in results.rates
    ]
    return sorted((pairing for pairing in found if pairing[2]), key=lambda pairing: is_variant(pairing[0][0]))


def _fewest(results: Results, pairs: Pairs) -> int:
    """Seeds of the fold with the fewest pairs: none, where one of the two methods lacks a fold."""
    seeds = Counter(ours.fold for ours, _ in pairs)
    return min(seeds[fold] for fold in results.folds)


def _difference_cells(results: Results, pairs: Pairs) -> list[str]:
    f1, *means = (mean_difference(pairs, lambda run, m=metric: run.score(m)) for metric in METRICS)
    higher = sum(ours.score("f1") > theirs.score("f1") for ours, theirs in pairs)
    return [f1, over_people(pairs), *means, f"{higher} of {len(pairs)}", str(_fewest(results, pairs))]


def mean_difference(pairs: Pairs, measure: Callable[[Run], float]) -> str:
    """The first less the second: mean over seeds, then over folds, ± standard error of chance in training."""
    values = over_folds((ours.fold, measure(ours) - measure(theirs)) for ours, theirs in pairs)
    if values.n == 0:
        return "-"
    return signed(values.mean) + ("" if np.isnan(values.se) else f" ± {values.se:.1f}")


def over_people(pairs: Pairs) -> str:
    """From where to where the mean difference in F1 lies, had other people been filmed; a dash: unknown."""
    ends = interval_over_people(pairs)
    return "-" if np.isnan(ends).any() else " to ".join(map(signed, ends))
