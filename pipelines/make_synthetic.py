"""Draw the twin: people whose action units are known, in the on-disk layout of BP4D or DISFA.

uv run pipelines/make_synthetic.py --layout bp4d --out TWIN --subjects 41 --sequences 8 --frames 450
uv run pipelines/make_synthetic.py --sheet actions.png --people people.png --strip strip.png --video film.mp4
"""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from au_core.config import TWIN_SIZES, SyntheticConfig
from au_core.data.files import full_disk_named, raise_if_full, read_json, write_bytes, write_json, writing_to
from au_core.data.synthetic import TWIN_CARD
from au_core.data.synthetic.write import is_written, plan_sequences, write_sequence
from au_core.errors import AuError, ConfigError, words_of
from pipelines.machinery.cli import Progress, run, summary
from pipelines.machinery.options import HelpFormatter

PICTURES = {
    "sheet": "each AU from 0 to 5 on three people",
    "people": "twenty people, neutral and smiling",
    "strip": "one sequence as a strip, with what is written about it",
    "video": "the same sequence as a video (.mp4)",
}
"""Pictures to look at, drawn instead of a dataset."""


def make_synthetic(cfg: SyntheticConfig, out: Path) -> Path:
    """Write the dataset to ``out``, a sequence at a time on every core; what is there is kept.

    Raises:
        ConfigError: ``out`` holds a dataset of other settings or anything else, or cannot be written.
    """
    _claim(cfg, out)
    todo = [names for names in plan_sequences(cfg) if not is_written(cfg, *names, out)]
    if todo:
        _draw_all(cfg, todo, out)
    return out


def _claim(cfg: SyntheticConfig, out: Path) -> None:
    card = out / TWIN_CARD
    if not card.exists():
        with writing_to(out):
            if there := [path.name for path in sorted(out.glob("[!.]*"))]:
                raise ConfigError(f"{out} holds {there[0]}, which is not drawn; choose another --out")
            write_json(asdict(cfg), card)
    elif read_json(card) != asdict(cfg):
        raise ConfigError(f"{out} holds a drawn dataset of other settings; choose another --out")


def _draw_all(cfg: SyntheticConfig, todo: list[tuple[str, str]], out: Path) -> None:
    from pipelines.machinery.cluster import connect, ray_data

    connect()
    jobs = [{"subject": subject, "sequence": sequence} for subject, sequence in todo]
    drawn = ray_data().from_items(jobs, override_num_blocks=len(jobs))
    progress, failed = Progress("drawn sequences", len(todo)), []
    for row in drawn.map(_draw, fn_args=(cfg, str(out.absolute())), num_cpus=1).iter_rows():
        progress.add(frames=cfg.frames, failed=bool(row["failed"]))
        failed += [row["failed"]] if row["failed"] else []
    progress.end()
    raise_if_full(failed)
    if failed:
        raise AuError(f"{len(failed)} of {len(todo)} sequences could not be written, the first: {failed[0]}")


def _draw(row: dict[str, str], cfg: SyntheticConfig, out: str) -> dict[str, str]:
    import cv2

    cv2.setNumThreads(1)
    try:
        with full_disk_named(Path(out)):
            write_sequence(cfg, row["subject"], row["sequence"], Path(out))
    except (AuError, OSError) as error:
        return row | {"failed": words_of(error)}
    return row | {"failed": ""}


def write_pictures(cfg: SyntheticConfig, **paths: Path | None) -> bool:
    """Write the pictures to look at that have a path (see ``PICTURES``); whether there are any.

    Raises:
        ConfigError: a file name with another ending than a picture's or a video's.
    """
    import cv2

    from au_core.data.synthetic import sheet

    draw = {"sheet": sheet.action_sheet, "people": sheet.people_sheet, "strip": sheet.strip}
    wanted = {name: path for name, path in paths.items() if path}
    for name, path in wanted.items():
        expected = (".mp4",) if name == "video" else (".png", ".jpg", "")
        if path.suffix not in expected:
            raise ConfigError(
                f"--{name} {path}: expected a file name that ends in {' or '.join(expected[:2])}"
            )
    for name, path in wanted.items():
        if name == "video":
            _write_video(path, sheet.annotated_frames(cfg, "F001", "T1"))
        else:
            write_bytes(cv2.imencode(path.suffix or ".png", draw[name](cfg))[1].tobytes(), path)
    return bool(wanted)


def _write_video(path: Path, frames: list[Any]) -> None:
    from au_core.output.film import OverlayFile

    with writing_to(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    with OverlayFile(path, 25) as film:
        for frame in frames:
            film.write(frame)


def main(argv: list[str] | None = None) -> None:
    """Draw a dataset."""
    default = SyntheticConfig()
    parser = argparse.ArgumentParser(description=summary(__doc__), formatter_class=HelpFormatter)
    parser.add_argument("--layout", default=default.layout, help="bp4d or disfa")
    parser.add_argument("--out", type=Path, default=Path("out/twin"), help="folder of the drawn dataset")
    parser.add_argument("--subjects", type=int, help="people; all, 41 or 27, if not given")
    parser.add_argument("--sequences", type=int, help="sequences of each person; all, 8 or 1, if not given")
    parser.add_argument("--frames", type=int, default=default.frames, help="frames of each sequence")
    parser.add_argument("--seed", type=int, default=default.seed, help="same seed, same bytes")
    parser.add_argument(
        "--difficulty",
        type=float,
        default=default.difficulty,
        help="0 clean, 1 the default, up to 3",
    )
    for name, what in PICTURES.items():
        parser.add_argument(f"--{name}", type=Path, help=f"only write this file: {what}")
    args = parser.parse_args(argv)
    people, sequences = TWIN_SIZES.get(args.layout, (0, 0))
    cfg = SyntheticConfig(
        layout=args.layout,
        subjects=people if args.subjects is None else args.subjects,
        sequences=sequences if args.sequences is None else args.sequences,
        frames=args.frames,
        seed=args.seed,
        difficulty=args.difficulty,
    )
    if not write_pictures(cfg, **{name: getattr(args, name) for name in PICTURES}):
        make_synthetic(cfg, args.out)


if __name__ == "__main__":
    run(main)
