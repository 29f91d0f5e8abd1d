import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from au_core import aus
from au_core.config import SyntheticConfig
from au_core.data.layouts.bp4d import read_landmarks, read_occurrence
from au_core.data.layouts.disfa import read_intensities
from au_core.data.protocols import split_subjects
from au_core.data.synthetic.expression import AUS
from au_core.data.synthetic.film import TRACKING, play, tracked
from au_core.data.synthetic.geometry import Pose
from au_core.data.synthetic.person import MEAN_FACE
from au_core.data.synthetic.write import is_written, plan_sequences, write_sequence

BP4D = SyntheticConfig(layout="bp4d", subjects=6, sequences=3, frames=5)
CODED = aus.BP4D.aus
DISFA = SyntheticConfig(layout="disfa", subjects=6, sequences=1, frames=5)


def digests(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


@pytest.mark.parametrize("cfg", [BP4D, DISFA], ids=["bp4d", "disfa"])
def test_same_seed_same_bytes_in_any_order(cfg, tmp_path):
    names = plan_sequences(cfg)[:2]
    for folder, order in (("a", names), ("b", names[::-1])):
        for subject, sequence in order:
            write_sequence(cfg, subject, sequence, tmp_path / folder)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert all(is_written(cfg, *name, tmp_path / "a") for name in names)
    assert not is_written(cfg, *plan_sequences(cfg)[2], tmp_path / "a")


def test_bp4d_has_the_real_layout(tmp_path):
    write_sequence(BP4D, "F001", "T3", tmp_path)
    header = (tmp_path / "AUCoding/AU_OCC/F001_T3.csv").read_text().splitlines()[0]
    assert header == ",".join(map(str, range(65)))
    frames, codes = read_occurrence(tmp_path / "AUCoding/AU_OCC/F001_T3.csv")
    assert frames.tolist() == [1, 2, 3, 4, 5], "T3 starts at frame 1"
    assert sorted(path.name for path in (tmp_path / "F001/T3").iterdir()) == [f"{i}.jpg" for i in range(1, 6)]
    truth = play(BP4D, "F001", "T3").codes >= 2
    for au in CODED:
        known = codes[:, AUS.index(au)] >= 0
        np.testing.assert_array_equal(codes[known, AUS.index(au)], truth[known, AUS.index(au)])
    assert (codes[:, [AUS.index(au) for au in AUS if au not in CODED]] == -1).all()
    points = read_landmarks(tmp_path / "2DFeatures/F001_T3.mat")
    assert points.shape == (5, 4, 2)
    assert (points[:, 0, 0] < points[:, 1, 0]).all() and (points[:, 2, 1] > points[:, 0, 1] + 30).all()


def test_disfa_has_the_real_layout(tmp_path):
    write_sequence(DISFA, "SN001", "left", tmp_path)
    capture = cv2.VideoCapture(str(tmp_path / "Videos_LeftCamera/LeftVideoSN001_comp.avi"))
    assert sum(capture.read()[0] for _ in range(10)) == 5
    truth = play(DISFA, "SN001", "left").codes
    for au in (1, 12, 26):
        codes = read_intensities(tmp_path / f"ActionUnit_Labels/SN001/SN001_au{au}.txt")
        np.testing.assert_array_equal(codes, truth[:, AUS.index(au)])
    assert len(list((tmp_path / "Landmark_Points/SN001/tmp_frame_lm").glob("SN001_000?_lm.mat"))) == 5


@pytest.mark.parametrize("n", [6, 12, 41])
def test_every_fold_has_people(n):
    subjects = sorted({subject for subject, _ in plan_sequences(SyntheticConfig(subjects=n))})
    assert len(subjects) == n
    assert len(split_subjects("three_fold", "BP4D", subjects, 0.15)) == 3


def test_written_landmarks_are_a_trackers(rng):
    true = np.tile(draw_points(), (400, 1, 1))
    np.testing.assert_array_equal(tracked(rng, true, 0.0), true)
    off = (tracked(rng, true, 1.0) - true).mean(1) / 50
    assert 0.7 < off.std() / TRACKING < 1.3
    assert np.abs(np.diff(off, axis=0)).mean() < TRACKING / 2, "it drifts, it does not jump"


def draw_points() -> np.ndarray:
    return Pose(eye_distance=50.0).project(MEAN_FACE)[:66]
