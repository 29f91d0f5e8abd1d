"""A folder for one command alone, or for several that only read it."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from au_core.data.files import full_disk_named, writing_to
from au_core.errors import ConfigError


@contextmanager
def held_alone(folder: Path, wait: bool = False) -> Iterator[None]:
    """Keep ``folder`` for this process, which may be killed at any time; ``wait`` until another is done.

    Raises:
        ConfigError: another one holds it, or it cannot be written to.
        FullDiskError: there is no room.
    """
    lock = folder / ".lock"
    with writing_to(folder), full_disk_named(lock):
        folder.mkdir(parents=True, exist_ok=True)
        file = lock.open("a")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(
                f"{folder}: another command is at work here; wait for it (if there is none, remove {lock})"
            ) from error
        except OSError:  # a file system without locks
            pass
        yield


@contextmanager
def held_together(folder: Path) -> Iterator[None]:
    """Keep all others from holding ``folder`` alone, as long as this process reads what lies there.

    Raises:
        ConfigError: one holds it alone.
    """
    with ExitStack() as stack:
        with suppress(OSError):  # where nobody may write nobody will
            file = stack.enter_context((folder / ".lock").open("a+"))  # NFS shares locks with readers alone
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigError(f"{folder}: another command is writing here; wait for it") from error
        yield
