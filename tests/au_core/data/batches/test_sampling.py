import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import chi2

from au_core.aus import BP4D, UNKNOWN
from au_core.config import AdversarialConfig, TrainConfig
from au_core.data.batches.sampling import Sampler, class_weights, coding_of, real_vectors
from au_core.data.batches.shuffle import Share, Shuffle
from au_core.data.faces import load_faces
from au_core.data.fold import TrainingSet
from au_core.errors import ConfigError, DatasetError
from tests.toy import PEOPLE, stream_of, write_toy_faces

CFG = AdversarialConfig(m1=4, m2=8, h_d=2, h_r=3)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return load_faces(write_toy_faces(tmp_path_factory.mktemp("faces"), unknown=0.02), BP4D, PEOPLE)


@pytest.fixture(scope="module")
def labels(faces):
    return np.where(np.arange(len(faces))[:, None] % 3 == 0, faces.labels, UNKNOWN)


def sampler(faces, labels, cfg=CFG, *, prior=None, seed=5, augment=False, turn=0.0, zoom=0.0, **more):
    train = TrainConfig(input_size=32, augment=augment, turn=turn, zoom=zoom)
    return Sampler(TrainingSet(faces, labels, prior), cfg, train, seed, **more)


def test_every_item_comes_equally_often_and_in_a_new_order_each_round():
    shuffle = Shuffle(7, "x", 0)
    rounds = [tuple(shuffle(7 * k, 7)) for k in range(20)]
    assert all(sorted(order) == list(range(7)) for order in rounds) and len(set(rounds)) > 15
    assert set(Counter(shuffle(7, 140)).values()) == {20}


def test_a_mixed_batch_is_labelled_faces_then_unlabelled_ones(faces, labels):
    draw = sampler(faces, labels)
    x, y, coded = draw.mixed()
    assert coded is None, "one dataset, in which every AU is coded"
    assert x.shape == (12, 3, 32, 32) and x.dtype == torch.uint8 and y.shape == (12, 12)
    assert (y[:4] >= 0).any(1).all() and (y[4:] == -1).all()
    assert draw.images()[0].shape == (12, 3, 32, 32) and draw.real_labels().shape == (12, 12)


def test_real_labels_are_whole_vectors_of_t1(faces, labels):
    draw = sampler(faces, labels)
    y_t = {tuple(row) for row in labels if (row >= 0).all()}
    for _ in range(10):
        assert {tuple(row) for row in draw.real_labels().int().tolist()} <= y_t


def test_where_nothing_is_missing_every_face_of_a_batch_is_labelled(faces):
    y = sampler(faces, faces.labels).mixed()[1]
    assert len(y) == 12 and (y >= 0).any(1).all()


@pytest.mark.parametrize(("m2", "unlabelled", "expected"), [(8, 7, 12), (8, 8, 4), (1, 1, 12), (1, 3, 11)])
def test_a_few_unlabelled_faces_do_not_fill_half_of_each_batch(faces, m2, unlabelled, expected):
    """Faces that nobody coded are no T2 if they are less than a batch shows, or than one in a hundred."""
    labels = faces.labels.copy()
    labels[:unlabelled] = UNKNOWN
    y = sampler(faces, labels, AdversarialConfig(m1=12 - m2, m2=m2)).mixed()[1]
    assert 100 < len(faces) < 300 and len(y) == 12 and (y >= 0).any(1).sum() == expected


@pytest.mark.parametrize("stream", ["images", "real_labels", "mixed"])
def test_the_workers_shares_together_are_the_batch_of_one(faces, labels, stream):
    whole = getattr(sampler(faces, labels), stream)()
    shares = [getattr(sampler(faces, labels, share=Share(r, 4)), stream)() for r in range(4)]
    parts = [
        share[:2] if stream == "mixed" else (share[0] if stream == "images" else share,) for share in shares
    ]
    whole = whole[:2] if stream == "mixed" else (whole[0] if stream == "images" else whole,)
    for k, tensor in enumerate(whole):
        together = torch.cat([part[k] for part in parts])
        assert Counter(map(bytes, tensor.numpy().reshape(12, -1))) == Counter(
            map(bytes, together.numpy().reshape(12, -1))
        )


