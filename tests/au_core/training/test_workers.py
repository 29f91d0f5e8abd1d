"""Two workers on shards of a batch against one worker on the whole: weights after a step, in float64."""

import copy
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from au_core.config import AdversarialConfig
from au_core.errors import LossError
from au_core.training.adversarial import adversarial_step, shared_step
from au_core.training.game import Game, bare, descend
from au_core.training.history import History
from au_core.training.losses import adversarial_loss, recognizer_loss, supervised_loss
from au_core.training.workers import (
    REPLICATED,
    SharedBatchNorm,
    agreed,
    gathered,
    share_statistics,
    synchronised,
)
from tests.au_core.training.slow import Draws, new_game

CFG = AdversarialConfig(alpha=0.3)
CASES = {
    "plain": dict(norm=False),
    "shared batch": dict(norm=False, step="shared"),
    "mixed sets": dict(norm=False, kind="mixed sets"),
    "all labels on one worker": dict(norm=False, kind="few"),
    "worker norm": dict(norm=True),
    "sync norm": dict(norm=True, sync=True),
}


class Shard:
    """A worker's rows of every draw: labelled faces come first, so the first worker has most."""

    def __init__(self, rank: int, world: int, kind: str = "mixed") -> None:
        self.draw, self.class_weights = Draws(3, kind), None
        self.rows = slice(rank * 6 // world, (rank + 1) * 6 // world)

    def images(self):
        x, coded = self.draw.images()
        return x[self.rows], self._part(coded)

    def real_labels(self):
        return self.draw.real_labels()[self.rows]

    def mixed(self):
        x, y, coded = self.draw.mixed()
        return x[self.rows], y[self.rows], self._part(coded)

    def _part(self, coded):
        return None if coded is None else coded[self.rows]


def game_of(case: dict) -> Game:
    game = new_game(norm=case["norm"])
    return game if not case.get("sync") else rebuilt(game, synchronised(game.recognizer))


def rebuilt(game: Game, r: nn.Module, d: nn.Module | None = None) -> Game:
    d = d or game.discriminator
    return Game(r, d, torch.optim.SGD(r.parameters(), 0.1), torch.optim.SGD(d.parameters(), 0.1))


def replicated(net: nn.Module) -> nn.Module:
    """As the workers of a training do it."""
    return DistributedDataParallel(net, **REPLICATED)


def after_steps(game: Game, draw, case: dict) -> dict[str, torch.Tensor]:
    step = shared_step if case.get("step") else adversarial_step
    for _ in range(2):
        step(game, draw, CFG)
    return state_of(game)


def state_of(game: Game) -> dict[str, torch.Tensor]:
    nets = {"r": bare(game.recognizer), "d": bare(game.discriminator)}
    return {f"{key}.{name}": value for key, net in nets.items() for name, value in net.state_dict().items()}


def worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    found = {}
    for name, case in CASES.items():
        game = game_of(case)
        game = rebuilt(game, *map(replicated, (game.recognizer, game.discriminator)))
        found[name] = after_steps(game, Shard(rank, 2, case.get("kind", "mixed")), case)
    found["nan"] = refused(rank)
    found["shared"] = on_a_disk_and_in_norms(rank)
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def on_a_disk_and_in_norms(rank: int) -> dict:
    """What the workers hold of each other: running statistics, and what they found on a disk."""
    norm = nn.BatchNorm1d(2)
    norm.running_mean.fill_(rank + 1)
    share_statistics(norm)
    history = History(Path("history.jsonl"))
    history.add({"loss_r": torch.tensor(float(rank))}, images=2)
    measured = history.measure()["train/loss_r"]
    seen = iter([0, 1, 1] if rank else [1, 1, 1])  # worker 1's disk lags
    late = agreed(lambda: next(seen), "files")
    try:
        agreed(lambda: rank, "checkpoints", seconds=1)
    except RuntimeError as error:
        found = {"mean": norm.running_mean, "parts": gathered(rank), "late": late, "error": str(error)}
        return found | {"loss": measured}
    return {}


def refused(rank: int) -> dict:
    """What happens on this worker when the loss of worker 1 is no number."""
    game = rebuilt(new_game(norm=False), replicated(new_game(norm=False).recognizer))
    before, x = copy.deepcopy(state_of(game)), torch.ones(2, 5, dtype=torch.float64)
    try:
        descend(game.opt_r, game.recognizer(x).sum() * (torch.nan if rank else 1), "R")
    except LossError as error:
        after = state_of(game)
        return {"error": str(error), "same": all(torch.equal(before[key], after[key]) for key in before)}
    return {"error": "none", "same": False}


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> list[dict]:
    """What each of two workers holds after the steps, by case."""
    folder = tmp_path_factory.mktemp("workers")
    mp.spawn(worker, (str(folder),), nprocs=2)
    return [torch.load(Path(folder) / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


def assert_same(a: dict, b: dict) -> None:
    torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def weights_of(state: dict) -> dict:
    """Without the running statistics, which each worker keeps of its own faces."""
    return {
        key: value
        for key, value in state.items()
        if not key.startswith("r.1.") or key[4:] in ("weight", "bias")
    }


@pytest.mark.parametrize("name", [name for name in CASES if name != "worker norm"])
def test_two_workers_compute_what_one_does_on_the_whole_batch(together, name):
    case = CASES[name]
    whole = after_steps(game_of(case), Shard(0, 1, case.get("kind", "mixed")), case)
    for found in together:
        assert_same(found[name], whole)


def test_workers_tell_each_other_what_they_hold(together):
    for found in together:
        shared = found["shared"]
        assert shared["mean"].tolist() == [1, 1] and shared["parts"] == [0, 1]
        assert shared["late"] == 1 and shared["loss"] == 0.5, "the mean of 0 and 1"
        assert shared["error"].startswith("workers see different checkpoints for 1 s")


def test_workers_agree_on_all_weights(together):
    for name in CASES:
        assert_same(*(weights_of(found[name]) for found in together))


def test_with_a_norm_per_worker_each_normalises_its_own_faces(together):
    """The gradient is then the mean of the shards' gradients, each normalised by itself."""
    game, draw = new_game(), Draws(3)
    for _ in range(2):
        (x, _), y_real = draw.images(), draw.real_labels()
        halves = [slice(0, 3), slice(3, 6)]
        with torch.no_grad():
            fake = torch.cat([probe(game)(x[half]).sigmoid() for half in halves])
        d = game.discriminator
        loss = nn.functional.softplus(-d(y_real.double())).mean() + nn.functional.softplus(d(fake)).mean()
        descend_by_hand(d, [loss])
        x, y, _ = draw.mixed()
        labelled = (y >= 0).any(1).sum()
        losses = []
        for half in halves:
            logits, own = game.recognizer(x[half]), (y[half] >= 0).any(1).sum()
            supervised = supervised_loss(logits, y[half]) * own.clamp(min=1) * 2 / labelled
            losses.append(recognizer_loss(adversarial_loss(d(logits.sigmoid())), supervised, CFG.alpha))
        descend_by_hand(game.recognizer, losses)
    expected = state_of(game)
    assert_same(weights_of(together[0]["worker norm"]), weights_of(expected))


def probe(game: Game) -> nn.Module:
    """R as in training, its statistics out of reach."""
    return copy.deepcopy(game.recognizer).train()


def descend_by_hand(net: nn.Module, losses: list[torch.Tensor]) -> None:
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(sum(losses) / len(losses), parameters)
    for p, g in zip(parameters, gradients, strict=True):
        p.data -= 0.1 * g


def test_alone_a_shared_norm_is_torch_s_own(rng):
    x = torch.tensor(rng.normal(3, 2, (4, 5, 3, 3)), dtype=torch.float32)
    own, shared = nn.BatchNorm2d(5), synchronised(nn.BatchNorm2d(5))
    assert isinstance(shared, SharedBatchNorm)
    torch.testing.assert_close(own(x), shared(x))
    torch.testing.assert_close(own.state_dict(), shared.state_dict())
    torch.testing.assert_close(own.eval()(x), shared.eval()(x))


def test_a_loss_that_is_no_number_on_one_worker_stops_both_before_weights_change(together):
    for found in together:
        assert found["nan"] == {
            "error": "the loss became nan (R); lower the learning rates (lr_r, lr_d)", "same": True,
        }  # fmt: skip
