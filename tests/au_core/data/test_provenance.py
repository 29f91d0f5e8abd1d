"""What a sequence is made from: what its reader opens, and nothing that lies beside it."""

import errno
from pathlib import Path

import pytest

from au_core.data.provenance import content_hash, shard_metadata, signature, source_files
from au_core.data.schema import SequenceRef

NAMES = (
    "F001/T1/8.jpg", "F001/T1/0010.jpg", "F001/T1/thumb_8.png", "AU.csv",
    "SN/tmp_frame_lm/SN001_0000_lm.mat", "SN/tmp_frame_lm/l00001_lm.mat",
)  # fmt: skip


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path.name.encode())


@pytest.fixture
def ref(tmp_path):
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return SequenceRef(
        layout="bp4d", dataset="BP4D", subject="F001", sequence="T1", source="F001/T1", root=str(tmp_path),
        labels=("AU.csv",), landmarks="SN",
    )  # fmt: skip


def test_the_hash_of_a_clean_folder_is_what_it_always_was(ref):
    """Else every face folder that people have would be made anew, and its trainings refused."""
    assert content_hash(ref) == "5fc886c3947113aa3870c1f4c4e9df07"


@pytest.mark.parametrize("name", [
    "F001/T1/.DS_Store", "F001/T1/Thumbs.db", "F001/T1/._8.jpg", "F001/T1/.nfs0000000000000012",
    "F001/T1/@eaDir/8.jpg/SYNOPHOTO_THUMB_1.jpg", "F001/T1/1.obj", "SN/tmp_frame_lm/._l00001_lm.mat",
    "SN/.DS_Store", "SN/tmp_frame_lm/@eaDir/l00001_lm.mat/SYNOINDEX",
])  # fmt: skip
def test_what_a_file_manager_leaves_changes_nothing(ref, tmp_path, name):
    before = [*source_files(ref)], signature(ref), content_hash(ref)
    write(tmp_path / name)
    assert ([*source_files(ref)], signature(ref), content_hash(ref)) == before


@pytest.mark.parametrize("name", ["F001/T1/9.jpg", "F001/T1/08.jpg", "SN/tmp_frame_lm/l00002_LM.mat"])
def test_what_is_read_changes_the_hash(ref, tmp_path, name):
    """Of two pictures with a number alike, which is for the reader to refuse, too."""
    before = content_hash(ref)
    write(tmp_path / name)
    assert content_hash(ref) != before


def test_links_that_lead_nowhere_or_in_a_circle_are_passed_over(ref, tmp_path):
    """Their frames are lost, and told so by whoever reads them; the sequence is not."""
    before = content_hash(ref)
    (tmp_path / "F001/T1/11.jpg").symlink_to("gone.jpg")
    (tmp_path / "F001/T1/12.jpg").symlink_to("12.jpg")
    (tmp_path / "F001/T1/13.jpg").mkdir()
    assert content_hash(ref) == before


def test_a_disk_that_does_not_answer_is_not_taken_for_a_shard_without_notes(tmp_path, monkeypatch):
    """Else a fingerprint would differ for a moment, and a training would be refused for changed faces."""
    shard = tmp_path / "T1.parquet"
    assert shard_metadata(shard) == {}
    shard.write_bytes(b"PAR1 damaged PAR1")
    assert shard_metadata(shard) == {}

    def stale(_):
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr("pyarrow.parquet.read_metadata", stale)
    with pytest.raises(OSError, match="Stale"):
        shard_metadata(shard)
