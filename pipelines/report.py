"""Report of an experiment from the files in its folder: a page, Markdown, figures and a CSV of all scores.

uv run pipelines/report.py --out OUT
"""

import argparse
from pathlib import Path

from pipelines.machinery.cli import out_root, run, summary
from pipelines.machinery.options import HelpFormatter


def report(out: Path) -> Path:
    """Write the report of what is finished below ``out``; returns the path of ``report.html``.

    Raises:
        ConfigError: nothing is.
    """
    from au_core.report.page import write_report
    from au_core.report.results import collect

    return write_report(collect(out), out)


def main(argv: list[str] | None = None) -> None:
    """Write the report and say where it is."""
    parser = argparse.ArgumentParser(description=summary(__doc__), formatter_class=HelpFormatter)
    parser.add_argument("--out", type=Path, default=out_root() / "demo", help="folder of the experiment")
    print(report(parser.parse_args(argv).out))


if __name__ == "__main__":
    run(main)
