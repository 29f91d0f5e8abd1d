import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from au_core.data.prior import load_label_prior
from au_core.errors import DatasetError

COLUMNS = ("AU01", "AU04", "AU12")


def written(tmp_path, text: str):
    path = tmp_path / "prior.csv"
    path.write_text(text)
    return path


def test_vectors_know_the_aus_both_know(tmp_path):
    path = written(tmp_path, "name,AU12,AU1,AU99\na,1,0,1\nb,0,9,1\nc,0,1,0\n")
    assert load_label_prior(path, COLUMNS).tolist() == [[0, -1, 1], [1, -1, 0]]


def test_parquet_reads_the_same(tmp_path):
    table = pa.table({"AU12": pa.array([1, None, 0], pa.int8()), "AU04": [1, 1, 0]})
    pq.write_table(table, tmp_path / "prior.parquet")
    assert load_label_prior(tmp_path / "prior.parquet", COLUMNS).tolist() == [[-1, 1, 1], [-1, 0, 0]]


@pytest.mark.parametrize("subject", ["subject", " Subject"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_vectors_of_people_who_are_held_out_are_left_out(tmp_path, suffix, subject):
    path = written(tmp_path, f"{subject},AU12,AU01\n007,1,0\nF002,0,1\n7,0,0\nf003,1,1\n")
    if suffix == ".parquet":
        table = {subject: ["007", "F002", "7", "f003"], "AU12": [1, 0, 0, 1], "AU01": [0, 1, 0, 1]}
        path = tmp_path / "prior.parquet"
        pq.write_table(pa.table(table), path)
    assert len(load_label_prior(path, COLUMNS)) == 4
    assert load_label_prior(path, COLUMNS, {"007", "F003"}).tolist() == [[1, -1, 0], [0, -1, 0]]
    with pytest.raises(DatasetError, match="all rows are of people this fold is validated or tested on"):
        load_label_prior(path, COLUMNS, ("007", "7", "F002", "F003"))


@pytest.mark.parametrize(("text", "message"), [
    ("a,b\n1,2\n", "columns a, b; expected some of AU01, AU04, AU12"),
    ("AU12\n1\n7\n", "line 3: AU12 is '7'; expected 0, 1, or 9 if not coded"),
    ("AU12,AU01\n9,1\n1,9\n", "none of 2 rows knows all of its AUs"),
    ("", "no readable Parquet or CSV file"),
])  # fmt: skip
def test_what_is_no_prior_is_refused(tmp_path, text, message):
    with pytest.raises(DatasetError, match=message):
        load_label_prior(written(tmp_path, text), COLUMNS)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere\.csv: no readable"):
        load_label_prior(tmp_path / "nowhere.csv", COLUMNS)
