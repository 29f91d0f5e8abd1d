"""Small trees of the twin in the real layouts, to be bent into the shapes people have."""

import pytest

from au_core.config import SyntheticConfig
from au_core.data.synthetic.write import plan_sequences, write_sequence

BP4D = SyntheticConfig(layout="bp4d", subjects=3, sequences=2, frames=4)
DISFA = SyntheticConfig(layout="disfa", subjects=3, sequences=1, frames=4)


@pytest.fixture
def bp4d(tmp_path):
    for subject, task in plan_sequences(BP4D):
        write_sequence(BP4D, subject, task, tmp_path / "BP4D")
    return tmp_path / "BP4D"


@pytest.fixture
def disfa(tmp_path):
    for subject, camera in plan_sequences(DISFA):
        write_sequence(DISFA, subject, camera, tmp_path / "DISFA")
    return tmp_path / "DISFA"
