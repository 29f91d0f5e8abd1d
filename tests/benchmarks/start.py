"""How long until a fold's first step begins, against an empty Ray Train run of the same shape.

uv run tests/benchmarks/start.py
"""

import argparse
import tempfile
import time
from pathlib import Path

from common import plan, train, write_faces


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=4)
    args = parser.parse_args()
    from pipelines.machinery.cluster import connect

    connect()
    with tempfile.TemporaryDirectory() as scratch:
        faces = write_faces(Path(scratch) / "faces", faces=8000)
        fold = plan(1, m=2, cpus=1)
        beyond = []
        for repetition in range(args.repetitions):
            empty, ours = empty_run(Path(scratch)), train(faces, Path(scratch), fold)["start"]
            beyond.append(ours - empty)
            print(f"  {repetition + 1}: empty {empty:.1f} s, a fold {ours:.1f} s", flush=True)
        spread = f"{min(beyond):.1f} to {max(beyond):.1f}"
        median = sorted(beyond)[len(beyond) // 2]
        print(f"beyond an empty run: {median:.1f} s ({spread}; asked: <= 3 s)")


def empty_run(scratch: Path) -> float:
    """Seconds until a worker that does nothing else notes the time."""
    from ray.train import RunConfig
    from ray.train.torch import TorchTrainer

    from pipelines.machinery.group import ray_scaling

    note = scratch / "began"
    called = time.time()
    TorchTrainer(
        lambda: note.write_text(str(time.time())),
        scaling_config=ray_scaling(plan(1, cpus=1).scaling),
        run_config=RunConfig(name=f"empty-{called}", storage_path=str(scratch / "ray")),
    ).fit()
    return float(note.read_text()) - called


if __name__ == "__main__":
    main()
