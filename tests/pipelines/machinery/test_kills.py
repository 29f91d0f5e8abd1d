"""Trainings killed at random steps, by worker, driver or node: each ends as the undisturbed one.

``pytest tests/pipelines/machinery/test_kills.py --kills 10`` strikes ten times in each test.
"""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from au_core.data.files import read_json
from au_core.run_folder import RunFolder, read_history
from pipelines.machinery import cli
from pipelines.machinery.deaths import noted
from pipelines.machinery.experiment import Experiment
from tests.pipelines.conftest import in_this_process
from tests.pipelines.processes import (
    LIMIT,
    NODE,
    begin,
    cluster_of,
    descendants,
    end,
    finish,
    open_to_others,
    wait_until,
)
from tests.pipelines.toy_training import (
    REPORT,
    lines_of,
    toy_experiment,
    toy_folder,
    train_toy,
)
from tests.pipelines.toy_workers import train_toy_together

TOLERANCE = 1e-4
"""Of weights, probabilities and reports once two workers were restarted: sums may differ in order."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds its victims in /proc")


@pytest.fixture(scope="module")
def steps(request) -> int:
    """Enough to strike at as many reports, among twice as many, and to go on for longer than a strike."""
    return REPORT * (2 * request.config.getoption("kills") + 6)


@pytest.fixture(scope="module")
def quiet(steps, tmp_path_factory) -> RunFolder:
    """The undisturbed training, without any of Ray's processes."""
    with in_this_process():
        return train_toy(toy_experiment(tmp_path_factory.mktemp("quiet"), steps))


@pytest.fixture(scope="module")
def quiet_by_two(steps, tmp_path_factory) -> RunFolder:
    """The undisturbed training by two workers."""
    return train_toy_together(toy_experiment(tmp_path_factory.mktemp("by_two"), steps, workers=2))


@pytest.fixture
def moments(request, steps) -> list[int]:
    """Steps after which to strike, rising, a checkpoint between any two: only standing still may end it."""
    reports = range(REPORT, steps - 3 * REPORT, REPORT)
    return sorted(random.Random(request.node.name).sample(reports, request.config.getoption("kills")))


def wait_for_step(folder: RunFolder, step: int) -> None:
    wait_until(lambda: any(line["step"] >= step for line in read_history(folder.history)), f"step {step}")
    time.sleep(random.Random(step).uniform(0, 0.2))


def training_workers(pid: int) -> list[int]:
    """The training workers below process ``pid``, and no others."""
    return [child for child, line in descendants(pid).items() if line.startswith("ray::RayTrainWorker")]


def kill_workers(pid: int) -> int:
    """SIGKILL the training workers below process ``pid``; returns how many there were."""
    victims = training_workers(pid)
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    return len(victims)


