import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from au_core.aus import BP4D
from au_core.data.faces import load_faces
from au_core.data.files import write_table
from au_core.data.schema import face_schema
from au_core.data.store import open_store
from au_core.errors import DatasetError, FullDiskError
from tests.toy import write_toy_faces

KIB = 1024


def jpegs_of(shard: Path) -> list[bytes]:
    return [jpeg for jpeg in pq.ParquetFile(shard).read()["face"].to_pylist() if jpeg]


def test_the_store_holds_every_found_face_in_the_order_of_the_shards(tmp_path):
    folder = write_toy_faces(tmp_path, subjects=["F 1", "M001"], lost=2)
    store = open_store(folder)
    places = zip(store.rows["start"].to_pylist(), store.rows["length"].to_pylist(), strict=True)
    stored = [store.pictures.read(start, length) for start, length in places]
    assert stored == [jpeg for shard in sorted(folder.glob("*/*.parquet")) for jpeg in jpegs_of(shard)]
    assert store.rows["subject"].to_pylist() == ["F 1"] * 10 + ["M001"] * 10


def test_only_the_rows_that_are_asked_for_are_read_of_shards_that_code_different_aus(tmp_path, monkeypatch):
    monkeypatch.setattr("au_core.data.store._ROW_GROUP", 20)
    folder = write_toy_faces(tmp_path, subjects=["F001", "F002"], aus=(1, 12))
    write_toy_faces(tmp_path, subjects=["M001"], aus=(12, 25))
    everything, (rows,) = open_store(folder).rows, (folder / ".store").glob("*.rows")
    assert pq.ParquetFile(rows).num_row_groups == 2 and len(everything) == 36
    assert everything["AU25"].null_count == 24 and everything["AU01"].null_count == 12
    found = open_store(folder, pc.field("subject").isin(pa.array(["M001"]))).rows
    assert found.equals(everything.slice(24))


def test_a_store_is_made_once_and_again_when_a_shard_changes(tmp_path):
    folder = write_toy_faces(tmp_path, subjects=["F001"])
    open_store(folder)
    (before,) = (folder / ".store").glob("*.faces")
    made = before.stat().st_mtime_ns
    open_store(folder)
    assert before.stat().st_mtime_ns == made
    write_toy_faces(tmp_path, subjects=["F001", "M001"], frames=20)
    assert len(open_store(folder).rows) == 40
    assert not before.exists() and len(list((folder / ".store").glob("*.faces"))) == 1


def test_a_half_made_store_is_made_anew(tmp_path):
    folder = write_toy_faces(tmp_path, subjects=["F001"])
    rows = open_store(folder).rows
    (pictures,) = (folder / ".store").glob("*.faces")
    pictures.write_bytes(b"half")
    pictures.with_suffix(".rows").unlink()  # the rows come last
    left = pictures.with_name(
        f".{pictures.name}.0123456789ab.tmp"
    )  # by a killed worker, as large as all faces
    left.touch()
    assert open_store(folder).rows.equals(rows) and pictures.stat().st_size > 4
    assert not left.exists()


def test_workers_that_start_together_make_one_store(tmp_path):
    folder = write_toy_faces(tmp_path, subjects=["F001"], frames=200)
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: open_store(folder), range(4)))
    assert all(store.rows.equals(stores[0].rows) for store in stores)
    assert len(list((folder / ".store").iterdir())) == 3, "rows, pictures, lock"


@pytest.mark.parametrize(
    ("number", "error", "words"),
    [
        (errno.EROFS, DatasetError, r"\.store: .*Read-only file system.*writable folder and 0"),
        (errno.ENOSPC, FullDiskError, r"\.store/.*no space left on the disk"),
    ],
)
def test_a_disk_that_refuses_is_told_with_what_is_needed(tmp_path, monkeypatch, number, error, words):
    folder = write_toy_faces(tmp_path, subjects=["F001"])

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("au_core.data.files.os.replace", refuse)
    with pytest.raises(error, match=words):
        open_store(folder)


def write_large_faces(folder: Path, megabytes: int) -> Path:
    """Shards of 16 MiB of bytes that are no pictures; reading them is what counts."""
    schema = face_schema(BP4D.aus)
    for k in range(megabytes // 16):
        rng = np.random.default_rng(k)
        rows = {
            "dataset": ["BP4D"] * 1024,
            "sequence": [f"T{k}"] * 1024,
            "frame": list(range(1024)),
            "face_id": [0] * 1024,
            "face": [rng.bytes(16 * KIB) for _ in range(1024)],
            "face_found": [True] * 1024,
        }
        rows |= {field.name: pa.nulls(1024, field.type) for field in schema if field.name not in rows}
        whole = {name: rows.get(name, [None] * len(rows["frame"])) for name in schema.names}
        write_table(pa.table(whole, schema=schema), folder / "subject=F001" / f"T{k}.parquet")
    return folder


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read in /proc")
def test_memory_does_not_grow_with_the_pictures(tmp_path):
    folder = write_large_faces(tmp_path, 128)
    code = f"""
import numpy as np
from pathlib import Path
from au_core.aus import BP4D
from au_core.data.faces import load_faces

def resident():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) // 1024

load_faces(Path({str(folder / "small")!r}), BP4D, ["F001"])
before = resident()
faces = load_faces(Path({str(folder)!r}), BP4D, ["F001"])
total = sum(len(faces.jpeg(row)) for row in np.random.default_rng(0).permutation(len(faces)))
print(total // 2**20, resident() - before)
"""
    write_large_faces(folder / "small", 16)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    read, grown = map(int, done.stdout.split())
    assert read == 128 and grown < 64, "MiB"


def test_a_face_is_read_by_its_row_in_any_order(tmp_path):
    folder = write_toy_faces(tmp_path)
    faces = load_faces(folder, BP4D, ["F001", "M001"])
    expected = [*jpegs_of(folder / "subject=F001/T1.parquet"), *jpegs_of(folder / "subject=M001/T1.parquet")]
    for row in np.random.default_rng(0).permutation(len(faces)):
        assert faces.jpeg(row) == expected[row]
