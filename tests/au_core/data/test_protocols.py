from collections import Counter

import pytest

from au_core.data.facts import load_facts
from au_core.data.protocols import split_subjects
from au_core.errors import ConfigError, DatasetError

FACTS = load_facts("folds")
EVERYONE = {name: FACTS[name]["subject_ids"] for name in ("BP4D", "DISFA")}


@pytest.mark.parametrize("dataset", ["BP4D", "DISFA"])
def test_three_folds_test_everybody_once_by_the_published_parts(dataset):
    splits = split_subjects("three_fold", dataset, EVERYONE[dataset], 0.15)
    assert sorted(splits) == [1, 2, 3]
    for k, split in splits.items():
        assert set(split.test) == set(FACTS[dataset]["three_fold"]["parts"][f"part{k}"])
        assert set(split.train) | set(split.val) | set(split.test) == set(EVERYONE[dataset])
        assert len(split.train) + len(split.val) + len(split.test) == len(EVERYONE[dataset])
        assert len(split.val) == round(0.15 * (len(split.train) + len(split.val)))


def test_train_dev_is_odd_against_even():
    (split,) = split_subjects("train_dev", "BP4D", EVERYONE["BP4D"], 0.15).values()
    assert all(int(name[1:]) % 2 == 0 for name in split.test) and len(split.test) == 20
    assert all(int(name[1:]) % 2 == 1 for name in (*split.train, *split.val))


def test_60_20_20_has_the_published_sizes():
    (split,) = split_subjects("60_20_20", "BP4D", EVERYONE["BP4D"], 0.15).values()
    assert (len(split.train), len(split.val), len(split.test)) == (25, 8, 8)
    assert len({*split.train, *split.val, *split.test}) == 41


def test_with_nobody_to_validate_all_others_are_trained_on():
    splits = split_subjects("three_fold", "BP4D", EVERYONE["BP4D"], 0)
    for split in splits.values():
        assert not split.val and sorted((*split.train, *split.test)) == sorted(EVERYONE["BP4D"])
    (split,) = split_subjects("everyone", "manifest", ["A"], 0).values()
    assert (split.train, split.val, split.test) == (("A",), (), ())
    with pytest.raises(DatasetError, match="0 training, 1 test subjects; each needs at least one: add"):
        split_subjects("three_fold", "BP4D", ["F001"], 0)


def test_a_protocol_with_validation_subjects_of_its_own_keeps_them():
    with pytest.raises(ConfigError, match="validation_subjects is 0, but 60_20_20 has validation subjects"):
        split_subjects("60_20_20", "BP4D", EVERYONE["BP4D"], 0)


def test_own_people_are_dealt_to_three_parts():
    people = [f"person {i}" for i in range(10)]
    splits = split_subjects("hashed_three_fold", "manifest", people, 0.15)
    assert sorted(sum((split.test for split in splits.values()), ())) == sorted(people)
    assert splits == split_subjects("hashed_three_fold", "manifest", people[::-1], 0.15), (
        "order does not matter"
    )


def test_people_of_whom_nothing_is_coded_are_trained_on_in_every_fold():
    """Nobody could be validated or tested on them, whatever their names' hash."""
    coded, others = [f"person {i}" for i in range(5)], [f"someone {i}" for i in range(9)]
    for protocol in ("hashed_three_fold", "everyone"):
        splits = split_subjects(protocol, "manifest", coded + others, 0.15, uncoded=others)
        alone = split_subjects(protocol, "manifest", coded, 0.15)
        for k, split in splits.items():
            assert (split.val, split.test) == (alone[k].val, alone[k].test)
            assert sorted(split.train) == sorted((*alone[k].train, *others))
    named = split_subjects("three_fold", "BP4D", EVERYONE["BP4D"], 0.15, uncoded=["F001"])
    assert named == split_subjects("three_fold", "BP4D", EVERYONE["BP4D"], 0.15), "published parts stay"


def test_folds_of_own_people_stay_of_one_size_and_so_one_more_moves_others():
    """Whoever adds people trains anew: those who come after it in the drawn order change parts."""
    people = [f"person {i}" for i in range(30)]

    def parts(everyone):
        splits = split_subjects("hashed_three_fold", "manifest", everyone, 0.15)
        return {name: fold for fold, split in splits.items() for name in split.test}

    before, after = parts(people), parts([*people, "one more"])
    assert Counter(before.values()) == {1: 10, 2: 10, 3: 10} and max(Counter(after.values()).values()) == 11
    assert any(before[name] != after[name] for name in people)


def test_a_subject_in_no_fold_is_named():
    with pytest.raises(DatasetError, match=r"subject X1 is in no part of BP4D's three_fold.*use a manifest"):
        split_subjects("three_fold", "BP4D", ["F001", "X1"], 0.15)


def test_a_fold_without_people_is_refused():
    with pytest.raises(DatasetError, match="0 training, 0 validation, 2 test subjects; each needs"):
        split_subjects("three_fold", "BP4D", ["F001", "F002"], 0.15)


def test_an_unknown_protocol_is_refused():
    with pytest.raises(ConfigError, match="no protocol 'five_fold' for dataset 'BP4D'; expected three_fold"):
        split_subjects("five_fold", "BP4D", ["F001"], 0.15)


def test_everyone_is_one_training_that_tests_nobody():
    people = [f"person {i}" for i in range(10)]
    ((fold, split),) = split_subjects("everyone", "manifest", people, 0.15).items()
    assert fold == 0 and not split.test and len(split.val) == 2
    assert sorted((*split.train, *split.val)) == people
    with pytest.raises(DatasetError, match="0 training, 1 validation subjects; each needs at"):
        split_subjects("everyone", "manifest", people[:1], 0.15)
