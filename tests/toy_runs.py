"""Run folders as training and evaluation leave them, with chosen scores and no model."""

import json
from dataclasses import asdict
from pathlib import Path

from au_core.aus import BP4D
from au_core.config import AdversarialConfig, ExperimentConfig, ScalingConfig, TrainConfig
from au_core.data.files import read_json, write_json
from au_core.fold_plan import FoldPlan
from au_core.run_folder import RunFolder, run_folders


def write_run(
    out: Path, method: str, rate: float, fold: int, seed: int, f1: float | None, **adversarial
) -> RunFolder:
    """One training whose every AU scored ``f1`` (0.1 more test-selected) for each of two people.

    Unfinished where it is None.
    """
    plan = FoldPlan(
        method=method, missing_rate=rate, fold=fold, seed=seed, spec=BP4D,
        train_subjects=("F001", "F002"), val_subjects=("F003",), test_subjects=("M001",), faces="0",
        adversarial=AdversarialConfig(**{"alpha": 0.0 if method == "o_wlc" else 0.01, **adversarial}),
        train=TrainConfig(), scaling=ScalingConfig(),
    )  # fmt: skip
    folder = RunFolder(out / "runs" / plan.run)
    write_json({"digest": plan.digest, "plan": asdict(plan), "versions": {}}, folder.config)
    lines = [{"step": k, "seconds": k, "train/loss_r": 9 / k, "val/f1_avg": 0.1 * k} for k in (1, 2, 3)]
    of_d = {"train/loss_adv": 0.7, "train/d_real": 0.9, "train/d_fake": 0.6}
    more = [{**of_d, "train/adv_to_sup": 0.7 / line["train/loss_r"]} for line in lines]
    folder.history.write_text("".join(json.dumps(a | b) + "\n" for a, b in zip(lines, more, strict=True)))
    counts = dict.fromkeys(BP4D.columns, 9)
    head = {"faces": 40, "labelled": 20, "labelled_share": 0.5, "unlabelled_drawn": True}
    head["people"] = {"BP4D": list(plan.train_subjects)}
    write_json({**head, "known": counts, "present": dict.fromkeys(BP4D.columns, 4)}, folder.training_set)
    write_json({"device": "a processor", "precision": "fp32"}, folder.machine)
    if f1 is not None:
        names = {"method": method, "missing_rate": rate, "fold": fold, "seed": seed}
        write_json({**names, **_scores(f1)}, folder.scores)
    return folder


def _scores(f1: float) -> dict:
    columns = BP4D.columns

    def part(value: float) -> dict:
        averages = {"f1_avg": value, "auc_avg": 0.75, "accuracy_avg": 0.8}
        undefined = dict.fromkeys(columns[-1:])
        return averages | {
            key[:-4]: dict.fromkeys(columns, number) | undefined for key, number in averages.items()
        }

    parts = {
        "val": part(f1),
        "test": part(f1),
        "test_selected": part(f1 + 0.1),
        "test_at_half": part(f1 - 0.1),
        "always_1": part(0.3),
    }
    rates = dict.fromkeys(columns, 0.2) | dict.fromkeys(columns[-1:])
    parts["distributions"] = {
        "marginal_true": rates,
        "marginal": {au: rate and rate + f1 / 10 for au, rate in rates.items()},
        "marginal_avg": f1 / 10,
        "conditional": [[f1 / 5 if i != j else 0.0 for j in range(12)] for i in range(11)] + [[None] * 12],
        "conditional_avg": f1 / 6,
    }
    parts["distributions_soft"] = {
        "marginal_true": rates,
        "marginal": {au: rate and rate + f1 / 20 for au, rate in rates.items()},
        "marginal_avg": f1 / 20,
        "conditional": [[f1 / 10 if i != j else 0.0 for j in range(12)] for i in range(11)] + [[None] * 12],
        "conditional_avg": f1 / 12,
    }
    counts = {"tp": round(100 * f1), "fp": 100 - round(100 * f1), "fn": 100 - round(100 * f1)}
    person = {name: [n] * 11 + [0] for name, n in counts.items()}
    parts["people"] = {"M001": person, "M002": person}
    head = {"dataset": "BP4D", "aus": list(columns), "frames": {"val": 10, "test": 20}}
    return {**head, "thresholds": dict.fromkeys(columns, 0.5), **parts}


def change_plans(out: Path, **settings: object) -> None:
    """Let the trainings below ``out`` have had other settings."""
    for folder in run_folders(out):
        config = read_json(folder.config)
        config["plan"] |= settings
        write_json(config, folder.config)


def write_experiment(out: Path, data: str = "synthetic", protocol: str = "three_fold") -> None:
    """``experiment.json`` of a recipe called toy."""
    config = asdict(ExperimentConfig(name="toy", protocol=protocol))
    words = {"recipe": "toy", "data": data, "drawn": data == "synthetic", "config": config}
    write_json(words, out / "experiment.json")


def write_protocol(out: Path, rates: tuple[float, ...] = (0.5,), data: str = "synthetic") -> None:
    """Three folds of ours and O-wlc; ours is 2, 3 and 4 points better in F1."""
    write_experiment(out, data)
    for rate in rates:
        for fold in (1, 2, 3):
            write_run(out, "o_wlc", rate, fold, 0, 0.5)
            write_run(out, "ours", rate, fold, 0, 0.51 + fold / 100)
