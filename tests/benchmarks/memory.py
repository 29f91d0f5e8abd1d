"""What a worker's memory grows by when it makes the store of a folder and reads faces at random from it.

    uv run tests/benchmarks/memory.py --gib 4

Within a memory limit far below the folder's size (as root, where control groups of version 1 are mounted):

    mkdir /sys/fs/cgroup/memory/faces && echo 512M > /sys/fs/cgroup/memory/faces/memory.limit_in_bytes
    (echo $BASHPID > /sys/fs/cgroup/memory/faces/cgroup.procs; uv run tests/benchmarks/memory.py --gib 4)
"""

import argparse
import tempfile
import time
from multiprocessing import Process
from pathlib import Path

import numpy as np
from common import write_shard

from au_core.aus import BP4D
from au_core.data.faces import load_faces

ROWS, BYTES = 1024, 16 * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--gib", type=float, default=1.0, help="size of the folder")
    parser.add_argument("--reads", type=int, default=20_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        writing = Process(target=write_shards, args=(Path(scratch), round(args.gib * 2**30 / ROWS / BYTES)))
        writing.start()  # a process of its own, whose memory does not count
        writing.join()
        before, started = peak(), time.perf_counter()
        faces = load_faces(Path(scratch), BP4D, ["F001"])
        made, read = time.perf_counter(), 0
        for row in np.random.default_rng(0).integers(len(faces), size=args.reads):
            read += len(faces.jpeg(row))
        seconds = time.perf_counter() - made
        print(f"{faces.length.sum() / 2**30:.2f} GiB of faces; memory grew by {peak() - before} MiB at most")
        print(f"store made in {made - started:.1f} s; {args.reads / seconds:.0f} faces/s read at random")


def write_shards(folder: Path, n: int) -> None:
    """Shards of ``ROWS`` faces of random bytes."""
    rng = np.random.default_rng(0)
    noise = rng.bytes(32 * 2**20)
    for k in range(n):
        starts = rng.integers(0, len(noise) - BYTES, ROWS)
        columns = {
            "dataset": ["BP4D"] * ROWS,
            "sequence": [f"T{k}"] * ROWS,
            "frame": list(range(ROWS)),
            "face_id": [0] * ROWS,
            "face": [noise[start : start + BYTES] for start in starts],
            "face_found": [True] * ROWS,
        }
        write_shard(folder / "subject=F001" / f"T{k:05}.parquet", columns)


def peak() -> int:
    """The most memory this process has held so far, in MiB; the system's file cache is not its own."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024


if __name__ == "__main__":
    main()
