"""What a command says: errors for people, progress, a line with the time."""

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from au_core.data.files import is_full
from au_core.errors import AuError

CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
"""The file system does not let this user write there, or anyone."""
GO_ON = "what is finished is kept, run the same command again to go on"


def run(main: Callable[[], object], kept: str = GO_ON) -> None:
    """Call a command's ``main``; an error made for people becomes one line and exit code 2, not a trace.

    An interruption says what is ``kept``; a batch system's SIGTERM is one.
    """
    interruptible()
    try:
        main()
    except AuError as error:
        sys.exit(_refuse(str(error), 2))
    except OSError as error:
        where = error.filename or "a disk"
        if error.errno in CLOSED:
            sys.exit(_refuse(f"{where}: {error.strerror}; {kept}", 2))
        if not is_full(error, Path.cwd()):
            raise
        sys.exit(_refuse(f"{where}: no space left; make room and run the same command again to go on", 2))
    except KeyboardInterrupt:
        sys.exit(_refuse(f"interrupted; {kept}", 130))


def interruptible() -> None:
    """Let SIGTERM, and SIGHUP when a connection is lost, end this process as Ctrl-C does.

    Ray, once started, would have it end with a dump.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
                signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    """Say so at once: where Ray's processes were ended too, this one waits for them for a minute."""
    with suppress(OSError):  # the terminal may be gone
        os.write(sys.stderr.fileno(), b"\nstopping\n")
    raise KeyboardInterrupt


def out_root() -> Path:
    """Where experiments go that no ``--out`` sends elsewhere."""
    return Path(os.environ.get("AU_OUT", "out"))


def summary(doc: str | None) -> str:
    """First line of a module's docstring, for ``--help``."""
    return (doc or "").splitlines()[0].replace("``", "")


def averages(scores: dict[str, Any]) -> str:
    """The averages of ``scores.json`` in per cent; where no AU occurs in the test part, there are none."""
    if not any(scores["frames"].values()):
        return "no one was held out"
    split = "test" if scores["frames"]["test"] else "val"  # no one was kept to be tested
    found = (scores[split][f"{metric}_avg"] for metric in ("f1", "auc"))
    f1, auc = ("-" if value is None else f"{100 * value:.1f}" for value in found)
    return f"{split} F1 {f1}, AUC {auc}"


def say(text: str) -> None:
    """One line of progress, with the time."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def _refuse(message: str, code: int) -> int:
    print(f"\nerror: {message}" if code == 2 else f"\n{message}", file=sys.stderr)
    return code


class Progress:
    """One line, redrawn on a terminal; elsewhere new lines at growing intervals, some hundred in a week."""

    def __init__(self, noun: str, total: int) -> None:
        """Of a ``total``; 0 where nobody knows it."""
        self.noun, self.total, self.done = noun, total, 0
        self.counts: dict[str, int] = {}
        self.started = self.told = time.monotonic()

    def add(self, **counts: int) -> None:
        """One more is done; ``counts`` are summed and shown, ``frames`` as a rate too."""
        self.done += 1
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + int(count)
        wait = 0.2 if sys.stderr.isatty() else max(10.0, (time.monotonic() - self.started) / 50)
        if time.monotonic() - self.told >= wait:
            self._tell("\r" if sys.stderr.isatty() else "\n")

    def end(self) -> None:
        """Show the final counts."""
        self._tell("\n")

    def _tell(self, end: str) -> None:
        self.told = time.monotonic()
        seconds = max(self.told - self.started, 1e-9)
        counts = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        rate = f", {self.counts['frames'] / seconds:.0f} frames/s" if "frames" in self.counts else ""
        done = f"{self.done}/{self.total}" if self.total else str(self.done)
        text = f"{self.noun}: {done} done, {counts}{rate}"
        print(f"{text:<100}", end=end, file=sys.stderr, flush=True)
