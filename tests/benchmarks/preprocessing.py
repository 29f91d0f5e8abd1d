"""How fast preprocessing is, as ratios inside one run, where its time goes, and how much memory it takes.

uv run python tests/benchmarks/preprocessing.py --model face_detection_yunet_2023mar.onnx

(a) one core against the sum of its parts in bare OpenCV (decode, detect at the size used, warp, encode);
(b) two cores against one, by the whole job with Ray; (c) both against the plain loop that most repositories
ship: decode, detect at full size, write a PNG, one process; (d) peak memory against length and number of
videos. Part (a) for a 720p video with one person and for BP4D-like pictures of 1040x1392, else for video.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from au_core.config import PreprocessConfig, SyntheticConfig
from au_core.data.readers import list_sequences
from au_core.data.synthetic.film import film, play
from au_core.face.align import align
from au_core.face.detect import load_detector
from au_core.face.prepare import prepare_sequence
from au_core.face.rows import FaceRows


def draw_video(path: Path, frames: int) -> None:
    """A drawn person, 400 pixels high, before a moving, textured wall of 1280x720."""
    cfg, rng = SyntheticConfig(subjects=3, sequences=1, frames=24), np.random.default_rng(0)
    drawn = [image for image, _ in film(cfg, "F001", "T1", play(cfg, "F001", "T1").shown)]
    wall = cv2.GaussianBlur(rng.integers(0, 255, (760, 1320, 3), np.uint8), (0, 0), 3)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (1280, 720))
    for i in range(frames):
        image = wall[i % 40 : i % 40 + 720, i % 40 : i % 40 + 1280].copy()
        x = 400 + int(60 * np.sin(i / 40))
        image[160:560, x : x + 400] = cv2.resize(drawn[i % 24], (400, 400))
        writer.write(image)
    writer.release()


def draw_pictures(root: Path, frames: int) -> None:
    """A folder of JPEGs of 1040x1392 with one face, each drawn picture linked many times."""
    cfg = SyntheticConfig(subjects=3, sequences=1, frames=8)
    (root / "F001").mkdir(parents=True)
    for i, (image, _) in enumerate(film(cfg, "F001", "T1", play(cfg, "F001", "T1").shown)):
        large = cv2.copyMakeBorder(cv2.resize(image, (1040, 1040)), 176, 176, 0, 0, cv2.BORDER_REPLICATE)
        cv2.imwrite(str(root / "F001" / f"{i}.jpg"), large)
    for i in range(8, frames):
        os.link(root / "F001" / f"{i % 8}.jpg", root / "F001" / f"{i}.jpg")
    lines = [f"F001/{i}.jpg,F001,T1,{i},0" for i in range(frames)]
    (root / "manifest.csv").write_text("\n".join(["path,subject,sequence,frame,AU12", *lines]) + "\n")


class Clock:
    """CPU seconds by name: a busy machine does not count, and reading waits for nothing here."""

    def __init__(self) -> None:
        self.seconds = defaultdict[str, float](float)

    def __call__(self, name: str, work: Callable, *arguments: object) -> Any:
        """The result of ``work``, its time added."""
        started = time.process_time()
        result = work(*arguments)
        self.seconds[name] += time.process_time() - started
        return result


def parts(source: Path, model: str, cfg: PreprocessConfig) -> Clock:
    """CPU seconds of decode, detect, warp and encode in bare OpenCV, frame by frame, nothing else."""
    clock, net = Clock(), cv2.FaceDetectorYN.create(model, "", (320, 320), 0.3, 0.3, 5000)
    film = (
        cv2.VideoCapture(str(source), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        if source.is_file()
        else None
    )
    pictures = iter([] if film else sorted(source.iterdir()))

    def read() -> np.ndarray | None:
        if film:
            return film.read()[1]
        path = next(pictures, None)
        return None if path is None else cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)

    def detect(image: np.ndarray) -> np.ndarray:
        shrink = min(1.0, cfg.detect_side / max(image.shape[:2]))
        size = round(image.shape[1] * shrink), round(image.shape[0] * shrink)
        net.setInputSize(size)
        rows = net.detect(cv2.resize(image, size, interpolation=cv2.INTER_AREA))[1]
        return rows[0, 4:14].reshape(5, 2) / shrink

    while (image := clock("decode", read)) is not None:
        found = clock("detect", detect, image)
        points = np.stack([found[0], found[1], (found[3] + found[4]) / 2]).astype(np.float32)
        face = clock("warp", align, image, points, cfg.size)
        clock("encode", cv2.imencode, ".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, cfg.jpeg_quality])
    return clock


def ours(layout: str, root: Path, out: Path, cfg: PreprocessConfig) -> float:
    """CPU seconds of the sequence as the job prepares it: hashes, labels, flags, Parquet and all."""
    (ref,) = list_sequences(layout, root)
    detector = load_detector(cfg, doubtful=True)
    started = time.process_time()
    status = prepare_sequence(ref, detector, cfg, out)
    seconds = time.process_time() - started
    assert status["status"] == "ok" and status["faces_found"] == status["frames_decoded"], status
    return seconds


def against_parts(work: Path, model: str, frames: int, repeats: int) -> Iterator[tuple[str, dict]]:
    """(a): the sum of the parts divided by ours, alternating; medians."""
    video = PreprocessConfig(detector=model, all_faces=True)
    for name, layout, root, source, cfg in (
        ("video", "videos", work / "one", work / "one" / "film.mp4", video),
        ("pictures", "manifest", work / "tree", work / "tree" / "F001", PreprocessConfig(detector=model)),
    ):  # fmt: skip
        pairs = []
        for i in range(repeats):
            clock = parts(source, model, cfg)
            pairs.append((clock, ours(layout, root, work / f"out-{name}-{i}", cfg)))
        ratios = [sum(clock.seconds.values()) / seconds for clock, seconds in pairs]
        yield (
            name,
            {
                "ratio": round(statistics.median(ratios), 3),
                "ratios": [round(ratio, 3) for ratio in ratios],
                "frames per CPU second": round(
                    frames / statistics.median(seconds for _, seconds in pairs), 1
                ),
                "milliseconds": {
                    part: round(
                        1000 * statistics.median(clock.seconds[part] for clock, _ in pairs) / frames, 2
                    )
                    for part in ("decode", "detect", "warp", "encode")
                },
            },
        )


def plain_loop(source: Path, model: str, out: Path, frames: int) -> tuple[float, float]:
    """Frames per second, and per CPU second, of the loop most repositories ship, with default threads."""
    out.mkdir()
    net, film = cv2.FaceDetectorYN.create(model, "", (1280, 720), 0.6), cv2.VideoCapture(str(source))
    started, cpu = time.perf_counter(), time.process_time()
    for i in range(frames):
        image = film.read()[1]
        found = net.detect(image)[1][0, 4:14].reshape(5, 2)
        points = np.stack([found[0], found[1], (found[3] + found[4]) / 2]).astype(np.float32)
        cv2.imwrite(str(out / f"{i:05}.png"), align(image, points, 224))
    return frames / (time.perf_counter() - started), frames / (time.process_time() - cpu)


JOB = """
import sys, threading, time
from pathlib import Path
from au_core.config import PreprocessConfig
from pipelines.machinery.datasets import list_dataset
from pipelines.machinery.finding import find_faces
import ray  # after pipelines, which says how Ray starts workers under uv
cpus, data, out, model = int(sys.argv[1]), *sys.argv[2:]
ray.init("local", num_cpus=cpus, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
called, begun = time.perf_counter(), []
def watch():
    while not any(Path(out).glob(".tries/*")):
        time.sleep(0.01)
    begun.append(time.perf_counter())
threading.Thread(target=watch, daemon=True).start()
cfg = PreprocessConfig(detector=model, all_faces=True)
table = find_faces(list_dataset("videos", Path(data), Path(out), cfg))
print(begun[0] - called, sum(table["frames_decoded"].to_pylist()) / (time.perf_counter() - begun[0]))
"""
"""The whole job on a Ray of so many cores; prints the seconds until a worker begins, and the rate after."""


def job(cpus: int, data: Path, out: Path, model: str) -> tuple[float, float]:
    """Seconds until the first sequence is begun, and frames per second from then to the job's end."""
    command = [sys.executable, "-c", JOB, str(cpus), str(data), str(out), model]
    words = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=240).stdout
    started, rate = map(float, words.split()[-2:])
    return started, rate


