"""Commands run as processes of their own, to be watched and killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LIMIT = 300
"""Seconds after which a run counts as hung: many times what one takes, as machines may be busy."""
SOON = {"health_check_period_ms": 500}
"""Ray's head asks so often whether a node lives; when five times nobody answers it does not."""
NODE = {
    "num_cpus": 1,
    "object_store_memory": 100 * 2**20,
    "include_dashboard": False,
    "include_log_monitor": False,
}
"""A small node of a cluster on this machine."""

LISTENS, LOOPBACK = "0A", ("0100007F", "00000000000000000000000001000000")
"""As /proc has them: a socket's state; 127.0.0.1, also as a part of ::ffff:127.0.0.1, and ::1."""


@contextmanager
def cluster_of(cores: int) -> Iterator[Any]:
    """A cluster of Ray's on this machine, whose head has so many cores; soon it knows who is lost."""
    from ray.cluster_utils import Cluster

    head = {**NODE, "num_cpus": cores, "no_monitor": True, "_system_config": SOON}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        yield cluster
    finally:
        cluster.shutdown()


def begin(module: str, *arguments: object, **environment: str) -> subprocess.Popen:
    """``python -m module`` in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore", **environment},
    )  # fmt: skip


def finish(run: subprocess.Popen) -> str:
    """What a run that must end well has said."""
    _, words = run.communicate(timeout=LIMIT)
    assert run.returncode == 0, words
    return words


def wait_until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def descendants(pid: int) -> dict[int, str]:
    """Process ids below ``pid`` with their command lines."""
    parents, lines = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            lines[int(folder.name)] = (folder / "cmdline").read_text()
        except OSError:  # it ended meanwhile
            continue
    found, level = {}, {pid}
    while level := {child for child, parent in parents.items() if parent in level}:
        found |= {child: lines[child] for child in level if child in lines}
    return found


def open_to_others(pids: Iterable[int]) -> set[str]:
    """Addresses beyond loopback on which any of the processes waits for whoever comes."""
    found = set()
    for pid in pids:
        with suppress(OSError):  # it ended meanwhile
            sockets = set()
            for fd in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):  # it was closed meanwhile
                    sockets.add(os.readlink(fd))
            for table in ("tcp", "tcp6"):
                rows = [
                    line.split() for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
                ]
                found |= {row[1] for row in rows if row[3] == LISTENS and f"socket:[{row[9]}]" in sockets}
    return {address for address in found if not address.partition(":")[0].endswith(LOOPBACK)}


def end(processes: dict[int, str]) -> None:
    """Ray on one machine outlives its killed driver by a minute; end what is left of those processes."""
    for pid, line in processes.items():
        try:
            if line and Path(f"/proc/{pid}/cmdline").read_text() == line:
                os.kill(pid, signal.SIGKILL)
        except OSError:  # it has ended by itself
            continue
