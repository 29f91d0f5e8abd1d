"""A killed worker: training goes on from the last checkpoint and ends with the same weights."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from au_core.training.state import read_history
from pipelines.experiment import Experiment
from pipelines.runs import run_plans
from pipelines.tracking import Tracking
from tests.pipelines.conftest import first_fold
from tests.toy import write_toy_faces

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds its victim in /proc")


def kill_workers() -> int:
    """SIGKILL the training workers below this process; returns how many there were."""
    killed = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            title = (entry / "cmdline").read_text()
            ours = os.getpid() in ancestors(int(entry.name))
        except OSError:  # it ended while we looked
            continue
        if ours and title.startswith("ray::RayTrainWorker"):
            os.kill(int(entry.name), signal.SIGKILL)
            killed += 1
    return killed


def ancestors(pid: int) -> Iterator[int]:
    """Parent, grandparent and so on: other trainings on this machine must not be struck."""
    while pid > 1:
        stat = Path(f"/proc/{pid}/stat").read_text()
        pid = int(stat.rpartition(")")[2].split()[1])
        yield pid


def trained(tiny, out: Path, disturb: bool):
    write_toy_faces(out / "faces")
    cfg = replace(tiny, methods=("ours",), adversarial=replace(tiny.adversarial, steps=60))
    experiment = Experiment(cfg=cfg, out=out)
    (plan,) = first_fold(experiment)
    folder = experiment.folder(plan)
    killed = []
    if disturb:

        def strike():
            while len(read_history(folder.history)) < 4:
                time.sleep(0.02)
            killed.append(kill_workers())

        threading.Thread(target=strike, daemon=True).start()
    run_plans([plan], experiment, Tracking(out, "toy", {}))
    return folder, killed


def test_a_killed_training_ends_as_an_undisturbed_one(local_ray, tiny, tmp_path):
    quiet, _ = trained(tiny, tmp_path / "quiet", disturb=False)
    struck, killed = trained(tiny, tmp_path / "struck", disturb=True)
    assert killed == [1]
    assert pq.read_table(struck.predictions).equals(pq.read_table(quiet.predictions))
    steps = [line["step"] for line in read_history(struck.history)]
    assert steps == list(range(3, 61, 3)), "lost reports are written once"
