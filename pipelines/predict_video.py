"""Apply a trained model to a video: a CSV with a row for each frame and face, and an overlay to look at.

uv run pipelines/predict_video.py VIDEO --model out/demo/runs/ours/missing=0.5/fold=1/seed=0
"""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from au_core.config import PreprocessConfig
from au_core.data.files import remove_leftovers, whole, writing_to
from au_core.data.names import is_utf8, readable
from au_core.data.video import ended_early, is_picture, open_video, timed_frames
from au_core.errors import ConfigError
from au_core.models.card import ModelCard
from au_core.output.film import OverlayFile
from au_core.output.openface import CsvRows
from au_core.output.overlay import draw_overlay
from pipelines.machinery.cli import Progress, run, say, summary
from pipelines.machinery.options import HelpFormatter

if TYPE_CHECKING:  # torch takes seconds, which nobody waits for whose video cannot be opened
    from au_core.predictor import Predictor, SeenFace


def predict_video(video: Path, predictor: "Predictor", table: Path, overlay: Path | None) -> tuple[int, int]:
    """Write the CSV and the overlay of ``video``; returns how many frames there were, and with a face.

    Both appear under their names only when they are whole. A video that ends early costs a warning.

    Raises:
        AuError: no video, or a folder that cannot be written to.
    """
    info = open_video(video)
    with ExitStack() as stack:
        rows = stack.enter_context(_begun(table, stack).open("w", newline=""))
        writer = CsvRows(rows, predictor.card)
        film = stack.enter_context(OverlayFile(_begun(overlay, stack), info.fps)) if overlay else None
        progress, found = Progress("frames", info.declared_frames), 0
        for frame, (seconds, image, faces) in enumerate(predictor.timed(timed_frames(video)), start=1):
            found += bool(faces)
            write_rows(writer, frame, seconds, faces)
            if film:
                drawn = [(face.face_id, face.detection, face.prob) for face in faces]
                film.write(draw_overlay(image, drawn, predictor.card))
            progress.add(frames=1, faces=len(faces))
        if short := ended_early(progress.done, info.declared_frames):
            say(f"warning: {video}: {short}")
        progress.total = progress.done  # a container's count is a guess
        progress.end()
    return progress.done, found


def write_rows(writer: CsvRows, frame: int, seconds: float, faces: "list[SeenFace]") -> None:
    """The CSV rows of one frame."""
    for face in faces:
        where = face.detection
        writer.face(frame, seconds, face.face_id, where.points, where.confidence, face.prob)
    if not faces:
        writer.no_face(frame, seconds)


def _begun(path: Path, stack: ExitStack) -> Path:
    """What becomes ``path`` when ``stack`` ends well; of a link, what it leads to."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path}: no file that could be replaced; choose another")
    remove_leftovers(path)
    with writing_to(path):
        return stack.enter_context(whole(path, path.suffix))


def warn_if_drawn(card: ModelCard) -> None:
    """Tell whoever tries a demo's model on real faces."""
    if card.drawn:
        say("warning: this model was trained on drawn people; what it says of real faces means nothing")


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, and how faces are found for it."""
    default = PreprocessConfig()
    parser.add_argument("--model", type=Path, required=True, help="folder of a run, or its model/ folder")
    parser.add_argument("--no-gpu", action="store_true", help="compute on the cores though there is a GPU")
    parser.add_argument("--detector", default="yunet", help="yunet (fetched once), or a YuNet file's path")
    parser.add_argument(
        "--detect-side", type=int, default=default.detect_side, help="longest side searched, in pixels"
    )
    parser.add_argument(
        "--min-confidence", type=float, default=default.min_confidence, help="lowest score of a face"
    )


def main(argv: list[str] | None = None) -> None:
    """Apply a model to a video."""
    parser = argparse.ArgumentParser(description=summary(__doc__), formatter_class=HelpFormatter)
    parser.add_argument("video", type=Path, help="a video or a picture")
    add_model_arguments(parser)
    parser.add_argument("--csv", type=Path, help="table to write (default: VIDEO.csv, as in film.mp4.csv)")
    parser.add_argument(
        "--overlay", type=Path, help="video to write (default: VIDEO_overlay.mp4, beside the CSV)"
    )
    parser.add_argument("--no-overlay", action="store_true", help="write the table alone")
    args = parser.parse_args(argv)
    if args.video.is_dir():
        raise ConfigError(f"{args.video}: a folder; pipelines/predict_folder.py takes all videos in one")
    open_video(args.video)  # refused before the model is loaded
    from au_core.models.device import best_device
    from au_core.predictor import Predictor

    predictor = Predictor(
        args.model,
        args.detector,
        min_confidence=args.min_confidence,
        detect_side=args.detect_side,
        device=best_device(not args.no_gpu),
    )
    warn_if_drawn(predictor.card)
    suffix = ".png" if is_picture(args.video) else ".mp4"
    table = args.csv or Path(f"{args.video.name}.csv")  # film.mp4.csv: film.csv may be the user's own
    beside = table.with_name(f"{args.video.name}_overlay{suffix}")
    overlay = None if args.no_overlay else args.overlay or beside
    _check_outputs(args.video, table, overlay)
    frames, found = predict_video(args.video, predictor, table, overlay)
    written = f"{table}, {overlay}" if overlay else str(table)
    print(readable(f"{frames} frames, a face in {found}: {written}"))


def _check_outputs(video: Path, table: Path, overlay: Path | None) -> None:
    """Refuse to write a file over another, or a video's frames over each other.

    Raises:
        ConfigError: that is what was asked for.
    """
    for path in (table, overlay):
        if path and path.exists() and path.samefile(video):
            raise ConfigError(f"{path}: the video itself; choose another file to write")
    if overlay and not is_utf8(overlay.resolve()):
        raise ConfigError(
            f"{readable(str(overlay.resolve()))}: the name is no UTF-8; choose another --overlay"
        )
    if overlay and overlay.resolve() == table.resolve():
        raise ConfigError(f"{overlay}: the table and the overlay cannot be one file; choose another")
    if overlay and is_picture(overlay) and not is_picture(video):
        raise ConfigError(f"{overlay}: a picture holds one frame; expected a video, ending in .mp4")


if __name__ == "__main__":
    run(main, kept="nothing was written")
