"""Whether a face detector made for real people sees the drawn ones, and how near its five points are to ours.

uv run python tests/benchmarks/twin_detector.py --model face_detection_yunet_2023mar.onnx

Distances are shares of the eye distance, means over frames. Beside them stands how far YuNet's points on a
picture are from those it finds on the mirrored picture, its own error, and how far the mean of the two is
from ours, in which that error is less.
Pictures are shown to it at twice their size of 256 pixels, where that error is smallest, and at 256 too.
"""

import argparse
from collections.abc import Iterator

import cv2
import numpy as np

from au_core.config import SyntheticConfig
from au_core.data.synthetic.film import film, play

NAMES = ("right eye", "left eye", "nose tip", "right mouth corner", "left mouth corner")
MIRRORED = [1, 0, 2, 4, 3]


def pictures(difficulty: float, people: int, neutral: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pictures, and our five points ``float64[5, 2]``."""
    cfg = SyntheticConfig(frames=4, difficulty=difficulty)
    for i in range(1, people // 2 + 1):
        for subject, task in ((f"{sex}{i:03}", task) for sex in "FM" for task in ("T1", "T5", "T8")):
            shown = play(cfg, subject, task).shown * (not neutral)
            for image, p in film(cfg, subject, task, shown):
                yield image, np.stack([p[36:42].mean(0), p[42:48].mean(0), p[30], p[48], p[54]])


def measure(model: str, side: int, difficulty: float, people: int, neutral: bool) -> str:
    """One row: frames with a face, distances of the points, and YuNet's from its own on the mirror image."""
    net = cv2.FaceDetectorYN.create(model, "", (side, side), 0.6, 0.3, 5000)

    def detect(image: np.ndarray) -> np.ndarray | None:
        found = net.detect(cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC))[1]
        return None if found is None else found[0, 4:14].reshape(5, 2) * image.shape[0] / side

    frames, ours, own, both = 0, [], [], []
    for image, points in pictures(difficulty, people, neutral):
        frames += 1
        found, mirror = detect(image), detect(np.ascontiguousarray(image[:, ::-1]))
        if found is None or mirror is None:
            continue
        unit = np.linalg.norm(points[0] - points[1])
        back = mirror[MIRRORED] * [-1, 1] + [image.shape[1] - 1, 0]
        ours.append(np.linalg.norm(found - points, axis=1) / unit)
        own.append(np.linalg.norm(found - back, axis=1) / unit)
        both.append(np.linalg.norm((found + back) / 2 - points, axis=1) / unit)
    each = ", ".join(f"{name} {x:.3f}" for name, x in zip(NAMES, np.mean(ours, 0), strict=True))
    kind = "neutral" if neutral else "moving"
    return (
        f"difficulty {difficulty:g}, {kind}, {side} pixels: face in {len(ours) / frames:.1%} of {frames}; "
        f"distance {np.mean(ours):.3f} (median {np.median(ours):.3f}; {each}); "
        f"own mirror {np.mean(own):.3f}; mean of both {np.mean(both):.3f}"
    )


def main() -> None:
    """Print a row for each difficulty, expression and size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", required=True, help="YuNet's file")
    parser.add_argument("--people", type=int, default=36)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    for difficulty in (0.0, 1.0):
        for neutral in (True, False):
            for side in (256, 512):
                print(measure(args.model, side, difficulty, args.people, neutral), flush=True)


if __name__ == "__main__":
    main()
