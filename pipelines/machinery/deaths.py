"""Why the workers of a training died: a line for people, and the whole error in a file of its folder."""

import time
import traceback
from contextlib import suppress
from pathlib import Path
from textwrap import indent

from au_core.errors import words_of

STAMP = "%Y-%m-%d %H:%M:%S  "


def worker_errors(error: Exception) -> list[Exception]:
    """What the workers raised, where Ray's error is of them."""
    return list(getattr(error, "worker_failures", {}).values())


def words_of_death(error: Exception) -> str:
    """What happened in one line: the kind and the first line of what the first worker met, or else Ray."""
    errors = worker_errors(error)
    cause = errors[0] if errors else getattr(error, "controller_failure", error)
    cause = getattr(cause, "health_check_failure", cause)  # what is wrong with a worker that does not answer
    first = words_of(cause).strip().splitlines()[0]
    return f"its workers died ({first})" if errors else f"Ray could not start its workers ({first})"


def note(words: str, error: Exception, path: Path) -> None:
    """Append ``words``, with the time, and below them all that each worker met; no disk can stop it."""
    met = enumerate(worker_errors(error) or [error])
    text = "".join(f"{number}: {''.join(traceback.format_exception(cause))}" for number, cause in met)
    whole = f"{time.strftime(STAMP)}{words}\n{indent(text, '    ', lambda _: True)}"
    with suppress(OSError), path.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(whole)


def noted(path: Path) -> list[str]:
    """The words of each :func:`note` there, oldest first; none where nobody died."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = (line for line in text.splitlines(keepends=True) if line.endswith("\n"))
    return [line[len(time.strftime(STAMP)) : -1] for line in lines if line[0].isdigit()]