def test_a_restored_sampler_goes_on_exactly(faces, labels):
    def step(draw):
        return (
            [draw.images()[0] for _ in range(2)]
            + [draw.real_labels() for _ in range(2)]
            + [draw.mixed()[0] for _ in range(3)]
        )

    first, again = sampler(faces, labels, augment=True), sampler(faces, labels, augment=True)
    for _ in range(3):
        step(first)
    again.seek(3)
    for a, b in zip(step(first), step(again), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


@pytest.mark.parametrize("ahead", [0, 1, 5])
def test_batches_made_ahead_are_those_made_on_the_spot(faces, labels, ahead):
    plain = stream_of(sampler(faces, labels, augment=True), 12)
    with ThreadPoolExecutor(3) as pool:
        early = sampler(faces, labels, augment=True, pool=pool, ahead=ahead)
        for a, b in zip(plain, stream_of(early, 12), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0)
        early.seek(0)
        early_again = stream_of(early, 1)
        torch.testing.assert_close(early_again[0], plain[0], rtol=0, atol=0)


def test_an_unreadable_face_made_ahead_is_told_when_it_is_asked_for(faces, labels):
    broken = replace(faces, length=np.where(np.arange(len(faces)) == 50, 1, faces.length))
    with ThreadPoolExecutor(2) as pool, pytest.raises(DatasetError, match="a stored face is damaged"):
        draw = sampler(broken, labels, pool=pool)
        for _ in range(20):
            draw.images()


@pytest.mark.parametrize("world", [1, 2, 4])
@pytest.mark.parametrize("turns", [{}, {"turn": 8.0, "zoom": 0.1}])
def test_augmented_batches_are_the_same_for_any_number_of_workers(faces, labels, world, turns):
    whole = sampler(faces, labels, augment=True, **turns).mixed()[0]
    for rank in range(world):
        part = sampler(faces, labels, augment=True, share=Share(rank, world), **turns).mixed()[0]
        torch.testing.assert_close(part, whole[rank::world], rtol=0, atol=0)


def test_a_face_looks_different_each_time_it_is_drawn(faces, labels):
    plain, moved, looks = sampler(faces, labels), sampler(faces, labels, augment=True), {}
    for _ in range(20):
        for face, look in zip(plain.images()[0], moved.images()[0], strict=True):
            looks.setdefault(bytes(face.numpy()), []).append(bytes(look.numpy()))
    again = [seen for seen in looks.values() if len(seen) > 1]
    assert len(again) > 10 and all(len({*seen}) == len(seen) for seen in again)


@pytest.mark.parametrize("turns", [{"turn": 8.0}, {"zoom": 0.1}])
def test_faces_are_turned_and_zoomed_if_asked(faces, labels, turns):
    plain, turned = (sampler(faces, labels, augment=True, **more).mixed()[0] for more in ({}, turns))
    assert (plain != turned).any()


def first_draws(faces, keep, world, seeds):
    """Which faces of X, T1, T2 and which vectors of Y^t the workers' first draws show, for many seeds."""
    cfg, mine = AdversarialConfig(m1=6, m2=6), 6 // world
    labels = np.where(keep[:, None], faces.labels, UNKNOWN)
    names = {bytes(picture): row for row, picture in enumerate(faces.decode(np.arange(len(faces)), 32))}
    vectors = {bytes(faces.labels[row]): row for row in np.flatnonzero(keep)}
    assert len(names) == len(faces) and len(vectors) == keep.sum(), "each can be told from the others"
    shown = {(pool, rank): [] for pool in ("X", "T1", "T2", "Y^t") for rank in range(world)}
    for seed, rank in itertools.product(range(seeds), range(world)):
        draw = sampler(faces, labels, cfg, seed=seed, share=Share(rank, world))
        x, mixed = (
            [names[bytes(face.numpy())] for face in pictures.permute(0, 2, 3, 1).contiguous()]
            for pictures in (draw.images()[0], draw.mixed()[0])
        )
        shown["X", rank] += x
        shown["T1", rank] += mixed[:mine]
        shown["T2", rank] += mixed[mine:]
        shown["Y^t", rank] += [vectors[bytes(y.to(torch.int8).numpy())] for y in draw.real_labels()]
    return shown


def p_of_uniform(drawn, pool, seeds):
    """Chi-square test of how often each of ``pool`` was drawn, without replacement within a seed."""
    n, each = len(pool), len(drawn) / seeds
    counts, expected = np.bincount(drawn, minlength=max(pool) + 1)[pool], len(drawn) / n
    assert counts.sum() == len(drawn), "nothing else was drawn"
    statistic = ((counts - expected) ** 2).sum() / expected * (n - 1) / (n - each)
    return chi2.sf(statistic, n - 1)


@pytest.mark.parametrize(
    ("world", "places"),
    [(1, (6, 4, 2, 5, 3, 1)), (2, (1, 2, 3, 4, 5, 6)), (3, (6, 4, 2, 5, 3, 1))],
    ids=["1 mixed", "2 sorted", "3 mixed"],
)
def test_every_face_and_vector_is_equally_likely(tmp_path, world, places):
    """For each worker, in whichever order the shards lie."""
    for subject, place in zip(PEOPLE, places, strict=False):
        write_toy_faces(tmp_path, subjects=[subject])
        (tmp_path / f"subject={subject}").rename(tmp_path / f"subject={place}")
    faces, seeds = load_faces(tmp_path, BP4D, [str(place) for place in places]), 300
    keep = np.isin(np.arange(len(faces)), np.unique(faces.labels, axis=0, return_index=True)[1])
    keep &= faces.frame % 2 == 0
    pools = {"X": np.arange(len(faces)), "T1": np.flatnonzero(keep), "T2": np.flatnonzero(~keep)}
    pools["Y^t"] = pools["T1"]
    for (name, rank), drawn in first_draws(faces, keep, world, seeds).items():
        p = p_of_uniform(drawn, pools[name], seeds)
        assert 1e-4 < p < 1 - 1e-4, f"{name}, worker {rank} of {world}: p = {p:.2g}"


def test_the_chi_square_test_sees_a_preference(rng):
    pool = np.arange(72)
    fair = np.concatenate([rng.permutation(72)[:12] for _ in range(300)])
    early = np.concatenate([rng.permutation(60)[:12] for _ in range(300)])
    in_order = np.arange(3600) % 72
    p_fair, p_early, p_in_order = (p_of_uniform(drawn, pool, 300) for drawn in (fair, early, in_order))
    assert 1e-3 < p_fair < 1 - 1e-3 and p_early < 1e-9 and p_in_order > 1 - 1e-9


def test_a_long_shuffle_is_that_of_single_draws():
    one, many = Shuffle(7, "x", 3), Shuffle(7, "x", 3)
    assert many(4, 30).tolist() == [int(one(position, 1)[0]) for position in range(4, 34)]
    assert many(0, 0).tolist() == [] and many(13, 2).tolist() == [int(one(p, 1)[0]) for p in (13, 14)]


def test_other_seeds_draw_other_batches(faces, labels):
    a, b = (sampler(faces, labels, seed=seed).mixed()[0] for seed in (1, 2))
    assert not torch.equal(a, b)


def test_refusals_say_what_to_do(faces, labels):
    with pytest.raises(ConfigError, match="m1 = 4 and m2 = 8 must be divisible by the 3 workers"):
        sampler(faces, labels, share=Share(0, 3))
    with pytest.raises(DatasetError, match="no labelled face is left"):
        sampler(faces, np.full_like(faces.labels, UNKNOWN))


def test_where_whole_vectors_are_too_few_the_known_parts_of_all_are_drawn(tmp_path: Path):
    faces = load_faces(write_toy_faces(tmp_path, unknown=0.7), BP4D, PEOPLE)
    drawn = sampler(faces, faces.labels).real_labels()
    assert (drawn == UNKNOWN).any() and (drawn != UNKNOWN).any(1).all()


def real_of(labels, datasets):
    return real_vectors(labels, datasets, coding_of(labels, datasets))


@pytest.mark.parametrize(("parts", "drawn"), [(2, 2), (3, 5)])
def test_whole_vectors_are_enough_if_they_are_half_of_t1(parts, drawn):
    labels = np.array([[0, 1], [1, 1], [0, -1], [-1, 1], [1, -1], [-1, -1]], np.int8)
    labels = labels[[0, 1, *range(2, 2 + parts), 5]]
    assert len(real_of(labels, np.array(["BP4D"] * len(labels)))) == drawn


def test_each_dataset_has_its_real_vectors_however_many_of_another_are_whole():
    labels = np.array([[0, 1, -1]] * 9 + [[-1, 0, 1], [-1, 1, -1], [-1, -1, 1], [-1, -1, -1]], np.int8)
    real = real_of(labels, np.array(["BP4D"] * 9 + ["DISFA"] * 4))
    assert real.tolist() == labels[:12].tolist()


def test_mixed_datasets_say_what_is_coded_of_each_face(faces):
    """A face of unlabelled video might be of either: all AUs are compared that the real vector knows."""
    n = len(faces)
    mixed = replace(faces, dataset=np.array(["BP4D", "DISFA", "videos"], dtype=object)[np.arange(n) % 3])
    labels = np.zeros_like(faces.labels)
    labels[1::3, 0] = labels[::3, -1] = labels[2::3] = UNKNOWN
    for draw in (sampler(mixed, labels), sampler(mixed, labels, share=Share(1, 2))):
        for stream, rows in (("images", draw._rows("images", 0)), ("mixed", draw._rows("mixed", 0))):
            coded = getattr(draw, stream)()[-1].numpy()
            assert coded.shape == (len(rows), 12) and coded[:, 1:-1].all()
            assert (coded[:, 0] == (rows % 3 != 1)).all() and (coded[:, -1] == (rows % 3 != 0)).all()


def test_a_vector_is_whole_if_it_knows_what_its_own_dataset_codes():
    labels = np.array([[0, 1, -1], [1, -1, -1], [-1, 0, 1], [-1, 1, 0], [-1, -1, -1]], np.int8)
    real = real_of(labels, np.array(["BP4D", "BP4D", "DISFA", "DISFA", "videos"]))
    assert real.tolist() == [[0, 1, -1], [-1, 0, 1], [-1, 1, 0]]


@pytest.mark.parametrize(("share", "expected"), [(0.25, 3), (0.5, 6), (1.0, 12)])
def test_a_share_of_the_real_vectors_comes_from_the_prior(faces, labels, share, expected):
    prior = np.tile(np.array([[1, 0, -1] + [1] * 9], np.int8), (5, 1))
    cfg = replace(CFG, prior_share=share)
    for world in (1, 2):
        draws = [sampler(faces, labels, cfg, prior=prior, share=Share(r, world)) for r in range(world)]
        drawn = np.concatenate([draw.real_labels().numpy() for draw in draws])
        assert len(drawn) == 12 and (drawn == prior[0]).all(axis=1).sum() == expected


def test_the_prior_s_vectors_stand_anywhere_in_a_batch(faces, labels):
    draw = sampler(faces, labels, prior=np.full((5, 12), UNKNOWN, np.int8))
    places = np.mean([(draw.real_labels().numpy() < 0).any(axis=1) for _ in range(200)], axis=0)
    assert (np.abs(places - 0.5) < 0.15).all()


def test_class_weights_let_present_and_absent_count_alike():
    y = np.array([[1, 0], [0, 0], [0, 0], [0, -1]], np.int8)
    weights = class_weights(y)
    np.testing.assert_allclose(weights, [[4 / 6, 0.5], [2.0, 1.5]])
    assert (weights[1] * (y == 1).sum(0) == weights[0] * (y == 0).sum(0))[0]


def test_class_weights_know_no_hidden_label(faces, labels):
    assert sampler(faces, labels).class_weights is None
    weights = sampler(faces, labels, replace(CFG, class_weighted=True)).class_weights.numpy()
    np.testing.assert_allclose(weights, class_weights(labels), rtol=1e-6)
    assert not np.isclose(weights, class_weights(faces.labels), rtol=1e-2).all(axis=0).any()
