"""What every command shares: how errors reach a person."""

import sys
from collections.abc import Callable

from au_core.errors import AuError


def run(main: Callable[[], object]) -> None:
    """Call a command's ``main``; an error made for people becomes one line and exit code 2, not a trace."""
    try:
        main()
    except AuError as error:
        sys.exit(_refuse(str(error), 2))
    except KeyboardInterrupt:
        sys.exit(_refuse("interrupted; what is finished is kept, run the same command again to go on", 130))


def summary(doc: str | None) -> str:
    """First line of a module's docstring, for ``--help``."""
    return (doc or "").splitlines()[0]


def _refuse(message: str, code: int) -> int:
    print(f"\nerror: {message}" if code == 2 else f"\n{message}", file=sys.stderr)
    return code
