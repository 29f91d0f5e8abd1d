from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.au_core.data.trees import BP4D, DISFA, draw
from tests.toy import write_untrained_model

SHARED = Path(__file__).parents[1].parent / "shared"


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=1, help="random moments at which each work is killed")
    parser.addoption("--mutants", type=int, default=1000, help="mutated inputs the readers are given")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real faces and the detector's model, which the project does not contain."""
    if not SHARED.is_dir():
        pytest.skip(f"needs real face clips and the YuNet model in {SHARED}")
    return SHARED


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one core: tiny networks wait for each other's threads on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    """A run folder with an untrained network; AU12 is always active, AU01 never."""
    return write_untrained_model(tmp_path_factory.mktemp("run"))


@pytest.fixture
def bp4d(tmp_path) -> Path:
    """A small tree in BP4D's layout."""
    return draw(BP4D, tmp_path / "BP4D")


@pytest.fixture
def disfa(tmp_path) -> Path:
    """A small tree in DISFA's layout."""
    return draw(DISFA, tmp_path / "DISFA")
