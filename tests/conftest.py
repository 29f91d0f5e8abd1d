from pathlib import Path

import numpy as np
import pytest

SHARED = Path(__file__).parents[1].parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real faces and the detector's model, which the project does not contain."""
    if not SHARED.is_dir():
        pytest.skip(f"needs real face clips and the YuNet model in {SHARED}")
    return SHARED


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
