"""Whether a face detector made for real people sees the drawn ones, and how near its five points are to ours.

uv run python tests/benchmarks/twin_detector.py --model face_detection_yunet_2023mar.onnx

Distances are shares of the eye distance, means over frames. Beside them stands how far YuNet's points on a
picture are from those it finds on the mirrored picture, its own error, and how far the mean of the two is
from ours, in which that error is less.
Pictures are shown to it at twice their size of 256 pixels, where that error is smallest, and at 256 too.
With ``--clips DIR`` YuNet's own error on real faces, cut out to the same size, is printed as well.
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

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


def detector(model: str, side: int) -> Callable[[np.ndarray], np.ndarray | None]:
    """From a picture to YuNet's points ``[5, 2]`` in its pixels, seen ``side`` pixels high and wide."""
    net = cv2.FaceDetectorYN.create(model, "", (side, side), 0.6, 0.3, 5000)

    def detect(image: np.ndarray) -> np.ndarray | None:
        found = net.detect(cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC))[1]
        return None if found is None else found[0, 4:14].reshape(5, 2) * image.shape[0] / side

    return detect


def mirrored_back(detect: Callable[[np.ndarray], np.ndarray | None], image: np.ndarray) -> np.ndarray | None:
    """What it finds in the mirrored picture, in the picture's own pixels."""
    found = detect(np.ascontiguousarray(image[:, ::-1]))
    return None if found is None else found[MIRRORED] * [-1, 1] + [image.shape[1] - 1, 0]


def frames_of(path: Path, n: int) -> Iterator[np.ndarray]:
    """About ``n`` of a clip, one of a picture; none of any other file."""
    clip = cv2.VideoCapture(str(path))
    step = max(1, int(clip.get(cv2.CAP_PROP_FRAME_COUNT)) // n)
    for k in count():
        image = clip.read()[1]
        if image is None:
            return
        if k % step == 0:
            yield image


def real_faces(model: str, folder: Path) -> Iterator[np.ndarray]:
    """Faces of the clips and pictures below ``folder``, 256 pixels with room around them as ours have."""
    net = cv2.FaceDetectorYN.create(model, "", (64, 64), 0.6, 0.3, 5000)
    for image in (image for path in sorted(folder.rglob("*")) for image in frames_of(path, 25)):
        net.setInputSize(image.shape[1::-1])
        found = net.detect(image)[1]
        if found is None:
            continue
        x, y, width, height = max(found, key=lambda face: face[2] * face[3])[:4]
        edge = int(1.7 * max(width, height))
        if edge >= 128:  # else there is little to see
            middle = x + width / 2 + edge, y + height / 2 + edge
            wide = cv2.copyMakeBorder(image, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
            cut = cv2.getRectSubPix(wide, (edge, edge), middle)
            yield cv2.resize(cut, (256, 256), interpolation=cv2.INTER_AREA)


def measure_real(model: str, side: int, faces: list[np.ndarray]) -> str:
    """YuNet's distance from its own points on the mirror image, of real faces."""
    detect, own = detector(model, side), []
    for image in faces:
        found, back = detect(image), mirrored_back(detect, image)
        if found is not None and back is not None:
            own.append(np.linalg.norm(found - back, axis=1) / np.linalg.norm(found[0] - found[1]))
    return f"{len(own)} real faces, {side} pixels: own mirror {np.mean(own):.3f}"


def measure(model: str, side: int, difficulty: float, people: int, neutral: bool) -> str:
    """One row: frames with a face, distances of the points, and YuNet's from its own on the mirror image."""
    detect = detector(model, side)
    frames, ours, own, both, mouths = 0, [], [], [], []
    for image, points in pictures(difficulty, people, neutral):
        frames += 1
        found, back = detect(image), mirrored_back(detect, image)
        if found is None or back is None:
            continue
        unit = np.linalg.norm(points[0] - points[1])
        mouths.append(np.linalg.norm(found[3] - found[4]) / np.linalg.norm(points[3] - points[4]))
        ours.append(np.linalg.norm(found - points, axis=1) / unit)
        own.append(np.linalg.norm(found - back, axis=1) / unit)
        both.append(np.linalg.norm((found + back) / 2 - points, axis=1) / unit)
    each = ", ".join(f"{name} {x:.3f}" for name, x in zip(NAMES, np.mean(ours, 0), strict=True))
    kind = "neutral" if neutral else "moving"
    return (
        f"difficulty {difficulty:g}, {kind}, {side} pixels: face in {len(ours) / frames:.1%} of {frames}; "
        f"distance {np.mean(ours):.3f} (median {np.median(ours):.3f}; {each}); "
        f"own mirror {np.mean(own):.3f}; mean of both {np.mean(both):.3f}; "
        f"mouth {np.mean(mouths):.2f} as wide"
    )


def main() -> None:
    """Print a row for each difficulty, expression and size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", required=True, help="YuNet's file")
    parser.add_argument("--people", type=int, default=36)
    parser.add_argument("--clips", type=Path, help="folder of clips and pictures of real faces")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    if args.clips:
        faces = list(real_faces(args.model, args.clips))
        for side in (256, 512):
            print(measure_real(args.model, side, faces), flush=True)
    for difficulty in (0.0, 1.0):
        for neutral in (True, False):
            for side in (256, 512):
                print(measure(args.model, side, difficulty, args.people, neutral), flush=True)


if __name__ == "__main__":
    main()
