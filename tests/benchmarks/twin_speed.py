"""How fast people are drawn on one core, beside what no drawing can do without.

uv run python tests/benchmarks/twin_speed.py

Counts processor time, so that other work on the machine disturbs little; every frame is another one of its
sequence, with head movements, blinks, light and noise, as it is written to disk.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from au_core.config import SyntheticConfig
from au_core.data.synthetic.film import film, play
from au_core.data.synthetic.write import write_sequence

FRAMES = 300
PEOPLE = (("F001", "T1"), ("F002", "T6"), ("M001", "T3"), ("M003", "T8"))


def seconds(work: Callable[[], object]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Print frames a second, and ratios."""
    cv2.setNumThreads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    cfg = SyntheticConfig(frames=FRAMES)
    drawn, written, image = 0.0, 0.0, np.zeros((256, 256, 3), np.uint8)
    with TemporaryDirectory() as folder:
        for subject, task in PEOPLE:
            shown = play(cfg, subject, task).shown
            pictures: list[np.ndarray] = []
            drawn += seconds(
                lambda s=subject, t=task, x=shown, p=pictures: p.extend(i for i, _ in film(cfg, s, t, x))
            )
            written += seconds(lambda s=subject, t=task: write_sequence(cfg, s, t, Path(folder)))
            image = pictures[-1]
    n = FRAMES * len(PEOPLE)
    jpeg = seconds(lambda: [cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90]) for _ in range(n)])
    y, x = np.indices((256, 256), np.float32)
    warp = seconds(lambda: [cv2.remap(image, x, y, cv2.INTER_LINEAR) for _ in range(n)])
    print(f"drawn                 {n / drawn:6.0f} frames/s a core")
    print(f"drawn and written     {n / written:6.0f} frames/s a core")
    print(f"one JPEG              {n / jpeg:6.0f} frames/s; drawing takes {drawn / jpeg:.1f} times as long")
    print(f"one warp of a picture {n / warp:6.0f} frames/s; drawing takes {drawn / warp:.1f} times as long")


if __name__ == "__main__":
    main()
