"""How hard the drawn people are: F1 on unseen people of four recognisers, against the paper's, by difficulty.

uv run python tests/benchmarks/twin_difficulty.py --difficulty 0 0.5 1 1.5 2 --out out/difficulty

Draws a dataset in BP4D's layout for each difficulty, prepares its faces and trains on all labels in the
given folds, with the project's own readers, folds, batches, networks and scores, in one process. Writes
``table.md``, ``scores.json`` and, for more than one difficulty, ``curve.png`` (of the folds measured at every
one); what is in ``scores.json`` is not done again.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.stats import spearmanr

from au_core.aus import BP4D
from au_core.config import AdversarialConfig, ExperimentConfig, PreprocessConfig, SyntheticConfig, TrainConfig
from au_core.data.batches.sampling import Sampler
from au_core.data.faces import Faces, list_subjects
from au_core.data.files import read_json, write_json
from au_core.data.fold import Sources, TrainingSet, load_split, load_training_set
from au_core.data.readers import list_sequences
from au_core.data.synthetic.write import plan_sequences, write_sequence
from au_core.evaluation.metrics import auc_per_au, best_thresholds, f1_per_au
from au_core.evaluation.predict import predict_set
from au_core.face.prepare import prepare_sequence
from au_core.fold_plan import FoldPlan
from au_core.plans import plan_runs
from au_core.report.published import published_table
from au_core.training.adversarial import step
from au_core.training.game import decay, new_game

Probabilities = tuple[np.ndarray, np.ndarray]
"""Of the validation and of the test faces, ``[N, L]`` each; any monotone score will do."""


def experiment(steps: int) -> ExperimentConfig:
    """All labels, three folds, no discriminator; sized for two cores."""
    return ExperimentConfig(
        name="twin_difficulty",
        methods=("o_wlc",),
        adversarial=AdversarialConfig(alpha=0.0, m1=16, m2=16, steps=steps, lr_r=1e-3),
        train=TrainConfig(backbone="resnet10", input_size=96, precision="fp32", turn=8.0, zoom=0.1),
    )


def _draw(cfg: SyntheticConfig, data: Path, names: tuple[str, str]) -> None:
    cv2.setNumThreads(1)
    write_sequence(cfg, *names, data)


def _prepare(faces: Path, ref: object) -> None:
    cv2.setNumThreads(1)
    prepare_sequence(ref, None, PreprocessConfig(size=112), faces)  # type: ignore[arg-type]


def draw_faces(cfg: SyntheticConfig, folder: Path, workers: int) -> Path:
    """Shards of the faces of a drawn dataset."""
    data, faces = folder / "data", folder / "faces"
    if not (folder / "done").exists():
        # not forked: a child of a process whose torch has threads would wait for their locks
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            list(pool.map(partial(_draw, cfg, data), plan_sequences(cfg), chunksize=4))
            list(pool.map(partial(_prepare, faces), list_sequences("bp4d", data), chunksize=4))
        (folder / "done").touch()
    return faces


def always_one(train: Faces, val: Faces, test: Faces) -> Probabilities:
    """The constant answer "active": F1 = 2 r / (1 + r) at rate r."""
    return np.ones(val.labels.shape), np.ones(test.labels.shape)


def linear(features: Callable[[Faces], np.ndarray], train: Faces, val: Faces, test: Faces) -> Probabilities:
    """Ridge regression of every AU on ``features[N, F]``, its strength chosen on the validation people."""
    x, y = features(train), np.where(train.labels > 0, 1.0, -1.0) * (train.labels >= 0)
    mean, std = x.mean(0), x.std(0) + 1e-6
    x, v, t = ((z - mean) / std for z in (x, features(val), features(test)))
    gram, right = x.T @ x, x.T @ (y - y.mean(0))
    best: tuple[float, Probabilities] | None = None
    for strength in (0.1, 1.0, 10.0, 100.0):
        w = np.linalg.solve(gram + strength * len(x) * np.eye(len(gram), dtype=np.float32), right)
        prob = v @ w
        f1 = float(np.nanmean(f1_per_au(prob >= best_thresholds(prob, val.labels), val.labels)))
        if best is None or f1 > best[0]:
            best = f1, (prob, t @ w)
    assert best is not None
    return best[1]


def pixels(faces: Faces) -> np.ndarray:
    """``float32[N, 1024]``: grey values at 32 x 32, each face's mean and contrast taken out."""
    grey = faces.decode(np.arange(len(faces)), 32).mean(3).reshape(len(faces), -1).astype(np.float32)
    return (grey - grey.mean(1, keepdims=True)) / (grey.std(1, keepdims=True) + 1)


