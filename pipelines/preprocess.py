"""From a dataset's own files to aligned faces in Parquet, one shard per sequence, every frame accounted for.

uv run pipelines/preprocess.py --layout bp4d --data BP4D --out OUT --detector yunet
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from au_core.config import PreprocessConfig
from au_core.data.layouts import LAYOUTS
from pipelines.machinery.arguments import add_root
from pipelines.machinery.cli import run, summary
from pipelines.machinery.datasets import check_uncoded, list_dataset, refuse_to_redo
from pipelines.machinery.finding import find_faces
from pipelines.machinery.options import HelpFormatter, add_fields, with_options


def main(argv: list[str] | None = None) -> None:
    """Preprocess a dataset."""
    default = PreprocessConfig()
    parser = argparse.ArgumentParser(description=summary(__doc__), formatter_class=HelpFormatter)
    parser.add_argument("--layout", required=True, help=f"how --data is laid out: {', '.join(LAYOUTS)}")
    parser.add_argument("--data", type=Path, required=True, help="the dataset's folder (or a manifest's CSV)")
    add_root(parser)
    parser.add_argument("--out", type=Path, required=True, help="faces go to OUT/faces")
    parser.add_argument("--report", action="store_true", help="draw OUT/faces/report.html: look at it")
    add_fields(parser, PreprocessConfig, "from a frame to a face", default)
    args = parser.parse_args(argv)
    default = replace(default, all_faces=args.layout == "videos")
    cfg = with_options(default, args)
    dataset = list_dataset(args.layout, args.data, args.out / "faces", cfg, base=args.root)
    check_uncoded(cfg, [args.layout])
    refuse_to_redo(dataset, args.out)
    find_faces(dataset)
    if args.report:
        from au_core.report.quality import write_quality_report

        print(f"report: {write_quality_report(args.out / 'faces')}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
