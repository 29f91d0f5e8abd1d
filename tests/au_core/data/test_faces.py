import shutil
import tracemalloc

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from au_core.aus import BP4D, DISFA
from au_core.config import PreprocessConfig
from au_core.data.batches.shuffle import Share
from au_core.data.faces import (
    decode_face,
    fingerprint,
    fit_face,
    join_faces,
    list_au_numbers,
    list_subjects,
    load_faces,
)
from au_core.data.files import write_table
from au_core.data.readers import list_sequences
from au_core.errors import DatasetError
from au_core.face.prepare import prepare_sequence
from tests.toy import write_toy_faces


def test_faces_come_with_labels_in_a_fixed_order(tmp_path):
    folder = write_toy_faces(tmp_path, subjects=["M001", "F001"], unknown=0.1, lost=2)
    faces = load_faces(folder, BP4D, ["M001", "F001"])
    assert len(faces) == 20, "frames without a face are left out"
    assert faces.subject.tolist() == ["F001"] * 10 + ["M001"] * 10
    assert faces.frame[:10].tolist() == list(range(100, 110))
    assert next(faces.identities) == "BP4D/F001/T1/100/0"
    codes = pq.ParquetFile(folder / "subject=F001" / "T1.parquet").read()["AU12"].fill_null(-1).to_numpy()
    np.testing.assert_array_equal(faces.labels[:10, BP4D.aus.index(12)], codes[:10])


def test_intensities_become_active_at_the_dataset_s_threshold(tmp_path):
    folder = write_toy_faces(tmp_path, subjects=["SN001"], aus=DISFA.aus)
    shard = folder / "subject=SN001" / "T1.parquet"
    table = pq.ParquetFile(shard).read()
    at = table.column_names.index("AU12")
    intensities = [0, 1, 2, 3, 4, 5, None, 0, 1, 2, 3, 4]
    write_table(table.set_column(at, table.schema.field("AU12"), pa.array(intensities, pa.int8())), shard)
    labels = load_faces(folder, DISFA, ["SN001"]).labels[:, DISFA.aus.index(12)]
    assert labels.tolist() == [0, 0, 1, 1, 1, 1, -1, 0, 0, 1, 1, 1]


def test_faces_come_in_the_order_of_the_shards_however_their_rows_are_grouped(tmp_path, monkeypatch):
    """It decides every draw of a training."""
    monkeypatch.setattr("au_core.data.store._ROW_GROUP", 5)
    folder, wanted = write_toy_faces(tmp_path, frames=7, unknown=0.2), ["M003", "F002", "F011", "M001"]
    shutil.copy(folder / "subject=F002" / "T1.parquet", folder / "subject=F002" / "T0.parquet")
    faces, expected = load_faces(folder, BP4D, wanted), []
    for shard in sorted(folder.glob("subject=*/*.parquet")):
        table = pq.ParquetFile(shard).read()
        rows = zip(*(table[name].to_pylist() for name in ("frame", "face", *BP4D.columns)), strict=True)
        who = shard.parent.name.removeprefix("subject=")
        expected += [
            (who, *(-1 if value is None else value for value in row)) for row in rows if who in wanted
        ]
    jpegs = map(faces.jpeg, range(len(faces)))
    found = zip(faces.subject, faces.frame.tolist(), jpegs, faces.labels.tolist(), strict=True)
    assert [(who, frame, jpeg, *labels) for who, frame, jpeg, labels in found] == expected
    assert len(expected) == 35


def test_labels_take_no_more_than_their_bytes_while_they_are_made():
    codes = np.zeros((100_000, 12), np.int8)
    tracemalloc.start()
    labels = DISFA.active(codes)
    assert labels.dtype == np.int8 and tracemalloc.get_traced_memory()[1] < 4 * codes.nbytes
    tracemalloc.stop()


