"""Nothing kills the readers: each damaged input is a result or one line with its reason.

``pytest tests/au_core/data/layouts/test_mutants.py --mutants 1000`` damages a thousand.
"""

import faulthandler
import random
import resource
import shutil
import time

import cv2
import numpy as np
import pytest

from au_core.config import PreprocessConfig, SyntheticConfig
from au_core.data.layouts import LAYOUTS
from au_core.data.readers import list_sequences
from au_core.data.synthetic.write import plan_sequences, write_sequence
from au_core.errors import AuError
from au_core.face.prepare import prepare_sequence
from tests.au_core.data.mutants import mutate
from tests.au_core.data.trees import bend_to_disfa_plus, bend_to_plus, write_lists

CFG = PreprocessConfig(size=32)
SLOWEST = 20
"""Seconds one input may take on a busy machine; one that hangs ends the tests with a trace of where."""
GROWTH = 100 * 2**20
"""Bytes all inputs may leave behind; one leaked 40,000 x 40,000 picture would be 4.8 GB."""


def no_detector(image):
    return []


def draw_tree(layout, root):
    """A small healthy dataset."""
    kind = "disfa" if layout == "disfa" else "bp4d"
    cfg = SyntheticConfig(
        layout=kind, subjects=3, sequences=1, frames=4
    )  # as many as bend_to_disfa_plus labels
    for subject, sequence in plan_sequences(cfg)[:1]:
        write_sequence(cfg, subject, sequence, root)
    for path in root.rglob("*.jpg"):  # small pictures: the readers are tested here, not the decoder's speed
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (64, 64)))
    refs = [] if layout == "disfa" else list_sequences("bp4d", root)
    if layout == "bp4d_plus":
        bend_to_plus(root, 0)
    elif layout == "disfa_plus":
        bend_to_disfa_plus(root)
    elif layout == "lists":
        write_lists(root, refs, "megraph")
    elif layout == "manifest":
        lines = [
            f"{p.relative_to(root)},a,b,{int(p.stem)},1,0" for p in sorted((root / refs[0].source).iterdir())
        ]
        (root / "manifest.csv").write_text(
            "\n".join(["path,subject,sequence,frame,AU01,AU12", *lines]) + "\n"
        )
    elif layout == "videos":
        write_films(root)
    return root


def write_films(root):
    shutil.rmtree(root)
    (root / "anna").mkdir(parents=True)
    for name, code in (("film.avi", "MJPG"), ("film.mp4", "mp4v")):
        film = cv2.VideoWriter(str(root / "anna" / name), cv2.VideoWriter.fourcc(*code), 25, (64, 48))
        for i in range(12):
            film.write(np.full((48, 64, 3), 20 * i, np.uint8))
        film.release()
    cv2.imwrite(str(root / "face.png"), np.full((48, 64, 3), 99, np.uint8))


def outcome(layout, root, faces):
    """Every quality row, or the one line by which the whole folder is refused."""
    try:
        refs = list_sequences(layout, root)
    except AuError as error:
        return [str(error)]
    detector = None if LAYOUTS[layout].landmarks else no_detector
    rows = [prepare_sequence(ref, detector, CFG, faces) for ref in refs]
    for row in rows:
        assert row["status"] in ("ok", "partial", "failed") and (row["reason"] or row["status"] == "ok"), row
        coded = row["frames_coded"] or 0
        assert row["status"] == "failed" or layout == "videos" or row["frames_decoded"] <= coded
        row["subject"].encode(), row["sequence"].encode(), row["source"].encode(), row["reason"].encode()
    return [row["reason"] for row in rows]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_damaged_input_is_a_result_or_one_line(layout, tmp_path, request):
    root, faces = draw_tree(layout, tmp_path / "data"), tmp_path / "faces"
    draw, reasons = random.Random(f"mutants/{layout}"), set()
    assert set(outcome(layout, root, faces)) == {""}, "healthy"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(-(-request.config.getoption("mutants") // len(LAYOUTS))):
        what, undo = mutate(root, draw)
        faulthandler.dump_traceback_later(SLOWEST, exit=True)
        started = time.monotonic()
        try:
            lines = outcome(layout, root, faces)
        except Exception as error:
            raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
        finally:
            faulthandler.cancel_dump_traceback_later()
        assert time.monotonic() - started < SLOWEST, what
        assert all("\n" not in line for line in lines), f"{what}: {lines}"
        reasons.update(lines)
        undo()
    assert len(reasons) > 5, "the damage reached the readers"
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    assert grown < GROWTH, f"{grown / 2**20:.0f} MiB more than before"
    assert not list(faces.rglob(".*.tmp"))
