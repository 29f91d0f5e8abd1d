"""A Ray actor that draws batches by processes."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from au_core.aus import BP4D
from au_core.config import AdversarialConfig, TrainConfig
from au_core.data.batches.sampling import Sampler
from au_core.data.faces import load_faces
from au_core.data.fold import TrainingSet
from tests.toy import PEOPLE


class Drawing:
    """Compares them with those made on the spot, in a thread, as trainings run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.thread = folder, ThreadPoolExecutor(1)

    def draw(self) -> tuple[int, int]:
        """Its process, and how many batches differed."""
        return os.getpid(), self.thread.submit(self._draw).result()

    def _draw(self) -> int:
        faces, cfg = load_faces(self.folder, BP4D, PEOPLE), AdversarialConfig(m1=4, m2=8)
        plain, self.draws = (
            Sampler(TrainingSet(faces, faces.labels), cfg, TrainConfig(input_size=32), 5, processes=n)
            for n in (0, 1)
        )
        return sum(not plain.images()[0].equal(self.draws.images()[0]) for _ in range(10))