def hog(faces: Faces) -> np.ndarray:
    """``float32[N, 4356]``: histograms of oriented gradients of each face at 96 x 96."""
    grey = (faces.decode(np.array([i]), 96)[0].mean(2, dtype=np.float32) for i in range(len(faces)))
    return np.stack([_gradient_histograms(face) for face in grey])


def _gradient_histograms(grey: np.ndarray, cell: int = 8, bins: int = 9) -> np.ndarray:
    """Unsigned orientations in cells, each 2 x 2 block of cells normalised (Dalal & Triggs 2005)."""
    dx, dy = (cv2.Sobel(grey, cv2.CV_32F, *axis, ksize=1) for axis in ((1, 0), (0, 1)))
    place = (np.arctan2(dy, dx) % np.pi) / np.pi * bins
    low, part, size = place.astype(int) % bins, place % 1, np.hypot(dx, dy)
    n = len(grey) // cell
    votes = np.zeros((n, n, bins), np.float32)
    row, column = np.indices(grey.shape) // cell
    np.add.at(votes, (row, column, low), size * (1 - part))
    np.add.at(votes, (row, column, (low + 1) % bins), size * part)
    blocks = np.concatenate([votes[:-1, :-1], votes[:-1, 1:], votes[1:, :-1], votes[1:, 1:]], 2)
    return (blocks / (np.linalg.norm(blocks, axis=2, keepdims=True) + 1)).ravel()


def network(plan: FoldPlan, train: TrainingSet, val: Faces, test: Faces) -> Probabilities:
    """R of the project, trained by its own sampler and step; the last step's weights."""
    torch.manual_seed(0)
    cfg = plan.adversarial
    game = new_game(len(BP4D.aus), cfg, plan.train, torch.device("cpu"), lambda net: net)
    pool, size = ThreadPoolExecutor(2), plan.train.input_size
    draw = Sampler(train, cfg, plan.train, 0, pool=pool)
    for number in range(cfg.steps):
        decay(game, number / cfg.steps)
        step(game, draw, cfg)
    predict = partial(predict_set, game.bare_recognizer, size=size, pool=pool)
    return predict(val), predict(test)


Scores = dict[str, dict[str, float]]
"""Recogniser -> AU -> F1; ``AUC`` is its average over AUs."""


def recognisers(plan: FoldPlan, faces: Path) -> tuple[dict[str, Callable[[], Probabilities]], Faces, Faces]:
    """What is compared on one fold, and its validation and test faces."""
    data = load_training_set(plan, Sources(coded=faces))
    train, val, test = data.faces, load_split(plan, faces, "val"), load_split(plan, faces, "test")
    compared: dict[str, Callable[[], Probabilities]] = {
        "always 1": partial(always_one, train, val, test),
        "linear, pixels": partial(linear, pixels, train, val, test),
        "linear, HOG": partial(linear, hog, train, val, test),
        "network": partial(network, plan, data, val, test),
    }
    return compared, val, test


def measure(plan: FoldPlan, faces: Path) -> Scores:
    """Scores of each recogniser on one fold, thresholds from validation people."""
    scores: Scores = {}
    compared, val, test = recognisers(plan, faces)
    for name, recognise in compared.items():
        start = time.time()
        p_val, p_test = recognise()
        f1 = f1_per_au(p_test >= best_thresholds(p_val, val.labels), test.labels)
        auc = float(np.nanmean(auc_per_au(p_test, test.labels)))
        scores[name] = dict(zip(BP4D.columns, f1.tolist(), strict=True)) | {"AUC": auc}
        took = time.time() - start
        print(f"fold {plan.fold}, {name}: F1 {f1.mean():.3f}, AUC {auc:.3f} ({took:.0f} s)", flush=True)
    return scores


