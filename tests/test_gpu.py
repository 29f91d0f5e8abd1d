"""What differs on a GPU: pinned batches, losses awaited late, bfloat16. Skipped where there is none."""

import math
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch

from au_core.aus import BP4D
from au_core.config import AdversarialConfig, ScalingConfig, TrainConfig
from au_core.data.batches.sampling import Sampler
from au_core.data.faces import load_faces
from au_core.data.fold import TrainingSet
from au_core.errors import LossError
from au_core.methods import settings_of
from au_core.models.checkpoint import load_recognizer
from au_core.run_folder import read_history
from au_core.training.adversarial import step
from au_core.training.game import Game, new_game, seed
from tests.pipelines.toy_training import tiny_config
from tests.toy import write_toy_faces

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]
CFG = AdversarialConfig(m1=8, m2=8)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpu") / "faces"
    write_toy_faces(folder)
    return load_faces(folder, BP4D, [path.name.removeprefix("subject=") for path in folder.glob("subject=*")])


def sampler(faces, device: str, processes: int = 0) -> Sampler:
    labels = faces.labels.copy()
    labels[::2] = -1
    data, train = TrainingSet(faces, labels), TrainConfig(input_size=32)
    return Sampler(data, CFG, train, 0, device=device, processes=processes)


def game_on(device: str, precision: str = "fp32") -> Game:
    torch.manual_seed(0)
    train = TrainConfig(backbone="resnet10", input_size=32, precision=precision)
    return new_game(12, CFG, train, torch.device(device), lambda net: net.to(device))


@pytest.mark.parametrize("processes", [0, 2])
def test_batches_on_a_gpu_are_those_of_the_cpu(faces, processes):
    """While the GPU lags behind: a slot must not be filled again before it has been copied."""
    here, seen = sampler(faces, "cpu"), []
    with closing(sampler(faces, "cuda", processes)) as there:
        for _ in range(10):
            torch.cuda._sleep(10**8)
            seen.append((there.images()[0], there.real_labels(), *there.mixed()[:2]))
        if processes:
            assert there.streams["images"]._slots.pictures.is_pinned()
    for parts in seen:
        for a, b in zip((here.images()[0], here.real_labels(), *here.mixed()[:2]), parts, strict=True):
            assert b.is_cuda and torch.equal(a, b.cpu())


def test_a_step_on_a_gpu_is_that_of_the_cpu(faces):
    first = {}
    for device in ("cpu", "cuda"):
        losses = step(game_on(device), sampler(faces, device), CFG)
        first[device] = {name: loss.item() for name, loss in losses.items()}
    assert first["cuda"] == pytest.approx(first["cpu"], rel=1e-3, abs=1e-3)


def test_in_bfloat16_losses_fall(faces):
    game, draw = game_on("cuda", "auto"), sampler(faces, "cuda")
    assert game.bare_recognizer.bf16
    losses = [step(game, draw, CFG)["loss_sup"].item() for _ in range(60)]
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])


def test_a_loss_that_is_no_number_stops_before_the_weights_change(faces):
    game, draw = game_on("cuda"), sampler(faces, "cuda")
    with torch.no_grad():
        game.bare_recognizer.head.bias[0] = math.nan
    before = game.bare_recognizer.head.weight.clone()
    with pytest.raises(LossError):
        step(game, draw, settings_of("o_wlc", CFG))
    assert torch.equal(game.bare_recognizer.head.weight, before)


def test_a_seed_is_that_of_torch():
    seed(7, torch.device("cuda"))
    ours = torch.rand(3, device="cuda")
    torch.manual_seed(7)
    assert torch.equal(ours, torch.rand(3, device="cuda"))


def test_a_training_by_ray_takes_the_gpu(tmp_path):
    from pipelines.machinery.cluster import connect
    from pipelines.machinery.experiment import Experiment
    from pipelines.machinery.group import claim, train_folds

    connect()
    cfg = replace(tiny_config(steps=6, report_every=3), scaling=ScalingConfig(gpu=True))
    write_toy_faces(tmp_path / "faces")
    experiment = Experiment(cfg=cfg, out=tmp_path)
    plan = experiment.plans()[0]
    folder = experiment.folder(plan)
    claim(folder, plan)
    train_folds([(plan, folder)], experiment.sources)
    assert [line["step"] for line in read_history(folder.history)] == [3, 6]
    assert folder.predictions.exists() and load_recognizer(folder.model)
