from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from au_core.aus import BP4D, UNKNOWN
from au_core.config import AdversarialConfig
from au_core.data.faces import load_faces
from au_core.data.sampling import Sampler, Shuffle, augmented, class_weights, real_vectors, seeded
from au_core.errors import ConfigError, DatasetError
from tests.toy import PEOPLE, write_toy_faces

CFG = AdversarialConfig(m1=4, m2=8, h_d=2, h_r=3)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return load_faces(write_toy_faces(tmp_path_factory.mktemp("faces"), unknown=0.02), BP4D, PEOPLE)


@pytest.fixture(scope="module")
def labels(faces):
    return np.where(np.arange(len(faces))[:, None] % 3 == 0, faces.labels, UNKNOWN)


def sampler(faces, labels, cfg=CFG, **more):
    return Sampler(faces, labels, cfg, size=16, seed=5, **more)


def test_every_item_comes_equally_often_and_in_a_new_order_each_round():
    shuffle = Shuffle(7, "x", 0)
    rounds = [tuple(shuffle(7 * k, 7)) for k in range(20)]
    assert all(sorted(order) == list(range(7)) for order in rounds) and len(set(rounds)) > 15
    assert set(Counter(shuffle(7, 140)).values()) == {20}


def test_a_mixed_batch_is_labelled_faces_then_unlabelled_ones(faces, labels):
    draw = sampler(faces, labels)
    x, y = draw.mixed()
    assert x.shape == (12, 3, 16, 16) and x.dtype == torch.uint8 and y.shape == (12, 12)
    assert (y[:4] >= 0).any(1).all() and (y[4:] == -1).all()
    assert draw.images().shape == (12, 3, 16, 16) and draw.real_labels().shape == (12, 12)


def test_real_labels_are_whole_vectors_of_t1(faces, labels):
    draw = sampler(faces, labels)
    y_t = {tuple(row) for row in labels if (row >= 0).all()}
    for _ in range(10):
        assert {tuple(row) for row in draw.real_labels().int().tolist()} <= y_t


def test_where_nothing_is_missing_every_face_of_a_batch_is_labelled(faces):
    _, y = sampler(faces, faces.labels).mixed()
    assert len(y) == 12 and (y >= 0).any(1).all()


@pytest.mark.parametrize("stream", ["images", "real_labels", "mixed"])
def test_the_workers_shares_together_are_the_batch_of_one(faces, labels, stream):
    whole = getattr(sampler(faces, labels), stream)()
    shares = [getattr(sampler(faces, labels, rank=r, world=4), stream)() for r in range(4)]
    parts = [share if isinstance(share, tuple) else (share,) for share in shares]
    whole = whole if isinstance(whole, tuple) else (whole,)
    for k, tensor in enumerate(whole):
        together = torch.cat([part[k] for part in parts])
        assert Counter(map(bytes, tensor.numpy().reshape(12, -1))) == Counter(
            map(bytes, together.numpy().reshape(12, -1))
        )


def test_a_restored_sampler_goes_on_exactly(faces, labels):
    def step(draw):
        return (
            [draw.images() for _ in range(2)]
            + [draw.real_labels() for _ in range(2)]
            + [draw.mixed()[0] for _ in range(3)]
        )

    first, again = sampler(faces, labels, augment=True), sampler(faces, labels, augment=True)
    for _ in range(3):
        step(first)
    again.seek(3)
    for a, b in zip(step(first), step(again), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_other_seeds_draw_other_batches(faces, labels):
    a = Sampler(faces, labels, CFG, size=16, seed=1).mixed()[0]
    assert not torch.equal(a, Sampler(faces, labels, CFG, size=16, seed=2).mixed()[0])


def test_an_augmented_face_is_mirrored_or_shifted_never_more():
    faces = np.zeros((200, 20, 20, 3), np.uint8)
    faces[:, 10, 4] = 255
    spots = {tuple(np.argwhere(face[..., 0] == 255)[0]) for face in augmented(faces, seeded(0, "a", 0))}
    assert {x for _, x in spots} == {3, 4, 5, 14, 15, 16} and {y for y, _ in spots} == {9, 10, 11}


def test_refusals_say_what_to_do(faces, labels):
    with pytest.raises(ConfigError, match="m1 = 4 and m2 = 8 must be divisible by the 3 workers"):
        sampler(faces, labels, world=3)
    with pytest.raises(DatasetError, match="no labelled face is left"):
        sampler(faces, np.full_like(faces.labels, UNKNOWN))


def test_where_whole_vectors_are_too_few_the_known_parts_of_all_are_drawn(tmp_path: Path):
    faces = load_faces(write_toy_faces(tmp_path, unknown=0.7), BP4D, PEOPLE)
    drawn = sampler(faces, faces.labels).real_labels()
    assert (drawn == UNKNOWN).any() and (drawn != UNKNOWN).any(1).all()
    few = real_vectors(faces.labels, ["BP4D"] * len(faces), 0)
    assert (few >= 0).all() and len(few) < 5


def test_a_vector_is_whole_if_it_knows_what_its_own_dataset_codes():
    labels = np.array([[0, 1, -1], [1, -1, -1], [-1, 0, 1], [-1, 1, 0], [-1, -1, -1]], np.int8)
    real = real_vectors(labels, ["BP4D", "BP4D", "DISFA", "DISFA", "videos"], 1)
    assert real.tolist() == [[0, 1, -1], [-1, 0, 1], [-1, 1, 0]]


@pytest.mark.parametrize(("share", "expected"), [(0.25, 3), (0.5, 6), (1.0, 12)])
def test_a_share_of_the_real_vectors_comes_from_the_prior(faces, labels, share, expected):
    prior = np.tile(np.array([[1, 0, -1] + [1] * 9], np.int8), (5, 1))
    cfg = replace(CFG, prior_share=share)
    for world in (1, 2):
        draws = [sampler(faces, labels, cfg, prior=prior, rank=r, world=world) for r in range(world)]
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
