"""What a step's batches take of the process that computes it, where others decode the faces.

    uv run tests/benchmarks/drawing.py

As long as a GPU waits for launches, all that runs in that process beside them is lost: Python's lock is one.
Milliseconds of CPU time, all threads together, for a batch of each kind, 64 faces of 224 pixels. Their copies
are left out: a GPU makes them itself.
"""

import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from common import write_faces
from feeding import sampler

from au_core.data.batches.sampling import Sampler
from au_core.data.batches.slots import SharedSlots

STEPS, REPETITIONS = 60, 5


def step_ms(draw: Sampler) -> float:
    """CPU milliseconds of a step's two draws."""
    started = time.process_time()
    for _ in range(STEPS):
        draw.images()
        draw.mixed()
    return 1000 * (time.process_time() - started) / STEPS


def main() -> None:
    SharedSlots.take = lambda self, slot: self.pictures[slot]
    with tempfile.TemporaryDirectory() as scratch:
        with closing(sampler(write_faces(Path(scratch)), None, processes=1)) as draw:
            step_ms(draw)
            found = [step_ms(draw) for _ in range(REPETITIONS)]
    print(f"{statistics.median(found):.2f} ms ({min(found):.2f} to {max(found):.2f}) a step")


if __name__ == "__main__":
    main()
