"""What every worker of one training runs: plan, networks, data, then Algorithm 1 with reports in between."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from ray import train
from ray.train.torch import get_device, prepare_model

from au_core.config import AdversarialConfig
from au_core.data.faces import Faces
from au_core.data.files import full_disk_named, read_json, sweep_below, write_json
from au_core.data.fold import Sources, load_split, load_training_set
from au_core.data.layout import RunFolder
from au_core.data.sampling import Sampler, seeded
from au_core.errors import AuError, CheckpointError, LossError
from au_core.evaluation.metrics import accuracy_per_au, average, best_thresholds, f1_per_au
from au_core.evaluation.predict import predict_run, predict_set
from au_core.fold_plan import FoldPlan
from au_core.methods import build_method
from au_core.methods.base import DeepMethod
from au_core.models.checkpoint import ModelCard, load_recognizer, save_recognizer
from au_core.models.recognizer import Recognizer
from au_core.training.game import Game, decay
from au_core.training.state import History, restore, save_state


def train_worker(config: dict[str, Any]) -> None:
    """Carry out plans one after another, each to its predictions; finished ones are passed over.

    A refusal (bad data, a loss that is no number) is written into the run's folder, to be told by the
    driver and not tried again.

    Args:
        config: ``jobs``, a list of (plan as a dict, run folder), the ``sources`` of faces as a dict, and
            whether to ``predict`` the validation and test subjects, and the ``group`` of these workers.
    """
    sources = Sources.from_dict(config["sources"])
    for values, path in config["jobs"]:
        plan, folder = FoldPlan.from_dict(values), RunFolder(Path(path))
        if folder.refusal.exists() or folder.predictions.exists():
            continue
        try:
            with full_disk_named(folder.path):
                _carry_out(plan, folder, sources, config)
        except AuError as error:
            write_json({"reason": str(error)}, folder.refusal)
            raise


def _carry_out(plan: FoldPlan, folder: RunFolder, sources: Sources, config: dict[str, Any]) -> None:
    """Train if that is not done, then predict; what a killed worker left half-written is swept away."""
    first = train.get_context().get_world_rank() == 0
    check_owner(folder, config["group"])
    if first:
        sweep_below(folder.path)
    if not folder.model.exists():
        _train(plan, folder, sources, config["group"])
    if first:
        _check_model(folder)
        shutil.rmtree(folder.checkpoints, ignore_errors=True)
        if config["predict"]:
            predict_run(plan, folder, sources.coded, device())


def check_owner(folder: RunFolder, group: str) -> None:
    """End these workers if their driver was killed and its command runs again."""
    if not folder.owner.exists() or read_json(folder.owner) != group:
        raise RuntimeError(f"{folder.path}: other workers have taken over")


def _check_model(folder: RunFolder) -> None:
    """Train again if R's file is damaged: a later user could not tell, and nothing else holds the best R."""
    try:
        load_recognizer(folder.model)
    except CheckpointError as error:
        for path in (folder.checkpoints, folder.model):
            shutil.rmtree(path, ignore_errors=True)
        raise RuntimeError(f"{error}; training again") from error


def device() -> torch.device:
    """The one device of this worker."""
    found = get_device()
    assert isinstance(found, torch.device)
    return found


def _train(plan: FoldPlan, folder: RunFolder, sources: Sources, group: str) -> None:
    torch.set_num_threads(plan.scaling.cpus_per_worker)
    torch.manual_seed(plan.seed)
    method = build_method(plan.method, plan.adversarial)
    game = method.build(len(plan.spec.aus), plan.train, device(), prepare_model)
    with (
        ThreadPoolExecutor(plan.scaling.cpus_per_worker) as pool,
        closing(_sampler(plan, method.cfg, sources, pool)) as draw,
    ):
        _play(plan, method, game, draw, load_split(plan, sources.coded, "val"), pool, folder, group)


