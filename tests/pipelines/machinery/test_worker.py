"""What a worker makes of a damaged model, of a moment without the disk and of others who took over."""

import contextlib
import errno
import os
import pickle
import shutil
from pathlib import Path

import pytest

from au_core.data.files import read_json, write_json
from au_core.errors import AuError, CheckpointError
from au_core.run_folder import RunFolder
from pipelines.machinery import worker
from pipelines.machinery.worker import check_model
from tests.pipelines.conftest import first_fold


@pytest.fixture
def trained(finished, tmp_path) -> RunFolder:
    """Of a finished training, which a test may damage."""
    folder = RunFolder(tmp_path / "run")
    shutil.copytree(finished.folder(first_fold(finished)[0]).path, folder.path)
    return folder


def test_a_damaged_model_is_trained_again(trained):
    """Its workers end, and those that begin in their place find no model, as after a kill."""
    check_model(trained)
    weights = bytearray((trained.model / "model.safetensors").read_bytes())
    weights[-100] ^= 1
    (trained.model / "model.safetensors").write_bytes(weights)
    with pytest.raises(RuntimeError, match=r"SHA-256 is not the card's.*; training again"):
        check_model(trained)
    assert not trained.model.exists() and not trained.checkpoints.exists()


def test_a_model_that_cannot_be_read_now_stays(trained, monkeypatch):
    with monkeypatch.context() as disk, pytest.raises(CheckpointError, match="Stale file handle"):
        disk.setattr("au_core.models.checkpoint._sha256", stale)
        check_model(trained)
    check_model(trained)


def stale(path, *_):
    raise OSError(errno.ESTALE, "Stale file handle", str(path))


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Whether a training that meets an error is given up, by its worker, for good."""
    folder = RunFolder(tmp_path)
    write_json("ours", folder.owner)

    def work(meet):
        monkeypatch.setattr(worker, "_carry_out", lambda *_: meet())
        with contextlib.suppress(AuError, OSError, RuntimeError):
            worker.train_worker({"jobs": [(None, folder)], "group": "ours"})
            pytest.fail("no error")
        return folder.refusal.exists()

    return work


@pytest.mark.parametrize(
    ("number", "given_up"),
    [
        (errno.ENOENT, True),
        (errno.EACCES, True),
        (errno.EROFS, True),
        (errno.ESTALE, False),
        (errno.EIO, False),
    ],
)
def test_a_moment_without_the_disk_is_no_reason_to_refuse(refused, tmp_path, monkeypatch, number, given_up):
    """Every reader words it for people; workers that begin again may find the disk."""

    def read(path, *_):
        raise OSError(number, os.strerror(number), str(path))

    def meet():
        with monkeypatch.context() as disk:
            disk.setattr(Path, "read_text", read)
            read_json(tmp_path / "plan.json")

    assert refused(meet) is given_up


def test_the_trace_of_what_a_worker_met_travels_with_it(tmp_path, monkeypatch):
    """Ray cuts it to a thousand characters."""

    def meet(*_):
        raise KeyError("AU99")

    monkeypatch.setattr(worker, "_carry_out", meet)
    with pytest.raises(KeyError) as found:
        worker.train_worker({"jobs": [(None, RunFolder(tmp_path))], "group": "ours"})
    (trace,) = pickle.loads(pickle.dumps(found.value)).__notes__
    assert ", in meet\n" in trace


def test_workers_that_others_have_taken_over_from_refuse_nothing(refused, tmp_path):
    def meet():
        write_json("others", RunFolder(tmp_path).owner)
        read_json(tmp_path / "missing.json")

    assert not refused(meet)


def test_a_folder_is_its_owners_until_it_has_none_or_another(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path)
    assert not folder.is_owned_by("ours")
    write_json("ours", folder.owner)
    assert folder.is_owned_by("ours") and not folder.is_owned_by("others")
    monkeypatch.setattr(Path, "read_text", stale)
    with pytest.raises(OSError, match="Stale file handle"):
        folder.is_owned_by("ours")
