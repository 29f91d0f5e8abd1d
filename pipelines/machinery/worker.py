"""What every worker runs: one plan after another, each trained if it is not, then predicted."""

import platform
import shutil
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any

import torch
from ray import train
from ray.train.torch import get_device, prepare_model

from au_core.data.batches.sampling import Sampler
from au_core.data.batches.shuffle import Share
from au_core.data.census import census, check_validation, unlearnable
from au_core.data.faces import are_drawn, jpeg_quality
from au_core.data.files import full_disk_named, is_of_a_moment, remove_leftovers_below, write_json
from au_core.data.fold import Sources, check_unchanged, load_split, load_training_set
from au_core.errors import AuError, DamagedError
from au_core.evaluation.predict import predict_run
from au_core.fold_plan import FoldPlan
from au_core.models.checkpoint import load_recognizer
from au_core.run_folder import RunFolder
from au_core.training.game import Game, new_game
from au_core.training.loop import Training
from au_core.training.workers import REPLICATED, agreed


def train_worker(config: dict[str, Any]) -> None:
    """Carry out plans one after another, each to its predictions; finished ones are passed over.

    A refusal (bad data, a loss that is no number) is written into the run's folder, to be told by the
    driver and not tried again; not by workers that others have taken over from, nor for a moment's disk.

    Args:
        config: ``jobs``, pairs of plan and run folder, the ``sources`` of faces, whether to ``predict`` the
            validation and test subjects, and the name of this ``group`` of workers.
    """
    for plan, folder in config["jobs"]:
        refused, predicted, trained = agreed(partial(_what_is_there, folder), f"files in {folder.path}")
        if refused or predicted:
            continue
        try:
            with full_disk_named(folder.path):
                _carry_out(plan, folder, trained, config)
        except AuError as error:
            if not is_of_a_moment(error):
                check_owner(folder, config["group"])
                write_json({"reason": str(error)}, folder.refusal)
            raise
        except Exception as error:
            error.add_note(traceback.format_exc())  # for the driver: the trace itself does not travel
            raise


def _what_is_there(folder: RunFolder) -> tuple[bool, bool, bool]:
    return folder.refusal.exists(), folder.predictions.exists(), folder.model.exists()


def _carry_out(plan: FoldPlan, folder: RunFolder, trained: bool, config: dict[str, Any]) -> None:
    """Train if that is not done, then predict; what a killed worker left half-written is swept away."""
    sources: Sources = config["sources"]
    first = train.get_context().get_world_rank() == 0
    check_owner(folder, config["group"])
    if first:
        remove_leftovers_below(folder.path)
    if not trained:
        check_unchanged(plan, sources)
        if config["predict"]:
            for split in plan.splits[-1:]:
                load_split(plan, sources.coded, split)  # no face there: refused now, not after hours
        _train(plan, folder, sources, config["group"])
    if first:
        check_model(folder)
        shutil.rmtree(folder.checkpoints, ignore_errors=True)
        if config["predict"]:
            predict_run(plan, folder, sources.coded, device())
    while config["predict"] and not folder.predictions.exists():
        check_owner(folder, config["group"])
        time.sleep(1)  # in the next training's first collective, workers would not wait for hours


def check_owner(folder: RunFolder, group: str) -> None:
    """End these workers if their driver was killed and its command runs again."""
    if not folder.is_owned_by(group):
        raise RuntimeError(f"{folder.path}: other workers have taken over")


def check_model(folder: RunFolder) -> None:
    """Remove R if its file is damaged: a later user could not tell, and nothing else holds the best one.

    Raises:
        RuntimeError: it was; workers that begin again will train it.
        CheckpointError: it cannot be read now, or is of another version; it stays.
    """
    try:
        load_recognizer(folder.model)
    except DamagedError as error:
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
    wrap = partial(prepare_model, parallel_strategy_kwargs=REPLICATED)
    game = new_game(len(plan.spec.aus), plan.adversarial, plan.train, device(), wrap)
    check = partial(check_owner, folder, group)
    with (
        ThreadPoolExecutor(plan.scaling.cpus_per_worker) as pool,
        closing(_sampler(plan, sources, pool)) as draw,
    ):
        validation = draw.faces[:0]
        if "val" in plan.splits:
            validation = check_validation(load_split(plan, sources.coded, "val"))
        counts = census(draw.faces, draw.labels, plan.spec.columns, draw.draws_t2)
        if draw.share.rank == 0:
            write_json(counts, folder.training_set)
            write_json(machine_of(game), folder.machine)
        Training(
            plan=plan, folder=folder, game=game, draw=draw, validation=validation, pool=pool,
            unlearned=unlearnable(counts), synthetic=are_drawn(sources.coded),
            jpeg_quality=jpeg_quality(sources.coded), check=check,
        ).run()  # fmt: skip


def machine_of(game: Game) -> dict[str, str]:
    """``machine.json``: what computes R, and in which arithmetic."""
    cpu = str(torch.cpu.get_capabilities().get("cpu_name") or platform.processor() or platform.machine())
    name = torch.cuda.get_device_name() if device().type == "cuda" else cpu
    return {"device": name, "precision": "bf16" if game.bare_recognizer.bf16 else "fp32"}


def _sampler(plan: FoldPlan, sources: Sources, pool: ThreadPoolExecutor) -> Sampler:
    """This worker's draws, decoded by threads, or by processes where a GPU computes."""
    context, scaling = train.get_context(), plan.scaling
    return Sampler(
        load_training_set(plan, sources),
        plan.adversarial,
        plan.train,
        plan.seed,
        share=Share(context.get_world_rank(), context.get_world_size()),
        device=device(),
        pool=pool,
        processes=scaling.decoders,
        ahead=scaling.ahead,
    )