def memory(root: Path, out: Path, model: str) -> float:
    """Peak MiB of a process that prepares all videos below ``root`` one after another."""
    command = [sys.executable, __file__, "--model", model, "--prepare", str(root), str(out)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1])


def prepare_all(root: Path, out: Path, model: str) -> None:
    """What one actor does; prints this process's peak MiB."""
    cv2.setNumThreads(1)
    cfg = PreprocessConfig(detector=model, all_faces=True)
    detector = load_detector(cfg, doubtful=True)
    for ref in list_sequences("videos", root):
        assert prepare_sequence(ref, detector, cfg, out)["status"] == "ok"
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def profile(root: Path, model: str) -> str:
    """The twelve functions with the most time of their own, one sequence, one core."""
    import cProfile
    import io
    import pstats

    from au_core.data.readers import read_rows

    cfg = PreprocessConfig(detector=model, all_faces=True)
    (ref,) = list_sequences("videos", root)
    detector, text = load_detector(cfg, doubtful=True), io.StringIO()
    with cProfile.Profile() as measured:
        list(FaceRows(read_rows(ref), detector, cfg, lambda: None))
    pstats.Stats(measured, stream=text).sort_stats("tottime").print_stats(12)
    return text.getvalue()


def main() -> None:
    """Run all parts, a line for each figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="YuNet's file")
    parser.add_argument("--frames", type=int, default=300, help="frames of each video")
    parser.add_argument("--videos", type=int, default=8, help="videos of the job in (b)")
    parser.add_argument("--repeats", type=int, default=3, help="repetitions of (a)")
    parser.add_argument("--profile", action="store_true", help="only print a profile of one core's work")
    parser.add_argument("--prepare", nargs=2, type=Path, metavar=("ROOT", "OUT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.prepare:
        root, out = args.prepare
        prepare_all(root, out, args.model)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), args)


def measure(work: Path, args: argparse.Namespace) -> None:
    """Print all figures."""
    film = work / "one" / "film.mp4"
    film.parent.mkdir()
    draw_video(film, args.frames)
    if args.profile:
        cv2.setNumThreads(1)
        print(profile(work / "one", args.model))
        return
    draw_pictures(work / "tree", args.frames)
    (work / "many").mkdir()
    for i in range(args.videos):
        os.link(film, work / "many" / f"{i}.mp4")
    (work / "long").mkdir()
    draw_video(work / "long" / "film.mp4", 4 * args.frames)
    plain = [plain_loop(film, args.model, work / "plain", args.frames // 2)]
    jobs = {cpus: job(cpus, work / "many", work / f"job{cpus}", args.model) for cpus in (1, 2)}
    plain.append(plain_loop(film, args.model, work / "plain2", args.frames // 2))
    tell("b, two cores / one", jobs[2][1] / jobs[1][1])
    tell("b, frames per second by cores", {cpus: round(rate, 1) for cpus, (_, rate) in jobs.items()})
    tell("b, seconds until workers begin", {cpus: round(seconds, 1) for cpus, (seconds, _) in jobs.items()})
    tell("c, two cores / plain loop", jobs[2][1] / max(rate for rate, _ in plain))
    tell("c, plain loop's frames per second", [round(rate, 1) for rate, _ in plain])
    tell("c, plain loop's frames per CPU second", [round(rate, 1) for _, rate in plain])
    tell("bytes per face", _bytes_per_face(work / "job2", args.videos * args.frames))
    cv2.setNumThreads(1)
    for name, figures in against_parts(work, args.model, args.frames, args.repeats):
        tell(f"a, sum of parts / ours, {name}", figures)
    tell(f"d, peak MiB, 1 video of {args.frames} frames", memory(work / "one", work / "m1", args.model))
    tell(f"d, peak MiB, 1 video of {4 * args.frames} frames", memory(work / "long", work / "m2", args.model))
    tell(f"d, peak MiB, {args.videos} videos", memory(work / "many", work / "m3", args.model))


def tell(name: str, value: object) -> None:
    """One line for a figure, as soon as it is known."""
    print(f"{name}: {round(value, 2) if isinstance(value, float) else json.dumps(value)}", flush=True)


def _bytes_per_face(faces: Path, rows: int) -> int:
    return round(sum(path.stat().st_size for path in faces.rglob("*.parquet")) / rows)


if __name__ == "__main__":
    main()
