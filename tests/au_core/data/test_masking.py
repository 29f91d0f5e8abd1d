from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from au_core.aus import BP4D, UNKNOWN
from au_core.config import SCHEMES
from au_core.data.faces import join_faces, load_faces
from au_core.data.masking import is_labelled, visible_labels
from au_core.errors import ConfigError
from tests.toy import PEOPLE, write_toy_faces

KEYS = [f"BP4D/F{i % 23:03}/T1/{i}/0" for i in range(20_000)]


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_the_asked_share_is_hidden(rate):
    assert 1 - is_labelled(KEYS, rate, 0).mean() == pytest.approx(rate, abs=0.012)


def test_a_rate_hides_all_that_lower_rates_hide():
    kept = [is_labelled(KEYS, rate, 0) for rate in (0.1, 0.2, 0.5)]
    assert (kept[0] | ~kept[1]).all() and (kept[1] | ~kept[2]).all()


def test_a_frame_is_decided_by_itself_and_the_seed():
    order = np.random.default_rng(0).permutation(len(KEYS))
    shuffled = is_labelled([KEYS[i] for i in order], 0.5, 0)
    np.testing.assert_array_equal(shuffled, is_labelled(KEYS, 0.5, 0)[order])
    assert (is_labelled(KEYS, 0.5, 1) != is_labelled(KEYS, 0.5, 0)).mean() > 0.4


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_outside_its_range_is_refused(rate):
    with pytest.raises(ConfigError, match=rf"missing rate must be in \[0, 1\), got {rate}"):
        is_labelled(KEYS, rate, 0)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    folder = write_toy_faces(tmp_path_factory.mktemp("faces"), frames=40)
    return load_faces(folder, BP4D, PEOPLE)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_hides_its_share_and_nests(faces, scheme):
    visible = [visible_labels(faces, BP4D.columns, rate, 0, scheme) >= 0 for rate in (0.0, 0.25, 0.5, 0.9)]
    assert visible[0].all() and all((high <= low).all() for low, high in pairwise(visible))
    assert [1 - v.mean() for v in visible] == pytest.approx([0, 0.25, 0.5, 0.9], abs=0.07)


def test_what_a_scheme_hides_as_one_goes_together(faces):
    entry, frame, sequence, subject = (
        visible_labels(faces, BP4D.columns, 0.5, 0, scheme) >= 0
        for scheme in ("entry", "frame", "sequence", "subject")
    )
    assert ((entry.any(1)) & ~entry.all(1)).mean() > 0.9, "single labels of a frame"
    for whole in (frame, sequence, subject):
        assert (whole.all(1) == whole.any(1)).all()
    for name in PEOPLE:
        assert subject[faces.subject == name].all() == subject[faces.subject == name].any()
    assert any(frame[faces.subject == name].any() != frame[faces.subject == name].all() for name in PEOPLE)


def test_a_sequence_is_more_than_a_frame_and_less_than_a_person(faces):
    first = faces.frame < 120
    faces = replace(faces, sequence=np.where(first, "T1", "T2").astype(object))

    def split(scheme):
        """Of how many a sequence is kept in part, and of how many the one sequence without the other."""
        kept = visible_labels(faces, BP4D.columns, 0.5, 0, scheme).max(axis=1) >= 0
        halves = np.array(
            [[kept[(faces.subject == name) & half] for half in (first, ~first)] for name in PEOPLE]
        )
        whole, some = halves.all(axis=2), halves.any(axis=2)
        return (whole != some).any(axis=1).sum(), (whole[:, 0] != whole[:, 1]).sum()

    assert split("sequence")[0] == split("subject")[0] == 0 < split("frame")[0]
    assert split("subject")[1] == 0 < split("sequence")[1] < len(PEOPLE)


def test_people_of_one_name_in_two_datasets_are_two(tmp_path):
    """BP4D's F001 is not BP4D+'s."""
    folders = [write_toy_faces(tmp_path / name, frames=4, dataset=name) for name in ("BP4D", "BP4D+")]
    faces = join_faces(*(load_faces(folder, BP4D, PEOPLE) for folder in folders))
    kept = visible_labels(faces, BP4D.columns, 0.5, 0, "subject").max(axis=1) >= 0
    one, other = kept[faces.dataset == "BP4D"], kept[faces.dataset == "BP4D+"]
    assert kept.mean() == 0.5 and (one != other).any()


def test_at_least_one_person_keeps_labels(faces):
    kept = visible_labels(faces, BP4D.columns, 0.999, 0, "subject") >= 0
    assert len(set(faces.subject[kept.any(1)])) == 1


@pytest.mark.parametrize("scheme", ["sequence", "subject"])
def test_whole_people_and_sequences_are_hidden_of_those_that_were_coded(faces, scheme):
    """Else a rate of 0.5 would often hide all labels of two people of whom one was never coded."""
    uncoded = faces.subject != PEOPLE[0]
    labels = np.where(uncoded[:, None], UNKNOWN, faces.labels)
    for seed in range(20):
        left = visible_labels(replace(faces, labels=labels), BP4D.columns, 0.5, seed, scheme)
        assert (left != UNKNOWN).any()
