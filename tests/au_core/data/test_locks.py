"""Folders that a command keeps for itself, and those that several read."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest

from au_core.data.locks import held_alone, held_together
from au_core.errors import ConfigError


def as_nfs(flock):
    """NFS, version 4, gives a lock only to who may do with the file what the lock is for."""

    def strict(file, operation):
        mode = fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE
        wrong = os.O_WRONLY if operation & fcntl.LOCK_SH else os.O_RDONLY
        if mode == wrong:
            raise OSError(errno.EBADF, "Bad file descriptor")
        flock(file, operation)

    return strict


@pytest.mark.parametrize("nfs", [False, True])
def test_who_reads_keeps_others_from_writing(tmp_path, monkeypatch, nfs):
    if nfs:
        monkeypatch.setattr("fcntl.flock", as_nfs(fcntl.flock))
    with (
        held_together(tmp_path),
        held_together(tmp_path),
        pytest.raises(ConfigError, match="another command is at work here"),
        held_alone(tmp_path),
    ):
        pass
    with (
        held_alone(tmp_path),
        pytest.raises(ConfigError, match="another command is writing here"),
        held_together(tmp_path),
    ):
        pass


def test_a_folder_is_free_again_when_its_command_was_killed(tmp_path):
    code = "import sys, time; from pathlib import Path; from au_core.data.locks import held_alone\n"
    code += "with held_alone(Path(sys.argv[1])): print('held', flush=True); time.sleep(100)"
    holder = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
    with pytest.raises(ConfigError, match="another command is at work here"), held_alone(tmp_path):
        pass
    holder.kill()
    holder.communicate()
    with held_alone(tmp_path):
        pass
