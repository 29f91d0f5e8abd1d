import errno
import io
import signal
import subprocess
import sys

import pytest

from pipelines.machinery.cli import Progress, interruptible, run
from tests.pipelines.processes import LIMIT


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [0.0]
    monkeypatch.setattr("pipelines.machinery.cli.time.monotonic", lambda: now[0])
    return now


def work_for(clock, seconds, stream, monkeypatch, every=1.0):
    monkeypatch.setattr("pipelines.machinery.cli.sys.stderr", stream)
    progress = Progress("sequences", round(seconds / every))
    while clock[0] < seconds:
        clock[0] += every
        progress.add(frames=100, faces=98, lost=2)
    progress.end()
    return stream.getvalue()


@pytest.mark.parametrize(("seconds", "most"), [(60, 7), (3600, 160), (7 * 86400, 500)])
def test_in_a_log_lines_come_ever_farther_apart(clock, seconds, most, monkeypatch):
    """A job of a week must not fill what ``ray submit`` prints."""
    lines = work_for(clock, seconds, io.StringIO(), monkeypatch).splitlines()
    assert min(6, seconds) <= len(lines) <= most
    assert f"{seconds}/{seconds} done" in lines[-1]
    assert f"{98 * seconds:,} faces, {2 * seconds:,} lost, 100 frames/s" in lines[-1]


def test_of_an_unknown_total_nothing_is_said(clock, monkeypatch):
    """As of a video whose container does not say how long it is."""
    monkeypatch.setattr("pipelines.machinery.cli.sys.stderr", told := io.StringIO())
    progress = Progress("frames", 0)
    clock[0] = 60.0
    progress.add(frames=1)
    assert told.getvalue().startswith("frames: 1 done, 1 frames")


@pytest.mark.parametrize(
    ("ray", "kept", "number"),
    [
        ("import ray", "all", signal.SIGTERM),
        ("import ray", "all", signal.SIGHUP),
        ("connect()", "nothing", signal.SIGTERM),
    ],
)
def test_a_batch_systems_signal_or_a_lost_connection_ends_a_command_as_ctrl_c_does(ray, kept, number):
    code = "import signal, sys, time\n"
    code += "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # the tests may run below nohup
    code += "from pipelines.machinery.cli import run\n"
    code += "from pipelines.machinery.cluster import connect\n"
    code += f"def main():\n    {ray}\n    print('up', flush=True)\n    time.sleep(100)\nrun(main, {kept!r})"
    with subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1, text=True) as command:
        assert command.stdout.readline() == "up\n"
        command.send_signal(number)
        error = command.communicate(timeout=LIMIT)[1]
    assert command.returncode == 130 and "SIGTERM" not in error
    assert error.index("\nstopping\n") < error.index(f"\ninterrupted; {kept}\n")


def test_a_lost_connection_is_as_ctrl_c_once_ray_is_started(local_ray):
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        pytest.skip("by nohup, which the next test is about")
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGHUP)


def test_nohup_keeps_a_command_when_the_connection_is_lost():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interruptible()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_where_nobody_may_write_it_is_one_line(capsys):
    def write():
        raise PermissionError(errno.EACCES, "Permission denied", "/data/report.html")

    with pytest.raises(SystemExit) as ended:
        run(write, "nothing was written")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "\nerror: /data/report.html: Permission denied; nothing was written\n"


def test_on_a_terminal_one_line_is_drawn_over_itself(clock, monkeypatch):
    text = work_for(clock, 60, Terminal(), monkeypatch)
    assert text.count("\r") == 60 and text.count("\n") == 1
