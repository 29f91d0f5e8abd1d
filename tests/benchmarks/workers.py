"""Two workers against one, a core each, on batches of the same global size.

uv run tests/benchmarks/workers.py
"""

import argparse
import tempfile
from pathlib import Path

from common import WARM, compare, plan, train, write_faces


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=3, help="steps that are timed")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64, help="faces in the global batch")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        faces = write_faces(Path(scratch) / "faces")

        def rate(workers: int) -> float:
            fold = plan(args.steps + WARM, m=args.batch, workers=workers, cpus=1)
            return train(faces, Path(scratch), fold)["images/s"]

        compare("2 workers : 1", "images/s", "-", args.repetitions, two=lambda: rate(2), one=lambda: rate(1))


if __name__ == "__main__":
    main()
