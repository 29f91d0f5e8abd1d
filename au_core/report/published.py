"""The paper's Tables 1-3 and the averages in its text, as data; all values in per cent."""

from au_core.aus import au_column, au_number
from au_core.data.facts import load_facts
from au_core.methods import base_of

LABELS = {"ours": "Ours", "o_wlc": "O-wlc"}
"""Our names of methods and how the paper prints them."""

_PROTOCOLS = {"three_fold": "3_fold", "train_dev": "train_dev", "60_20_20": "60_20_20"}


def method_label(method: str) -> str:
    """A method as the paper prints it, a variant with its name.

    >>> method_label("o_wlc"), method_label("ours+relaxed")
    ('O-wlc', 'Ours+relaxed')
    """
    base = base_of(method)
    return LABELS.get(base, base) + method.removeprefix(base)


def published_table(dataset: str, protocol: str, metric: str) -> dict[str, dict[str, float | None]]:
    """Printed values by method and AU column, with ``avg``; empty where the paper prints none.

    Trained with all labels (missing rate 0). ``metric`` is ``f1``, ``auc`` or ``accuracy``.

    >>> published_table("DISFA", "three_fold", "f1")["Ours"]["AU12"]
    77.0
    """
    facts = load_facts("published_results")
    printed = facts.get(dataset, {}).get(_PROTOCOLS.get(protocol, ""), {}).get(metric, {})
    return {method: {_column(au): value for au, value in row.items()} for method, row in printed.items()}


def published_average(dataset: str, protocol: str, method: str, rate: float, metric: str) -> float | None:
    """Average over the AUs that the paper prints for one of our methods at a missing rate, else None.

    >>> published_average("BP4D", "three_fold", "ours", 0.5, "f1")
    60.6
    """
    if rate == 0:
        return published_table(dataset, protocol, metric).get(method_label(method), {}).get("avg")
    if (method, protocol, metric) != ("ours", "three_fold", "f1"):
        return None
    averages = load_facts("published_results")["in_text"]["semi_supervised_avg_f1_ours"]
    return averages.get(dataset, {}).get(f"{rate:g}")


def _column(au: str) -> str:
    return au if au == "avg" else au_column(au_number(au))
