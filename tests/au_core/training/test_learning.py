"""Something is learned: from faces on disk, through draws and updates, to answers about new people."""

import numpy as np
import torch

from au_core.aus import BP4D, UNKNOWN
from au_core.config import AdversarialConfig, TrainConfig
from au_core.data.batches.sampling import Sampler
from au_core.data.faces import load_faces
from au_core.data.fold import TrainingSet
from au_core.evaluation.metrics import auc_per_au
from au_core.evaluation.predict import predict_set
from au_core.training.adversarial import step
from au_core.training.game import new_game
from tests.toy import PEOPLE, write_toy_faces

CFG = AdversarialConfig(m1=16, m2=16, lr_r=1e-3, lr_d=1e-3)
TRAIN = TrainConfig(backbone="resnet10", input_size=32, precision="fp32", augment=False)


def test_a_short_training_knows_people_it_was_never_shown(tmp_path, one_thread):
    """All but perfectly. None does whose labels stand beside other faces, that is shown a few faces for ever,
    or that is asked about pictures which lie on their side or are in other colours."""
    folder = write_toy_faces(tmp_path, frames=24, coloured=True)
    shown, new = (load_faces(folder, BP4D, people) for people in (PEOPLE[4:], PEOPLE[:4]))
    labels = np.where(np.arange(len(shown))[:, None] % 2 == 0, shown.labels, UNKNOWN)
    torch.manual_seed(0)
    game = new_game(len(BP4D.aus), CFG, TRAIN, torch.device("cpu"))
    draw = Sampler(TrainingSet(shown, labels), CFG, TRAIN, 0)
    for _ in range(25):
        step(game, draw, CFG)
    prob = predict_set(game.bare_recognizer, new, TRAIN.input_size)
    assert auc_per_au(prob, new.labels).mean() > 0.97
