import io

import pytest

from pipelines.machinery.cli import Progress


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


def test_on_a_terminal_one_line_is_drawn_over_itself(clock, monkeypatch):
    text = work_for(clock, 60, Terminal(), monkeypatch)
    assert text.count("\r") == 60 and text.count("\n") == 1
