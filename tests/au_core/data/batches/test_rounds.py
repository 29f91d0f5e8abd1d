"""What many draws show together: all of it once a round, pictures with their labels, as R will see them."""

from collections import Counter

import numpy as np
import pytest
import torch

from au_core.aus import BP4D, UNKNOWN
from au_core.config import AdversarialConfig, TrainConfig
from au_core.data.batches.sampling import Sampler
from au_core.data.batches.shuffle import ALONE, Share
from au_core.data.faces import load_faces
from au_core.data.fold import TrainingSet
from au_core.evaluation.predict import predict_faces, predict_set
from au_core.models.recognizer import Recognizer
from tests.toy import PEOPLE, write_toy_faces

CFG = AdversarialConfig(m1=10, m2=14)
"""No pool of faces or vectors is a multiple of what a batch takes of it: a round ends within a batch."""


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    folder = write_toy_faces(tmp_path_factory.mktemp("faces"), lost=1, coloured=True)
    return load_faces(folder, BP4D, PEOPLE)


@pytest.fixture(scope="module")
def labels(faces):
    return np.where(np.arange(len(faces))[:, None] % 3 == 0, faces.labels, UNKNOWN)


def sampler(faces, labels, size=32, share=ALONE, prior=None):
    train = TrainConfig(input_size=size, augment=False)
    return Sampler(TrainingSet(faces, labels, prior), CFG, train, 3, share=share)


def rows_of(pictures, faces):
    """Which of the ``faces`` these pictures are, by their pixels."""
    names = {bytes(picture): row for row, picture in enumerate(faces.decode(np.arange(len(faces)), 32))}
    assert len(names) == len(faces), "each can be told from the others"
    return [names[bytes(face)] for face in pictures.permute(0, 2, 3, 1).contiguous().numpy()]


def drawn_by_all(faces, labels, world):
    """Rows of X, T1 and T2, and vectors of Y^t, as all workers draw them one after another: a few rounds."""
    workers = [sampler(faces, labels, share=Share(rank, world)) for rank in range(world)]
    drawn = {name: [] for name in ("X", "T1", "T2", "Y^t")}
    for _ in range(20):
        x, mixed, y = (
            [one for together in zip(*parts, strict=True) for one in together]
            for parts in (
                [rows_of(worker.images()[0], faces) for worker in workers],
                [rows_of(worker.mixed()[0], faces) for worker in workers],
                [[tuple(vector) for vector in worker.real_labels().tolist()] for worker in workers],
            )
        )
        parts = {"X": x, "T1": mixed[: CFG.m1], "T2": mixed[CFG.m1 :], "Y^t": y}
        for name, part in parts.items():
            drawn[name] += part
    return drawn


@pytest.mark.parametrize("world", [1, 2])
def test_in_each_round_everything_is_drawn_once(faces, labels, world):
    t1 = np.flatnonzero((labels >= 0).any(axis=1)).tolist()
    pools = {"X": [*range(len(faces))], "T1": t1, "Y^t": [tuple(labels[row].tolist()) for row in t1]}
    pools["T2"] = [row for row in pools["X"] if row not in t1]
    for name, drawn in drawn_by_all(faces, labels, world).items():
        n = len(pools[name])
        assert n % {"T1": CFG.m1, "T2": CFG.m2}.get(name, CFG.m)
        rounds = [drawn[start : start + n] for start in range(0, len(drawn) - n + 1, n)]
        assert len(rounds) > 2 and all(Counter(each) == Counter(pools[name]) for each in rounds), name
        assert len({tuple(each) for each in rounds}) == len(rounds), "each in an order of its own"


def test_half_of_each_round_s_vectors_are_the_prior_s_each_once(faces, labels):
    """12 of a draw's 24 are of 44 of faces, 12 of the prior's 7: in 11 draws three rounds of the one."""
    prior = np.where(np.eye(7, 12, dtype=np.int8) == 1, np.int8(1), UNKNOWN)
    draw = sampler(faces, labels, prior=prior)
    drawn = [tuple(vector) for _ in range(11) for vector in draw.real_labels().tolist()]
    own = Counter(tuple(vector) for vector in labels[(labels >= 0).any(axis=1)].tolist())
    counts = Counter(drawn)
    assert Counter({vector: n for vector, n in counts.items() if vector in own}) == own + own + own
    assert sorted(counts[tuple(vector)] for vector in prior.tolist()) == [18] + 6 * [19]


def test_labels_stay_beside_their_own_pictures(faces, labels):
    draw = sampler(faces, labels)
    for _ in range(10):
        x, y, _ = draw.mixed()
        np.testing.assert_array_equal(y.numpy(), labels[rows_of(x, faces)])


@pytest.mark.parametrize("size", [32, 40])
def test_faces_are_predicted_as_they_are_seen_in_training(faces, labels, size, one_thread):
    """In the same colours and the same way up, in float32 and by the statistics of training."""
    torch.manual_seed(0)
    R = Recognizer("resnet10", 12, bf16=True)
    x, y = (sampler(faces, labels, size).images()[0], sampler(faces, labels).images()[0])
    rows = np.array(rows_of(y, faces))
    stored = faces.decode(rows, 32)
    found = predict_faces(R.train(), stored, size), predict_set(R, faces[rows], size)
    R.bf16 = False
    with torch.no_grad():
        seen = R.eval()(x).sigmoid().numpy()
    assert seen.std(axis=0).min() > 1e-3, "faces differ"
    for prob in found:
        np.testing.assert_allclose(prob, seen, atol=1e-6)
