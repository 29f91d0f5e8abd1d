import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from au_core.face.yunet import YUNET_FILE, cache_folder
from tests.au_core.data.trees import BP4D, DISFA, draw
from tests.toy import write_untrained_model

SHARED = Path(os.environ.get("AU_TEST_MEDIA") or Path(__file__).parents[2] / "shared")
"""``real_faces`` and the detector in ``models``, which the project does not contain."""


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=1, help="random moments at which each work is killed")
    parser.addoption("--mutants", type=int, default=250, help="mutated inputs the readers are given")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Where clips of real faces are."""
    if not (SHARED / "real_faces").is_dir():
        pytest.skip(f"needs clips of real faces in {SHARED}/real_faces (or AU_TEST_MEDIA)")
    return SHARED


@pytest.fixture(scope="session")
def yunet() -> Path:
    """The detector's model file; a command that fetched it left it in the cache."""
    places = [SHARED / "models" / YUNET_FILE, cache_folder() / YUNET_FILE]
    found = [path for path in places if path.is_file()]
    if not found:
        pytest.skip(f"needs the YuNet model: {' or '.join(map(str, places))}")
    return found[0]


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