def test_aus_without_a_column_are_unknown(tmp_path):
    faces = load_faces(write_toy_faces(tmp_path, subjects=["F001"], aus=(1, 12)), BP4D, ["F001"])
    known = (faces.labels >= 0).all(0)
    assert [au for au, k in zip(BP4D.aus, known, strict=True) if k] == [1, 12]


def test_decoding_gives_rgb_of_the_asked_size(tmp_path):
    red = np.zeros((40, 40, 3), np.uint8)
    red[..., 2] = 255  # OpenCV's BGR
    face = decode_face(cv2.imencode(".png", red)[1].tobytes(), 20)
    assert face.shape == (20, 20, 3) and face[0, 0].tolist() == [255, 0, 0]
    assert fit_face(face, 20) is face and fit_face(face, 50).shape == (50, 50, 3)


def test_a_damaged_face_is_told():
    with pytest.raises(DatasetError, match=r"a stored face is damaged; remove OUT/faces/\.store"):
        decode_face(b"no picture", 20)


def test_the_shares_of_workers_are_disjoint_and_whole(tmp_path):
    faces = load_faces(write_toy_faces(tmp_path, subjects=["F001"]), BP4D, ["F001"])
    shares = [faces[Share(rank, 5).rows] for rank in range(5)]
    assert sorted(key for share in shares for key in share.identities) == sorted(faces.identities)
    np.testing.assert_array_equal(shares[2].decode(np.array([1]), 32), faces.decode(np.array([7]), 32))


def test_what_is_there_is_listed(tmp_path):
    folder = write_toy_faces(tmp_path, subjects=["F001", "M 1"], aus=(4, 25))
    (folder / "subject=whose video failed").mkdir()
    assert list_subjects(folder) == ["F001", "M 1"] and list_au_numbers(folder) == (4, 25)


def test_a_changed_source_changes_the_fingerprint(tmp_path):
    folder = write_toy_faces(tmp_path, subjects=["F001"])
    before = fingerprint(folder)
    shard = folder / "subject=F001" / "T1.parquet"
    table = pq.ParquetFile(shard).read()
    write_table(table, shard)
    assert fingerprint(folder) == before
    write_table(table.replace_schema_metadata({"content_hash": "other"}), shard)
    assert fingerprint(folder) != before


def test_a_changed_label_of_a_prepared_sequence_changes_the_fingerprint(tmp_path):
    """By the shards that preprocessing writes, whose notes stand elsewhere in the file."""
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((64, 64, 3), np.uint8))
    cfg, found = PreprocessConfig(detector="yunet"), []
    for code in (0, 0, 1):
        (tmp_path / "manifest.csv").write_text(f"path,subject,sequence,frame,AU12\n1.png,a,b,1,{code}\n")
        (ref,) = list_sequences("manifest", tmp_path)
        prepare_sequence(ref, lambda image: [], cfg, tmp_path / "faces")
        found.append(fingerprint(tmp_path / "faces"))
    assert found[0] == found[1] != found[2]


def test_no_face_at_all_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match=r"no face of the subjects F001; see quality.parquet"):
        load_faces(tmp_path, BP4D, ["F001"])


def test_a_joined_set_finds_the_pictures_of_both(tmp_path):
    first = load_faces(write_toy_faces(tmp_path / "a", subjects=["F001"]), BP4D, ["F001"])
    second = load_faces(write_toy_faces(tmp_path / "b", subjects=["M001"]), BP4D, ["M001"])
    joined = join_faces(first, second)
    assert [joined.jpeg(row) for row in range(24)] == [
        faces.jpeg(row) for faces in (first, second) for row in range(12)
    ]
    assert list(joined.identities) == [*first.identities, *second.identities]


def test_names_take_no_memory_per_face(tmp_path):
    faces = load_faces(write_toy_faces(tmp_path), BP4D, ["F001", "M001"])
    for names in (faces.dataset, faces.subject, faces.sequence):
        assert len({id(name) for name in names}) == len(set(names))
    assert len(list(faces.identities)) == 24
