"""Report of an experiment from the files in its folder: a page, Markdown, figures and a CSV of all scores.

uv run pipelines/report.py --out OUT
"""

import argparse
import sys
from pathlib import Path

from pipelines.machinery.cli import out_root, run, summary
from pipelines.machinery.options import HelpFormatter


def report(out: Path) -> Path:
    """Write the report of what is finished below ``out``, and print it in short; returns its page.

    Raises:
        ConfigError: nothing is.
    """
    from au_core.report.overview import overview
    from au_core.report.page import write_report
    from au_core.report.results import collect

    results = collect(out)
    page = write_report(results, out)
    print(overview(results), flush=True)
    return page


def main(argv: list[str] | None = None) -> None:
    """Write the report, print it in short, and say where it is."""
    parser = argparse.ArgumentParser(description=summary(__doc__), formatter_class=HelpFormatter)
    parser.add_argument("--out", type=Path, default=out_root() / "demo", help="folder of the experiment")
    print(f"report: {report(parser.parse_args(argv).out)}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
