"""Apply a trained model to a video: a CSV with a row for each frame and face, and an overlay to look at.

uv run pipelines/predict_video.py VIDEO --model out/demo/runs/ours/missing=0.5/fold=1/seed=0
"""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch

from au_core.config import PreprocessConfig
from au_core.data.faces import decode_face
from au_core.data.video import is_picture, open_video, video_frames
from au_core.errors import ConfigError, FaceError
from au_core.evaluation.openface import CsvRows
from au_core.evaluation.overlay import draw_overlay
from au_core.evaluation.predict import predict_faces
from au_core.face.align import align
from au_core.face.detect import Detection, Detector, load_detector
from au_core.face.track import Tracker
from au_core.models.checkpoint import ModelCard, load_recognizer
from au_core.models.recognizer import Recognizer
from pipelines.machinery.cli import Progress, run, summary
from pipelines.machinery.options import HelpFormatter

BATCH = 32
"""Frames held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame with its faces."""

    frame: int
    image: np.ndarray
    faces: list[tuple[int, Detection, np.ndarray]]
    """Id, detection and aligned face ``uint8[S, S, 3]`` RGB of each."""


def predict_video(
    video: Path, model: Path, table: Path, overlay: Path | None, cfg: PreprocessConfig, gpu: bool = True
) -> tuple[int, int]:
    """Write the CSV and the overlay of ``video``; returns how many frames there were, and with a face.

    Both appear under their names only when they are whole. With ``gpu``, R computes on one if there is one.

    Raises:
        AuError: no video, no model, no detector, or a folder that cannot be written to.
    """
    recognizer, card = load_recognizer(model)
    recognizer.to("cuda" if gpu and torch.cuda.is_available() else "cpu")
    detector, info = load_detector(cfg.detector, cfg), open_video(video)
    with ExitStack() as stack:
        rows = stack.enter_context(whole_file(table)).open("w", newline="")
        stack.enter_context(rows)
        writer = CsvRows(rows, card.spec.columns, card.thresholds, info.fps)
        picture = stack.enter_context(whole_file(overlay)) if overlay else None
        draw = stack.enter_context(OverlayFile(picture, info.fps)) if picture else None
        progress, found = Progress("frames", info.declared_frames), 0
        for seen, prob in look_and_predict(video, detector, recognizer, card, cfg):
            found += bool(seen.faces)
            write_rows(writer, seen, prob)
            if draw:
                boxes = [(k, face, p) for (k, face, _), p in zip(seen.faces, prob, strict=True)]
                draw.write(draw_overlay(seen.image, boxes, card.spec.columns, card.thresholds))
            progress.add(frames=1, faces=len(seen.faces))
        progress.total = progress.done  # a container's count is a guess
        progress.end()
    return progress.done, found


def look_and_predict(
    video: Path, detector: Detector, recognizer: Recognizer, card: ModelCard, cfg: PreprocessConfig
) -> Iterator[tuple[Seen, np.ndarray]]:
    """Each frame with its faces, and their probabilities ``float32[faces, L]``; batch by batch."""
    frames = look(video, detector, card.face_size, cfg)
    while batch := list(islice(frames, BATCH)):
        faces = [face for seen in batch for _, _, face in seen.faces]
        prob = predict_faces(recognizer, faces, card.input_size)
        ends = np.cumsum([len(seen.faces) for seen in batch])
        yield from zip(batch, np.split(prob, ends[:-1]), strict=True)


def look(video: Path, detector: Detector, size: int, cfg: PreprocessConfig) -> Iterator[Seen]:
    """Every frame of ``video``, counted from 1, with its faces aligned as those the model was trained on."""
    tracker = Tracker()
    for frame, image in enumerate(video_frames(video), start=1):
        detections = detector(image)
        pairs = zip(tracker.update(detections), detections, strict=True)
        faces = [(k, d, aligned(image, d, size, cfg)) for k, d in pairs]
        yield Seen(frame, image, [(k, d, face) for k, d, face in faces if face is not None])


def aligned(image: np.ndarray, face: Detection, size: int, cfg: PreprocessConfig) -> np.ndarray | None:
    """The face as training saw it: through the same JPEG; None if its points are no face."""
    try:
        crop = align(image, face.points, size)
    except FaceError:
        return None
    jpeg = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, cfg.jpeg_quality])[1]
    return decode_face(jpeg.tobytes(), size)


def write_rows(writer: CsvRows, seen: Seen, prob: np.ndarray) -> None:
    """The CSV rows of one frame."""
    for (face_id, face, _), p in zip(seen.faces, prob, strict=True):
        writer.face(seen.frame, face_id, face, p)
    if not seen.faces:
        writer.no_face(seen.frame)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path that becomes ``path`` when the block ends well, and vanishes when it does not."""
    temporary = path.with_name(f".part-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error}); choose another folder") from error
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class OverlayFile:
    """Writes frames as an mp4 at the source's rate, or the one frame of a picture as a PNG."""

    def __init__(self, path: Path, fps: float) -> None:
        self.path, self.fps = path, fps
        self.video: cv2.VideoWriter | None = None

    def __enter__(self) -> "OverlayFile":
        return self

    def write(self, image: np.ndarray) -> None:
        """Append one frame ``uint8[H, W, 3]``."""
        if is_picture(self.path):
            self.path.write_bytes(cv2.imencode(self.path.suffix, image)[1].tobytes())
            return
        size = image.shape[1], image.shape[0]
        if self.video is None:
            self.video = cv2.VideoWriter(str(self.path), cv2.VideoWriter.fourcc(*"mp4v"), self.fps, size)
        if not self.video.isOpened():
            raise ConfigError(f"{self.path}: OpenCV cannot write such a video; expected the ending .mp4")
        self.video.write(image)

    def __exit__(self, *_: object) -> None:
        if self.video is not None:
            self.video.release()


def main(argv: list[str] | None = None) -> None:
    """Apply a model to a video."""
    default = PreprocessConfig()
    parser = argparse.ArgumentParser(description=summary(__doc__), formatter_class=HelpFormatter)
    parser.add_argument("video", type=Path, help="a video or a picture")
    parser.add_argument("--model", type=Path, required=True, help="folder of a run, or its model/ folder")
    parser.add_argument("--detector", default="yunet", help="yunet (fetched once), or a YuNet file's path")
    parser.add_argument("--csv", type=Path, help="table to write (default: <video's name>.csv)")
    parser.add_argument("--overlay", type=Path, help="video to write (default: <video's name>_overlay.mp4)")
    parser.add_argument("--no-overlay", action="store_true", help="write the table alone")
    parser.add_argument("--no-gpu", action="store_true", help="compute on the cores though there is a GPU")
    parser.add_argument(
        "--detect-side", type=int, default=default.detect_side, help="longest side searched, in pixels"
    )
    parser.add_argument(
        "--min-confidence", type=float, default=default.min_confidence, help="lowest score of a face"
    )
    args = parser.parse_args(argv)
    cfg = PreprocessConfig(
        detector=args.detector,
        detect_side=args.detect_side,
        min_confidence=args.min_confidence,
        all_faces=True,
    )
    suffix = ".png" if is_picture(args.video) else ".mp4"
    table = args.csv or Path(f"{args.video.stem}.csv")
    overlay = None if args.no_overlay else args.overlay or Path(f"{args.video.stem}_overlay{suffix}")
    frames, found = predict_video(args.video, args.model, table, overlay, cfg, not args.no_gpu)
    print(f"{frames} frames, a face in {found}: {table}" + (f", {overlay}" if overlay else ""))


if __name__ == "__main__":
    run(main)
