"""The twin on disk, in the layouts of BP4D and DISFA, so that the real readers read it unchanged."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
from scipy.io import savemat

from au_core.aus import BP4D
from au_core.config import SyntheticConfig
from au_core.data.facts import load_facts
from au_core.data.files import whole, write_text
from au_core.data.layouts import disfa
from au_core.data.synthetic.expression import AUS
from au_core.data.synthetic.film import film, play, tracked
from au_core.data.synthetic.scene import SIZE

NOT_CODED = 0.003
"""Share of single BP4D codes that are 9, as where an annotator could not see."""
FPS = 20
QUALITY = (94, 76, 40)
"""Highest JPEG quality of a sequence, the lowest at difficulty 1, and the lowest of all."""


def plan_sequences(cfg: SyntheticConfig) -> list[tuple[str, str]]:
    """(subject, sequence) of all there is to draw; the subjects are spread over the three parts."""
    parts = load_facts("folds")[cfg.dataset]["three_fold"]["parts"]
    columns = [sorted(parts[f"part{k}"]) for k in (1, 2, 3)]
    mixed = [part[i] for i in range(max(map(len, columns))) for part in columns if i < len(part)]
    sequences = [f"T{k}" for k in range(1, cfg.sequences + 1)] if cfg.layout == "bp4d" else ["left"]
    return [(subject, sequence) for subject in sorted(mixed[: cfg.subjects]) for sequence in sequences]


def is_written(cfg: SyntheticConfig, subject: str, sequence: str, root: Path) -> bool:
    """Whether a sequence is complete: its label file is written last."""
    return _label_path(cfg, subject, sequence, root).exists()


def _label_path(cfg: SyntheticConfig, subject: str, sequence: str, root: Path) -> Path:
    if cfg.layout == "bp4d":
        return root / "AUCoding" / "AU_OCC" / f"{subject}_{sequence}.csv"
    return root / "ActionUnit_Labels" / subject / f"{subject}_au{disfa.AUS[-1]}.txt"


def write_sequence(cfg: SyntheticConfig, subject: str, sequence: str, root: Path) -> None:
    """Draw one sequence below ``root``: pictures or video, landmarks, and labels last.

    A function of its arguments alone: the same bytes in any order, from any number of workers.
    """
    played = play(cfg, subject, sequence)
    write = _write_bp4d if cfg.layout == "bp4d" else _write_disfa
    write(cfg, subject, sequence, root, film(cfg, subject, sequence, played.shown), played.codes)


def _write_bp4d(
    cfg: SyntheticConfig, subject: str, task: str, root: Path, frames: Iterator[Any], codes: np.ndarray
) -> None:
    """``F001/T1/2440.jpg``, ``2DFeatures/F001_T1.mat``, ``AUCoding/AU_OCC/F001_T1.csv``."""
    rng = np.random.default_rng([cfg.seed, 4, *f"{subject}/{task}".encode()])
    first = 1 if task == "T3" else int(rng.integers(1, 3000))
    text = _occurrence_csv(first, codes, rng)
    quality = int(
        rng.uniform(max(QUALITY[0] - (QUALITY[0] - QUALITY[1]) * cfg.difficulty, QUALITY[2]), QUALITY[0])
    )
    folder, points = root / subject / task, []
    folder.mkdir(parents=True, exist_ok=True)
    for number, (image, landmarks) in enumerate(frames, start=first):
        cv2.imwrite(str(folder / f"{number}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        points.append(landmarks)
    written = tracked(rng, np.array(points), cfg.difficulty)[:, 17:]
    with whole(root / "2DFeatures" / f"{subject}_{task}.mat") as temporary:
        _write_v73(temporary, written)
    write_text(text, _label_path(cfg, subject, task, root))


def _occurrence_csv(first: int, codes: np.ndarray, rng: np.random.Generator) -> str:
    """A column for every number from 0 (the frame) to 64; 9 where an AU is not coded."""
    table = np.full((len(codes), 65), 9)
    table[:, 0] = np.arange(first, first + len(codes))
    columns = [AUS.index(au) for au in BP4D.aus]
    table[:, list(BP4D.aus)] = np.where(
        rng.random((len(codes), len(columns))) < NOT_CODED, 9, codes[:, columns] >= 2
    )
    lines = [",".join(map(str, row)) for row in [range(65), *table.tolist()]]
    return "\n".join(lines) + "\n"


def _write_v73(path: Path, points: np.ndarray) -> None:
    """A MATLAB v7.3 file as BP4D has it: ``fit/pred`` refers to one 2 x 49 array a frame, counted from 1."""
    with h5py.File(path, "w", track_order=False) as file:
        references = [
            file.create_dataset(f"#refs#/p{i:05}", data=(p + 1).T).ref for i, p in enumerate(points)
        ]
        file.create_dataset("fit/pred", data=np.array(references, dtype=h5py.ref_dtype)[:, None])


def _v5(points: np.ndarray) -> bytes:
    """A MATLAB v5 file as DISFA has it, without the time of day that SciPy writes into its header."""
    memory = BytesIO()
    savemat(memory, {"pts": points})
    return b"MATLAB 5.0 MAT-file".ljust(116) + memory.getvalue()[116:]


def _write_disfa(
    cfg: SyntheticConfig, subject: str, camera: str, root: Path, frames: Iterator[Any], codes: np.ndarray
) -> None:
    """``LeftVideoSN001_comp.avi``, ``SN001_0000_lm.mat``, ``SN001_au1.txt``."""
    films, marks = root / "Videos_LeftCamera", root / "Landmark_Points" / subject / "tmp_frame_lm"
    films.mkdir(parents=True, exist_ok=True)
    marks.mkdir(parents=True, exist_ok=True)
    temporary = films / f".{subject}.avi"
    writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (SIZE, SIZE))
    points = []
    for image, landmarks in frames:
        writer.write(image)
        points.append(landmarks)
    writer.release()
    rng = np.random.default_rng([cfg.seed, 4, *f"{subject}/{camera}".encode()])
    for number, written in enumerate(tracked(rng, np.array(points), cfg.difficulty)):
        (marks / f"{subject}_{number:04}_lm.mat").write_bytes(_v5(written))
    temporary.replace(films / f"LeftVideo{subject}_comp.avi")
    for au in disfa.AUS:
        text = "".join(f"{i},{code}\n" for i, code in enumerate(codes[:, AUS.index(au)], start=1))
        write_text(text, root / "ActionUnit_Labels" / subject / f"{subject}_au{au}.txt")
