"""A training as each of its workers runs it: Algorithm 1 from the last checkpoint on, and reports."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from au_core.data.batches.sampling import Sampler
from au_core.data.batches.shuffle import Share, seeded
from au_core.data.faces import Faces
from au_core.data.fold import true_name
from au_core.errors import AuError, LossError
from au_core.evaluation.metrics import accuracy_per_au, average, best_thresholds, f1_per_au
from au_core.evaluation.predict import predict_set
from au_core.fold_plan import FoldPlan
from au_core.models.card import ModelCard, seen_by
from au_core.models.checkpoint import save_recognizer
from au_core.run_folder import RunFolder
from au_core.training import adversarial
from au_core.training.game import Game, decay, seed
from au_core.training.history import History
from au_core.training.state import restore, save_state
from au_core.training.workers import agreed, gathered, share_statistics

SOME = 256
"""Training faces whose answers are watched where no one is held out to be validated on."""


@dataclass
class Training:
    """What a worker needs to train one plan; all workers of a training run the same steps.

    The first of them writes the folder: history, checkpoints and R with the best validation score, or,
    without validation faces, of the last step.
    """

    plan: FoldPlan
    folder: RunFolder
    game: Game
    draw: Sampler
    """This worker's; it knows the worker's rank, and how many there are."""
    validation: Faces
    """May be none."""
    pool: ThreadPoolExecutor
    """Threads that decode validation faces."""
    unlearned: Sequence[str]
    """AU columns whose training labels were all alike."""
    synthetic: bool
    """Whether these are no people's faces."""
    jpeg_quality: int
    """Of the stored faces."""
    check: Callable[[], None]
    """Raises if other workers have taken the folder over; asked before each write."""
    best: float = field(init=False)
    """Highest validation score so far; without validation faces, the last step."""

    @property
    def first(self) -> bool:
        """Whether this worker is the one that writes."""
        return self.draw.share.rank == 0

    def run(self) -> None:
        """All steps.

        Raises:
            AuError: a loss became infinite or NaN.
            RuntimeError: workers read different checkpoints, or others have taken over.
        """
        step, self.best = agreed(lambda: restore(self.game, self.folder.checkpoints), "checkpoints")
        self.draw.seek(step)
        history = History(self.folder.history)
        if self.first:
            history.begin_after(step)
        cfg = self.plan.adversarial
        while step < cfg.steps:
            step += 1
            history.add(self._step(step), cfg.m * cfg.h_r)
            if step % self.plan.train.report_every == 0 or step == cfg.steps:
                self._report(step, history)
        if self.first and not self.folder.model.exists():
            self.check()
            self.folder.candidate.rename(self.folder.model)

    def _step(self, step: int) -> dict[str, Tensor]:
        # Dropout's randomness depends on the step alone, so that a resumed training goes on exactly.
        random = seeded(self.plan.seed, f"step/{self.draw.share.rank}", step)
        seed(int(random.integers(2**63)), self.game.bare_recognizer.mean.device)
        if self.plan.train.decay:
            decay(self.game, (step - 1) / self.plan.adversarial.steps)
        try:
            return adversarial.step(self.game, self.draw, self.plan.adversarial)
        except LossError as error:
            batch = self.draw.position["real" if error.player == "D" else "mixed"]
            raise AuError(f"step {step}, batch {batch} of {error.player}: {error}") from error

    def _report(self, step: int, history: History) -> None:
        measured = history.measure()
        scores = self._validate() | self._watch() if len(self.validation) else self._spread()
        if self.first:
            self.check()
            history.write(step, measured | scores)
            self._keep_best(step, scores.get("val/f1_avg", step))
            save_state(self.game, step, self.best, self.folder.checkpoints)
        history.restart()

    def _validate(self) -> dict[str, float]:
        """Scores on the validation subjects at thresholds chosen on them."""
        y, prob = self.validation.labels, self._answers(self.validation)
        pred = prob >= best_thresholds(prob, y)
        f1, accuracy = (average(score(pred, y)) or 0.0 for score in (f1_per_au, accuracy_per_au))
        return {"val/f1_avg": f1, "val/accuracy_avg": accuracy, "val/prob_std": spread_of(prob)}

    def _spread(self) -> dict[str, float]:
        """How much R's answers differ between a few training faces, where no others are held out."""
        faces = self.draw.faces
        some = np.linspace(0, len(faces) - 1, min(len(faces), SOME)).astype(int)
        return {"train/prob_std": spread_of(self._answers(faces[some]))}

    def _answers(self, faces: Faces) -> np.ndarray:
        """R's probabilities ``float32[N, L]``, each worker's of a share of the ``faces``."""
        share = self.draw.share
        share_statistics(self.game.bare_recognizer)
        own = predict_set(self.game.bare_recognizer, faces[share.rows], self.plan.train.input_size, self.pool)
        prob = np.empty((len(faces), len(self.plan.spec.aus)), np.float32)
        for rank, part in enumerate(gathered(own)):
            prob[Share(rank, share.world).rows] = part
        return prob

    def _watch(self) -> dict[str, float]:
        """``val/d_real``: how often D is right on real vectors it has never learned from."""
        if self.plan.adversarial.alpha == 0:
            return {}
        y = self.validation.labels
        vectors = torch.from_numpy(y[(y >= 0).any(axis=1)])
        return {"val/d_real": adversarial.accuracy_on_real(self.game, vectors)}

    def _keep_best(self, step: int, score: float) -> None:
        """Save R as the candidate if its validation score is the highest so far."""
        if score > self.best:
            plan, self.best = self.plan, score
            datasets = map(true_name, {*self.draw.faces.dataset})
            card = ModelCard(
                backbone=plan.train.backbone,
                spec=plan.spec,
                input_size=plan.train.input_size,
                face_size=self.draw.faces.edge,
                jpeg_quality=self.jpeg_quality,
                step=step,
                unlearned=tuple(self.unlearned),
                training=f"{plan.label} on {plan.spec.name}",
                seen=tuple(sorted({*datasets, *seen_by(Path(plan.train.weights or ""))})),
                drawn=self.synthetic,
            )
            save_recognizer(self.game.bare_recognizer, card, self.folder.candidate)


def spread_of(prob: np.ndarray) -> float:
    """Standard deviation of ``prob[N, L]`` over faces, the mean over AUs; 0 if all get the same answer."""
    return float(prob.std(axis=0).mean())