def assert_same(struck: RunFolder, quiet: RunFolder) -> None:
    """Bit-identical reports, weights and predictions, every report once, nothing left over.

    The weights are of the best step, which may lie before the strike; the reports tell of those after it.
    """
    assert lines_of(struck) == lines_of(quiet)
    weights = [folder.model / "model.safetensors" for folder in (struck, quiet)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert pq.read_table(struck.predictions).equals(pq.read_table(quiet.predictions))
    assert_whole(struck, quiet)


def assert_whole(struck: RunFolder, quiet: RunFolder) -> None:
    steps = read_json(struck.config)["plan"]["adversarial"]["steps"]
    assert [line["step"] for line in read_history(struck.history)] == list(range(REPORT, steps + 1, REPORT))
    names, expected = ({path.name for path in folder.path.rglob("*")} for folder in (struck, quiet))
    assert names - {struck.deaths.name} == expected


def test_a_killed_worker(local_ray, database, quiet, steps, moments, tmp_path, capsys):
    experiment, killed, others = toy_experiment(tmp_path, steps), [], set[str]()

    def strike() -> None:
        for step in moments:
            wait_for_step(toy_folder(experiment), step)
            wait_until(lambda: training_workers(os.getpid()), "a worker to strike")
            others.update(open_to_others(descendants(os.getpid())))
            killed.append(kill_workers(os.getpid()))

    thread = threading.Thread(target=strike, daemon=True)
    thread.start()
    struck = train_toy(experiment)
    thread.join(LIMIT)
    assert killed == [1] * len(moments)
    words = "its workers died (ActorDiedError: The actor died unexpectedly before finishing this task.)"
    assert noted(struck.deaths) == [f"{words}; going on from what is saved"] * len(moments)
    told = capsys.readouterr().err
    assert told.count(words) == len(moments), told
    assert not others, "on a laptop nothing listens to other machines"
    assert_same(struck, quiet)


def start(experiment: Experiment, **environment: str) -> subprocess.Popen:
    """The same training as a command of its own."""
    cfg = experiment.cfg
    words = experiment.out, cfg.adversarial.steps, cfg.scaling.workers
    return begin("tests.pipelines.toy_training", *words, **environment)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own, of 256 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", disk]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small disk; tests/au_core/training/test_state.py injects the error")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk(local_ray, tables, quiet, steps, small_disk, capfd):
    """One clear line; with room again, the same call goes on from the last checkpoint and ends the same."""
    experiment = toy_experiment(small_disk, steps)
    folder, filler = toy_folder(experiment), small_disk / "filler"
    shutil.copy(tables, small_disk / "mlflow.db")

    def fill() -> None:
        wait_for_step(folder, 2 * REPORT)
        with filler.open("wb") as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(2**20))

    with ThreadPoolExecutor(1) as pool, pytest.raises(SystemExit) as ended:
        pool.submit(fill)
        cli.run(lambda: train_toy(experiment))
    words = capfd.readouterr().err
    assert ended.value.code == 2, words
    error = words[words.index("error:") :]
    assert "no space left on the disk; make room and run the same command again" in error, words
    assert len(error.splitlines()) == 2 and "Traceback" not in words, words
    assert len(list(folder.checkpoints.glob("step=*.pt"))) == 2
    filler.unlink()
    with in_this_process():
        train_toy(experiment)
    assert_same(folder, quiet)


@pytest.fixture
def silent_server():
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_killed_driver_and_no_mlflow(quiet, steps, moments, tmp_path, silent_server, monkeypatch, capsys):
    """Struck alone, when its workers live on for a while, and with all below it, as a lost machine would."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent_server)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    experiment = toy_experiment(tmp_path, steps)
    folder, orphans = toy_folder(experiment), {}
    for i, step in enumerate(moments):  # first alone: the harder case
        run = start(experiment)
        wait_for_step(folder, step)
        below = descendants(run.pid)
        run.kill()
        if i % 2:
            end(below)
        else:
            orphans |= below
        run.communicate(timeout=LIMIT)
    try:
        with in_this_process():
            train_toy(experiment)
    finally:
        end(orphans)
    words = capsys.readouterr().err
    assert words.count("warning: MLflow at") == 1 and "training goes on without it" in words
    assert_same(folder, quiet)


def test_a_lost_node_with_two_workers(database, quiet_by_two, steps, moments, tmp_path):
    """Training waits for another node and ends as undisturbed, but for the order of sums."""
    experiment = toy_experiment(tmp_path, steps, workers=2)
    quiet, struck = quiet_by_two, toy_folder(experiment)
    with cluster_of(cores=0) as cluster:
        run = start(experiment, RAY_ADDRESS=cluster.address)  # waits for nodes
        nodes = [cluster.add_node(**NODE) for _ in range(2)]
        for step in moments:
            wait_for_step(struck, step)
            cluster.remove_node(nodes.pop(0), allow_graceful=False)
            nodes.append(cluster.add_node(**NODE))
        finish(run)
    ours, theirs = (load_file(folder.model / "model.safetensors") for folder in (struck, quiet))
    for name, weights in ours.items():
        np.testing.assert_allclose(weights, theirs[name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)
    a, b = (pq.read_table(folder.predictions).to_pandas() for folder in (struck, quiet))
    numbers = a.select_dtypes("floating").columns
    np.testing.assert_allclose(a[numbers], b[numbers], atol=TOLERANCE)
    for ours, theirs in zip(lines_of(struck), lines_of(quiet), strict=True):
        assert ours == pytest.approx(theirs, rel=TOLERANCE, abs=TOLERANCE)
    assert_whole(struck, quiet)
