"""Every command explains itself, soon, and has the options that the documents give it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.processes import LIMIT

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "au_core/PAPER.md", "au_core/RESULTS.md", "au_core/SPEED.md")
COMMANDS = sorted(path.name for path in (ROOT / "pipelines").glob("[!_]*.py"))
ASK = """
import runpy, sys
sys.argv = [sys.argv[1], "--help"]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    print(end.code, *{"torch", "ray", "mlflow"} & {*sys.modules}, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def told() -> dict[str, tuple[str, str]]:
    """By command, the answer to ``--help``, and how it ended and what slow packages it loaded for it."""
    asked = {
        command: subprocess.Popen(
            [sys.executable, "-c", ASK, ROOT / "pipelines" / command],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        )
        for command in COMMANDS
    }  # fmt: skip
    return {command: run.communicate(timeout=LIMIT) for command, run in asked.items()}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_explains_itself_and_nobody_waits_for_torch_who_only_asks(told, command):
    """Seconds, of which a mistyped option or a finished protocol needs none."""
    help_, end = told[command]
    assert end == "0\n" and help_.startswith(f"usage: {command}") and len(help_) > 200


def written_commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of ours in a document's code, with the words after it."""
    for place, part in enumerate(text.split("```")):
        for code in part.splitlines() if place % 2 else re.findall("`([^`]*)`", part):
            yield from re.findall(r"(\w+\.py)\b([^#]*)", code)


def test_what_is_written_of_a_command_are_options_that_it_has(told):
    written = [pair for name in DOCUMENTS for pair in written_commands((ROOT / name).read_text())]
    options = {
        (command, option)
        for command, words in written
        for option in re.findall(r"--[a-z][\w-]*", words)
        if command in COMMANDS
    }
    assert len(options) > 30, "they were found"
    assert [pair for pair in sorted(options) if not re.search(rf"{pair[1]}(?![\w-])", told[pair[0]][0])] == []
