"""Algorithm 1 as anyone would write it from the paper, slow and obvious, and fixed draws to play it on."""

import copy

import torch
from torch import nn

from au_core.config import AdversarialConfig
from au_core.training.game import Game

L = 4
KINDS = ("labelled", "mixed", "unlabelled", "entries", "mixed sets")


class Draws:
    """Fixed batches, drawn in order; faces are feature vectors here. ``kind`` says what is known of them.

    Where they are ``mixed sets``, every other face is of a dataset that does not code the first AU, every
    third of one that does not code the last.
    """

    def __init__(self, seed: int = 0, kind: str = "mixed", class_weights: torch.Tensor | None = None) -> None:
        self.generator, self.kind = torch.Generator().manual_seed(seed), kind
        self.class_weights = class_weights

    def _random(self, *shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=self.generator, dtype=torch.float64)

    def _labels(self) -> torch.Tensor:
        y = (self._random(6, L) > 0.5).long()
        return y.masked_fill(self._random(6, L) < 0.3, -1) if self.kind == "entries" else y

    def _coded(self):
        if self.kind != "mixed sets":
            return None
        coded = torch.ones(6, L, dtype=torch.bool)
        coded[::2, 0] = coded[::3, -1] = False
        return coded

    def images(self):
        return self._random(6, 5), self._coded()

    def real_labels(self):
        y = self._labels()
        return y if self.kind != "mixed sets" else y.masked_fill(~self._coded().flip(0), -1)

    def mixed(self):
        y = self._labels()
        y[{"labelled": 6, "unlabelled": 0, "few": 3}.get(self.kind, 4) :] = -1
        return self._random(6, 5), y, self._coded()


def new_game(lr: float = 0.1, norm: bool = True) -> Game:
    torch.manual_seed(0)
    norms = [nn.BatchNorm1d(8)] if norm else []
    r = nn.Sequential(nn.Linear(5, 8), *norms, nn.Tanh(), nn.Linear(8, L)).double()
    d = nn.Sequential(nn.Linear(L, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    return Game(r, d, torch.optim.SGD(r.parameters(), lr), torch.optim.SGD(d.parameters(), lr))


def slow_pass(game: Game, draw: Draws, cfg: AdversarialConfig) -> None:
    """Algorithm 1, lines 3 to 11, face by face, with gradients by autograd.grad and steps by hand."""
    R, y_r = game.recognizer, None
    for _ in range(cfg.h_d if cfg.alpha > 0 else 0):
        (x, coded), y_r = draw.images(), draw.real_labels()
        statistics = copy.deepcopy(list(R.buffers()))
        fake = sampled(torch.sigmoid(R(x)).detach(), cfg)
        for buffer, old in zip(R.buffers(), statistics, strict=True):
            buffer.copy_(old)
        slow_discriminator_update(game.discriminator, both_know(y_r, coded), fake, cfg)
    for _ in range(cfg.h_r):
        x, y, coded = draw.mixed()
        slow_recognizer_update(game, torch.sigmoid(R(x)), y, both_know(y_r, coded), cfg, draw.class_weights)


def slow_shared_pass(game: Game, draw: Draws, cfg: AdversarialConfig) -> None:
    """The same with one batch for both players."""
    x, y, coded = draw.mixed()
    p, y_r = torch.sigmoid(game.recognizer(x)), None
    if cfg.alpha > 0:
        y_r = both_know(draw.real_labels(), coded)
        slow_discriminator_update(game.discriminator, y_r, sampled(p.detach(), cfg), cfg)
    slow_recognizer_update(game, p, y, y_r, cfg, draw.class_weights)


def both_know(y_r, coded):
    """Real vectors without what the dataset of the face beside them does not code."""
    if y_r is None or coded is None:
        return y_r
    rows = [[int(y) if c else -1 for y, c in zip(*row, strict=True)] for row in zip(y_r, coded, strict=True)]
    return torch.tensor(rows)


def sampled(p: torch.Tensor, cfg: AdversarialConfig) -> torch.Tensor:
    """Probabilities as D is shown them: as they are, or one relaxed sample of each, perhaps rounded."""
    if not cfg.relaxed:
        return p
    u = torch.rand(p.shape, dtype=p.dtype)
    samples = 1 / (1 + ((1 - p) / p * (1 - u) / u) ** (1 / cfg.relaxed))
    return Rounded.apply(samples) if cfg.hard else samples


class Rounded(torch.autograd.Function):
    """To 0 or 1; gradients pass as if it were not there."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad


def seen(vector: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """A vector as D is shown it: 0.5 where the real one beside it knows nothing."""
    return torch.stack(
        [v if known >= 0 else torch.full_like(v, 0.5) for v, known in zip(vector, real, strict=True)]
    )


def slow_discriminator_update(D: nn.Module, y_r: torch.Tensor, fake: torch.Tensor, cfg) -> None:
    loss, s = torch.zeros(1, dtype=torch.float64), cfg.label_smoothing
    for y, p in zip(y_r, fake, strict=True):
        real, made = torch.sigmoid(D(seen(y.double(), y))), torch.sigmoid(D(seen(p, y)))
        loss = loss - (1 - s) * torch.log(real) - s * torch.log(1 - real) - torch.log(1 - made)
    step_by_hand(D, loss / len(y_r))


def slow_recognizer_update(game, p, y, y_r, cfg, weights) -> None:
    adversarial = torch.zeros(1, dtype=torch.float64)
    if cfg.alpha > 0:
        pairs = zip(sampled(p, cfg), y_r, strict=True)
        adversarial = sum(-torch.log(torch.sigmoid(game.discriminator(seen(q, r)))) for q, r in pairs) / len(
            p
        )
    supervised, m1 = 0 * p.sum(), 0
    for row, labels in zip(p, y, strict=True):
        m1 += bool((labels >= 0).any())
        for j, (q, label) in enumerate(zip(row, labels, strict=True)):
            if label >= 0:
                weight = 1 if weights is None else weights[int(label), j]
                supervised = supervised - weight * torch.log(q if label == 1 else 1 - q)
    step_by_hand(game.recognizer, cfg.alpha * adversarial + (1 - cfg.alpha) * supervised / max(m1, 1))


def step_by_hand(net: nn.Module, loss: torch.Tensor, lr: float = 0.1) -> None:
    parameters = list(net.parameters())
    for p, g in zip(parameters, torch.autograd.grad(loss.sum(), parameters), strict=True):
        p.data -= lr * g
