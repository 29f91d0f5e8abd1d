import pytest

from au_core.aus import BP4D, BP4D_FERA, DISFA
from au_core.data.facts import load_facts
from au_core.report.published import published_average, published_table


@pytest.mark.parametrize(
    ("spec", "protocol", "f1"),
    [
        (BP4D, "three_fold", 63.3),
        (BP4D_FERA, "train_dev", 61.0),
        (BP4D, "60_20_20", 58.7),
        (DISFA, "three_fold", 58.9),
    ],
)
def test_the_papers_own_columns_average_to_what_it_prints(spec, protocol, f1):
    row = published_table(spec.name, protocol, "f1")["Ours"]
    assert sum(row[column] for column in spec.columns) / len(spec.columns) == pytest.approx(f1, abs=0.051)
    assert row["avg"] == published_average(spec.name, protocol, "ours", 0.0, "f1") == f1


def test_averages_at_missing_rates_are_those_of_the_text():
    assert published_average("BP4D", "three_fold", "ours", 0.1, "f1") == 62.6
    assert published_average("DISFA", "three_fold", "ours", 0.5, "f1") == 56.0


@pytest.mark.parametrize(
    ("dataset", "protocol", "method", "rate", "metric"),
    [
        ("BP4D", "three_fold", "o_wlc", 0.5, "f1"),
        ("BP4D", "three_fold", "ours", 0.5, "auc"),
        ("BP4D", "three_fold", "ours", 0.3, "f1"),
        ("BP4D", "60_20_20", "ours", 0.5, "f1"),
        ("manifest", "hashed_three_fold", "ours", 0.0, "f1"),
        ("BP4D", "three_fold", "resnet", 0.0, "f1"),
    ],
)
def test_what_the_paper_does_not_print_is_none(dataset, protocol, method, rate, metric):
    assert published_average(dataset, protocol, method, rate, metric) is None


def test_every_table_of_the_facts_can_be_reached():
    facts = load_facts("published_results")
    protocols = {"3_fold": "three_fold", "train_dev": "train_dev", "60_20_20": "60_20_20"}
    for dataset in ("BP4D", "DISFA"):
        for protocol, metrics in facts[dataset].items():
            for metric, methods in metrics.items():
                assert published_table(dataset, protocols[protocol], metric).keys() == methods.keys()