def mean_of(folds: dict[str, Scores]) -> Scores:
    """The average of each score over folds."""
    first = next(iter(folds.values()))
    return {
        name: {key: float(np.mean([fold[name][key] for fold in folds.values()])) for key in row}
        for name, row in first.items()
    }


def average_f1(row: dict[str, float]) -> float:
    """In percent, over AUs."""
    return 100 * float(np.mean([row[au] for au in BP4D.columns]))


def table(folds: dict[str, Scores]) -> str:
    """Markdown: a row for each AU, a column for each recogniser and the paper; averages and ranks below."""
    scores, paper = mean_of(folds), published_table("BP4D", "three_fold", "f1")["Ours"]
    columns = [np.array([row[au] for au in BP4D.columns]) * 100 for row in scores.values()]
    columns.append(np.array([paper[au] for au in BP4D.columns], float))
    lines = ["| F1 | " + " | ".join([*scores, "paper (BP4D)"]) + " |", "| --- " * (len(columns) + 1) + "|"]
    lines += [
        f"| {au} | " + " | ".join(f"{c[i]:.1f}" for c in columns) + " |" for i, au in enumerate(BP4D.columns)
    ]
    lines.append("| **average** | " + " | ".join(f"**{c.mean():.1f}**" for c in columns) + " |")
    for number, fold in folds.items():
        single = " | ".join(f"{average_f1(row):.1f}" for row in fold.values())
        lines.append(f"| average, fold {number} | {single} | |")
    ranks = [f"{spearmanr(c, columns[-1])[0]:.2f}" for c in columns]
    lines.append("| rank correlation with the paper | " + " | ".join(ranks) + " |")
    lines.append(
        "| average AUC | " + " | ".join(f"{100 * row['AUC']:.1f}" for row in scores.values()) + " | |"
    )
    return "\n".join(lines) + "\n"


def curve(scores: dict[str, dict[str, Scores]], path: Path) -> None:
    """Average F1 of each recogniser against difficulty, over the folds measured at every difficulty."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    x = sorted(scores, key=float)
    shared = sorted(set.intersection(*(set(folds) for folds in scores.values())))
    means = {d: mean_of({fold: scores[d][fold] for fold in shared}) for d in x}
    figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for name in means[x[0]]:
        axis.plot([*map(float, x)], [average_f1(means[d][name]) for d in x], marker="o", label=name)
    axis.axhspan(55, 70, color="0.92", zorder=0, label="aimed at, network at 1")
    title = f"Drawn people, unseen in training; fold{'s' * (len(shared) > 1)} {', '.join(shared)}"
    axis.set(xlabel="difficulty", ylabel="F1, average over 12 AUs", title=title)
    axis.legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, and write table and curve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--difficulty", type=float, nargs="+", default=[1.0])
    parser.add_argument("--out", type=Path, default=Path("out/difficulty"))
    parser.add_argument("--frames", type=int, default=24, help="frames of each of the 328 sequences")
    parser.add_argument("--folds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=2000, help="steps of each training, 32 faces each")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.workers)
    known, settings = args.out / "scores.json", {"steps": args.steps, "frames": args.frames}
    found = read_json(known) if known.exists() else {"settings": settings, "scores": {}}
    if found["settings"] != settings:
        parser.error(f"{known} is of {found['settings']}, asked for {settings}; choose another --out")
    scores = found["scores"]
    for difficulty in args.difficulty:
        folds = scores.setdefault(f"{difficulty:g}", {})
        for fold in sorted({*map(str, args.folds)} - set(folds)):
            cfg = replace(SyntheticConfig(frames=args.frames), difficulty=difficulty)
            faces = draw_faces(cfg, args.out / f"d={difficulty:g}", args.workers)
            plans = plan_runs(experiment(args.steps), list_subjects(faces), "")
            folds[fold] = measure(next(plan for plan in plans if str(plan.fold) == fold), faces)
            write_json(found, known)
        print(f"difficulty {difficulty:g}\n\n{table(folds)}")
    chosen = "1" if "1" in scores else f"{args.difficulty[0]:g}"
    (args.out / "table.md").write_text(table(scores[chosen]))
    if len(scores) > 1:
        curve(scores, args.out / "curve.png")


if __name__ == "__main__":
    main()
