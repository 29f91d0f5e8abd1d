"""A label prior for the demo: codes of its people in other performances, of which no pictures are drawn.

    uv run tests/benchmarks/label_prior.py --file out/few/prior.csv
    uv run pipelines/full_protocol.py --missing-rates 0.9 --out out/few \\
        --methods ours+prior o_wlc --relaxed 0.5 --label-prior out/few/prior.csv

The second command then trains with it where few labels are left (RESULTS.md).
"""

import argparse
import csv
from pathlib import Path

from au_core.aus import BP4D
from au_core.config import SyntheticConfig
from au_core.data.synthetic.expression import AUS
from au_core.data.synthetic.film import play
from au_core.data.synthetic.write import plan_sequences

FRAMES = 192
"""Of each person."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--tasks", type=int, default=4, help="of each person; the faces show the first four")
    args = parser.parse_args()
    args.file.parent.mkdir(parents=True, exist_ok=True)
    write_prior(args.file, args.tasks)


def write_prior(path: Path, tasks: int) -> None:
    """7,872 label vectors of the twin's 41 people in other performances of their first tasks.

    By the column of subjects a fold's training leaves out those of people it is validated and tested on.
    """
    cfg = SyntheticConfig(seed=1, sequences=tasks, frames=FRAMES // tasks, difficulty=0)
    with path.open("w") as file:
        rows = csv.writer(file)
        rows.writerow(("subject", *BP4D.columns))
        for subject, sequence in plan_sequences(cfg):
            codes = play(cfg, subject, sequence).codes[:, [AUS.index(au) for au in BP4D.aus]]
            rows.writerows([subject, *row] for row in (codes >= 2).astype(int).tolist())


if __name__ == "__main__":
    main()
