from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from au_core.aus import BP4D
from au_core.config import AdversarialConfig
from au_core.data.faces import load_faces
from au_core.data.sampling import Sampler, Shuffle, augmented, seeded
from au_core.errors import ConfigError, DatasetError
from tests.toy import PEOPLE, write_toy_faces

CFG = AdversarialConfig(m1=4, m2=8, h_d=2, h_r=3)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return load_faces(write_toy_faces(tmp_path_factory.mktemp("faces"), unknown=0.02), BP4D, PEOPLE)


@pytest.fixture(scope="module")
def labelled(faces):
    return np.arange(len(faces)) % 3 == 0


def sampler(faces, labelled, cfg=CFG, **more):
    return Sampler(faces, labelled, cfg, size=16, seed=5, **more)


def test_every_item_comes_equally_often_and_in_a_new_order_each_round():
    shuffle = Shuffle(7, "x", 0)
    rounds = [tuple(shuffle(7 * k, 7)) for k in range(20)]
    assert all(sorted(order) == list(range(7)) for order in rounds) and len(set(rounds)) > 15
    assert set(Counter(shuffle(7, 140)).values()) == {20}


def test_a_mixed_batch_is_labelled_faces_then_unlabelled_ones(faces, labelled):
    draw = sampler(faces, labelled)
    x, y = draw.mixed()
    assert x.shape == (12, 3, 16, 16) and x.dtype == torch.uint8 and y.shape == (12, 12)
    assert (y[:4] >= 0).any(1).all() and (y[4:] == -1).all()
    assert draw.images().shape == (12, 3, 16, 16) and draw.real_labels().shape == (12, 12)


def test_real_labels_are_whole_vectors_of_t1(faces, labelled):
    draw = sampler(faces, labelled)
    y_t = {tuple(row) for row in faces.labels[labelled] if (row >= 0).all()}
    for _ in range(10):
        assert {tuple(row) for row in draw.real_labels().int().tolist()} <= y_t


def test_where_nothing_is_missing_every_face_of_a_batch_is_labelled(faces):
    _, y = sampler(faces, np.ones(len(faces), bool)).mixed()
    assert len(y) == 12 and (y >= 0).any(1).all()


@pytest.mark.parametrize("stream", ["images", "real_labels", "mixed"])
def test_the_workers_shares_together_are_the_batch_of_one(faces, labelled, stream):
    whole = getattr(sampler(faces, labelled), stream)()
    shares = [getattr(sampler(faces, labelled, rank=r, world=4), stream)() for r in range(4)]
    parts = [share if isinstance(share, tuple) else (share,) for share in shares]
    whole = whole if isinstance(whole, tuple) else (whole,)
    for k, tensor in enumerate(whole):
        together = torch.cat([part[k] for part in parts])
        assert Counter(map(bytes, tensor.numpy().reshape(12, -1))) == Counter(
            map(bytes, together.numpy().reshape(12, -1))
        )


def test_a_restored_sampler_goes_on_exactly(faces, labelled):
    def step(draw):
        return (
            [draw.images() for _ in range(2)]
            + [draw.real_labels() for _ in range(2)]
            + [draw.mixed()[0] for _ in range(3)]
        )

    first, again = sampler(faces, labelled, augment=True), sampler(faces, labelled, augment=True)
    for _ in range(3):
        step(first)
    again.seek(3)
    for a, b in zip(step(first), step(again), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_other_seeds_draw_other_batches(faces, labelled):
    a = Sampler(faces, labelled, CFG, size=16, seed=1).mixed()[0]
    assert not torch.equal(a, Sampler(faces, labelled, CFG, size=16, seed=2).mixed()[0])


def test_an_augmented_face_is_mirrored_or_shifted_never_more():
    faces = np.zeros((200, 20, 20, 3), np.uint8)
    faces[:, 10, 4] = 255
    spots = {tuple(np.argwhere(face[..., 0] == 255)[0]) for face in augmented(faces, seeded(0, "a", 0))}
    assert {x for _, x in spots} == {3, 4, 5, 14, 15, 16} and {y for y, _ in spots} == {9, 10, 11}


def test_refusals_say_what_to_do(faces, labelled):
    with pytest.raises(ConfigError, match="m1 = 4 and m2 = 8 must be divisible by the 3 workers"):
        sampler(faces, labelled, world=3)
    with pytest.raises(DatasetError, match="no labelled face is left"):
        sampler(faces, np.zeros(len(faces), bool))


def test_without_whole_label_vectors_only_the_plain_method_works(tmp_path: Path):
    faces = load_faces(write_toy_faces(tmp_path, unknown=0.7), BP4D, PEOPLE)
    everyone = np.ones(len(faces), bool)
    with pytest.raises(DatasetError, match=r"no real label vector; use alpha = 0"):
        sampler(faces, everyone)
    sampler(faces, everyone, AdversarialConfig(alpha=0.0, m1=4, m2=8)).mixed()
