"""What of a dataset a training is given, and which labels are hidden from it."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from au_core.aus import BP4D
from au_core.config import SCHEMES, AdversarialConfig, ScalingConfig, TrainConfig
from au_core.data.faces import load_faces
from au_core.data.files import write_table
from au_core.data.fold import Sources, load_split, load_training_set, told_apart, true_name
from au_core.data.masking import visible_labels
from au_core.errors import DatasetError
from au_core.fold_plan import FoldPlan
from tests.toy import PEOPLE, write_toy_faces

TRAINED_ON = PEOPLE[:8]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Faces of two sequences a person."""
    folder = write_toy_faces(tmp_path_factory.mktemp("faces"))
    for shard in list(folder.rglob("T1.parquet")):
        rows = pq.ParquetFile(shard).read()
        second = pa.array(["T2"] * len(rows))
        rows = rows.set_column(rows.column_names.index("sequence"), "sequence", second)
        write_table(rows, shard.with_name("T2.parquet"))
    return folder


def plan_of(rate: float, scheme: str, seed: int, **game) -> FoldPlan:
    return FoldPlan(
        method="ours", missing_rate=rate, missing_scheme=scheme, fold=1, seed=seed, spec=BP4D, faces="",
        train_subjects=TRAINED_ON, val_subjects=PEOPLE[8:10], test_subjects=PEOPLE[10:],
        adversarial=AdversarialConfig(**game), train=TrainConfig(), scaling=ScalingConfig(),
    )  # fmt: skip


@pytest.mark.parametrize("rate", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_training_is_given_the_labels_that_rate_scheme_and_seed_leave(folder, rate, scheme):
    faces = load_faces(folder, BP4D, TRAINED_ON)
    assert len(faces) == 2 * 12 * len(TRAINED_ON)
    for seed in (0, 7):
        data = load_training_set(plan_of(rate, scheme, seed), Sources(coded=folder))
        assert list(data.faces.identities) == list(faces.identities), "of nobody who is held out"
        left = visible_labels(faces, BP4D.columns, rate, seed, scheme)
        np.testing.assert_array_equal(data.labels, left)
        assert (data.labels < 0).mean() == pytest.approx(rate, abs=0.1)


def test_a_training_is_given_the_label_prior_it_asks_for(folder, tmp_path):
    held_out = f"{PEOPLE[8]},1,1\n{PEOPLE[11]},1,1\n"
    (tmp_path / "prior.csv").write_text(f"subject,AU12,AU01\n{PEOPLE[0]},1,0\n{held_out}other,0,1\n")
    plan = plan_of(0.5, "frame", 0, label_prior=str(tmp_path / "prior.csv"))
    prior = load_training_set(plan, Sources(coded=folder)).prior
    assert prior is not None and prior[:, [BP4D.aus.index(1), BP4D.aus.index(12)]].tolist() == [
        [0, 1],
        [1, 0],
    ]


def test_every_further_dataset_has_a_name_of_its_own(folder):
    """By which its AUs are told from others'; what it is called is not lost."""
    faces = load_faces(folder, BP4D, PEOPLE[:1])
    again = told_apart(faces, {"BP4D"})
    third = told_apart(faces, {"BP4D", *again.dataset})
    assert len({*faces.dataset, *again.dataset, *third.dataset}) == 3
    assert {true_name(name) for name in (*again.dataset, *third.dataset)} == {"BP4D"}
    assert {*told_apart(faces, {"DISFA"}).dataset} == {"BP4D"}


def test_nobody_is_validated_or_tested_on_by_faces_without_codes(tmp_path):
    faces = write_toy_faces(tmp_path / "faces", PEOPLE[8:10], unknown=0.97)
    plan = plan_of(0.0, "frame", 0)
    found = load_faces(faces, BP4D, PEOPLE[8:10])
    coded = found[(found.labels >= 0).any(axis=1)]
    assert 0 < len(coded) < len(found)
    assert list(load_split(plan, faces, "val").identities) == list(coded.identities)
    write_toy_faces(faces, PEOPLE[10:], unknown=1.0)
    with pytest.raises(DatasetError, match=r"none of the 24 faces of M002, M003 has a code; expected labels"):
        load_split(plan, faces, "test")
