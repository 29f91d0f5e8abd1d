"""Every option reaches the game: with any of them the same two steps lead elsewhere."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from au_core.aus import BP4D, UNKNOWN
from au_core.config import AdversarialConfig, TrainConfig
from au_core.data.batches.sampling import Sampler
from au_core.data.faces import load_faces
from au_core.data.fold import TrainingSet
from au_core.models.recognizer import build_backbone
from au_core.training.adversarial import step
from au_core.training.game import new_game
from au_core.training.workers import SharedBatchNorm
from tests.toy import PEOPLE, write_toy_faces

CFG = AdversarialConfig(m1=8, m2=8, alpha=0.1)
STILL = replace(CFG, lr_r=1e-12, lr_d=1e-12)
"""Both players stay as they are, so that what one of them does not show in the other's loss."""
TRAIN = TrainConfig(backbone="resnet10", input_size=32, precision="fp32", augment=False)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> TrainingSet:
    faces = load_faces(write_toy_faces(tmp_path_factory.mktemp("faces")), BP4D, PEOPLE)
    labels = np.where(np.arange(len(faces))[:, None] % 2 == 0, faces.labels, UNKNOWN)
    return TrainingSet(faces, labels)


def losses_of(data: TrainingSet, cfg: AdversarialConfig, n: int = 1) -> dict[str, float]:
    """Of the last of ``n`` steps."""
    torch.manual_seed(0)
    game, draw = new_game(len(BP4D.aus), cfg, TRAIN, CPU), Sampler(data, cfg, TRAIN, 0)
    for _ in range(n):
        losses = step(game, draw, cfg)
    return {name: loss.item() for name, loss in losses.items()}


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"label_smoothing": 0.3}, {"loss_d"}),
        ({"noise": 0.5}, {"loss_d", "loss_adv", "loss_r"}),
        ({"spectral": True}, {"loss_d", "loss_adv", "loss_r"}),
        ({"hidden": 8}, {"loss_d", "loss_adv", "loss_r"}),
        ({"relaxed": 0.5}, {"loss_d", "loss_adv", "loss_r"}),
        ({"relaxed": 0.5, "hard": True}, {"loss_d", "loss_adv", "loss_r"}),
        ({"class_weighted": True}, {"loss_sup", "loss_r"}),
        ({"reuse_batch": True}, {"loss_d"}),
        ({"alpha": 0.2}, {"loss_r"}),
    ],
)
def test_an_option_changes_the_losses_that_it_is_of(data, options, changed, one_thread):
    plain, other = losses_of(data, STILL), losses_of(data, replace(STILL, **options))
    assert losses_of(data, STILL) == plain, "chance has no part in it"
    losses = {name for name in plain if name.startswith("loss")}
    assert {name for name in losses if abs(plain[name] - other[name]) > 1e-4} == changed


@pytest.mark.parametrize("option", [{"lr_r": 1e-2}, {"lr_d": 1e-2}, {"h_r": 2}, {"h_d": 2}])
def test_rates_and_numbers_of_updates_change_the_next_step(data, option, one_thread):
    plain, other = losses_of(data, CFG, n=2), losses_of(data, replace(CFG, **option), n=2)
    assert abs(plain["loss_r"] - other["loss_r"]) > 1e-4


def weights_after_a_step(data: TrainingSet, cfg: AdversarialConfig, adam: bool = False) -> dict[str, Any]:
    torch.manual_seed(0)
    game = new_game(len(BP4D.aus), cfg, TRAIN, CPU)
    if adam:
        game = replace(game, opt_r=torch.optim.Adam(game.recognizer.parameters(), cfg.lr_r, fused=True))
    step(game, Sampler(data, cfg, TRAIN, 0), cfg)
    return {"R": dict(game.recognizer.named_parameters()), "D": dict(game.discriminator.named_parameters())}


def test_weights_decay_apart_from_the_gradients_and_those_of_r_alone(data, one_thread):
    """AdamW: Adam's step, and lr times weight_decay of what each weight was; Adam's alone where it is 0."""
    cfg = replace(CFG, lr_r=1e-2)
    plain, adam = weights_after_a_step(data, cfg), weights_after_a_step(data, cfg, adam=True)
    torch.testing.assert_close(plain, adam, rtol=0, atol=0)
    torch.manual_seed(0)
    start = dict(new_game(len(BP4D.aus), cfg, TRAIN, CPU).recognizer.named_parameters())
    decayed = weights_after_a_step(data, replace(cfg, weight_decay=0.5))
    expected = {name: plain["R"][name] - 1e-2 * 0.5 * start[name] for name in start}
    torch.testing.assert_close(decayed, {"R": expected, "D": plain["D"]})


def test_vectors_of_a_label_prior_are_what_d_learns_from(data, one_thread):
    prior = np.ones((32, len(BP4D.aus)), np.int8)
    cfg = replace(STILL, prior_share=1.0)
    assert losses_of(replace(data, prior=prior), cfg)["loss_d"] != losses_of(data, cfg)["loss_d"]


def test_a_game_begins_with_the_weights_and_the_norms_that_were_asked_for(tmp_path):
    torch.manual_seed(1)
    state = build_backbone("resnet10")[0].state_dict()
    save_file(
        {**state, "fc.weight": torch.zeros(5, 512), "fc.bias": torch.zeros(5)}, tmp_path / "w.safetensors"
    )
    train = replace(TRAIN, weights=str(tmp_path / "w.safetensors"), sync_batch_norm=True)
    recognizer = new_game(4, CFG, train, CPU).bare_recognizer
    torch.testing.assert_close(recognizer.backbone.state_dict(), state, rtol=0, atol=0)
    norms = [
        layer for layer in recognizer.modules() if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)
    ]
    assert norms and all(isinstance(norm, SharedBatchNorm) for norm in norms)


@pytest.fixture(params=["cpu", "cuda"])
def around(request) -> Iterator[tuple[torch.device, list[Any]]]:
    """A device, and its switches, which a program around has set to TF32."""
    backends = torch.backends
    switches = {
        "cpu": [backends.mkldnn.matmul, backends.mkldnn.conv],
        "cuda": [backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn],
    }[request.param]
    before = [switch.fp32_precision for switch in switches]
    for switch in switches:
        switch.fp32_precision = "tf32"
    yield torch.device(request.param), switches
    for switch, precision in zip(switches, before, strict=True):
        switch.fp32_precision = precision


@pytest.mark.parametrize(("precision", "faster", "bf16"), [
    ("fp32", True, False), ("bf16", False, True), ("auto", True, True), ("auto", False, False),
])  # fmt: skip
def test_r_computes_in_the_precision_that_was_asked_for(monkeypatch, around, precision, faster, bf16):
    monkeypatch.setattr("au_core.training.game.computes_in_bf16", lambda device: faster)
    device, switches = around
    game = new_game(4, CFG, replace(TRAIN, precision=precision), device)
    assert game.bare_recognizer.bf16 is bf16
    assert {switch.fp32_precision for switch in switches} == {"tf32" if bf16 else "ieee"}