def _sampler(plan: FoldPlan, cfg: AdversarialConfig, sources: Sources, pool: ThreadPoolExecutor) -> Sampler:
    """This worker's draws, decoded by threads, or by processes where a GPU computes."""
    rank, world = train.get_context().get_world_rank(), train.get_context().get_world_size()
    data, scaling = load_training_set(plan, sources), plan.scaling
    return Sampler(
        data.faces, data.labels, cfg, size=plan.train.input_size, seed=plan.seed, prior=data.prior,
        augment=plan.train.augment, turn=plan.train.turn, zoom=plan.train.zoom, rank=rank, world=world,
        device=device(), pool=pool, processes=scaling.decoders, ahead=scaling.ahead,
    )  # fmt: skip


def _play(
    plan: FoldPlan,
    method: DeepMethod,
    game: Game,
    draw: Sampler,
    validation: Faces,
    pool: ThreadPoolExecutor,
    folder: RunFolder,
    group: str,
) -> None:
    """All steps from the last checkpoint on, with their reports."""
    rank, world = train.get_context().get_world_rank(), train.get_context().get_world_size()
    step, best = restore(game, folder.checkpoints)
    if len(set(map(int, _gathered(np.array(step), world)))) > 1:
        raise RuntimeError("workers read different checkpoints: a shared disk can lag, all start again")
    draw.seek(step)
    history = History(folder.history, step) if rank == 0 else None
    while step < method.cfg.steps:
        step += 1
        # Dropout's randomness depends on the step alone, so that a resumed training goes on exactly.
        torch.manual_seed(int(seeded(plan.seed, f"step/{rank}", step).integers(2**63)))
        if plan.train.decay:
            decay(game, (step - 1) / method.cfg.steps)
        try:
            losses = method.step(game, draw)
        except LossError as error:
            batch = draw.drawn["real" if error.player == "D" else "mixed"]
            raise AuError(f"step {step}, batch {batch} of {error.player}: {error}") from error
        if history:
            history.add(losses, method.cfg.m * method.cfg.h_r)
        if step % plan.train.report_every == 0 or step == method.cfg.steps:
            scores = _validate(game.bare_recognizer, validation, plan, pool)
            scores |= method.watch(game, validation.labels)
            if history:
                check_owner(folder, group)
                history.write(step, scores)
                best = _keep_best(game, plan, step, scores["val/f1_avg"], best, folder)
                save_state(game, step, best, folder.checkpoints)
                history.resume()
            train.report({"step": step, **scores})
    if rank == 0 and not folder.model.exists():
        check_owner(folder, group)
        folder.candidate.rename(folder.model)


def _validate(
    recognizer: Recognizer, faces: Faces, plan: FoldPlan, pool: ThreadPoolExecutor
) -> dict[str, float]:
    """Scores on the validation subjects at thresholds chosen on them; each worker predicts a share."""
    rank, world = train.get_context().get_world_rank(), train.get_context().get_world_size()
    prob = np.empty((len(faces), len(plan.spec.aus)), np.float32)
    own = predict_set(recognizer, faces.share(rank, world), plan.train.input_size, pool)
    for start, part in enumerate(_gathered(own, world)):
        prob[start::world] = part
    pred = prob >= best_thresholds(prob, faces.labels)
    f1, accuracy = (average(score(pred, faces.labels)) or 0.0 for score in (f1_per_au, accuracy_per_au))
    spread = float(prob.std(axis=0).mean())
    return {"val/f1_avg": f1, "val/accuracy_avg": accuracy, "val/prob_std": spread}


def _gathered(part: np.ndarray, world: int) -> list[np.ndarray]:
    """Every worker's ``part``, in the order of ranks."""
    if world == 1:
        return [part]
    parts: list[Any] = [None] * world
    dist.all_gather_object(parts, part)
    return parts


def _keep_best(game: Game, plan: FoldPlan, step: int, score: float, best: float, folder: RunFolder) -> float:
    """Save R as the candidate if its validation score is the highest so far; returns the highest."""
    if score > best:
        card = ModelCard(
            backbone=plan.train.backbone, spec=plan.spec, input_size=plan.train.input_size, step=step
        )
        save_recognizer(game.bare_recognizer, card, folder.candidate)
    return max(score, best)
