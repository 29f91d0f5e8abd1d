import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from au_core.config import ExperimentConfig, SyntheticConfig
from au_core.data.synthetic.write import write_sequence
from au_core.fold_plan import FoldPlan
from au_core.run_folder import RunFolder
from pipelines.machinery.cluster import connect
from pipelines.machinery.experiment import Experiment
from tests.au_core.data.trees import draw
from tests.pipelines.toy_training import tiny_config
from tests.toy import write_toy_faces


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """A Ray of our own on this machine, never one that happens to run."""
    import ray

    connect()
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def twin(tmp_path_factory) -> Path:
    """Four drawn people in BP4D's layout."""
    return draw(SyntheticConfig(subjects=4, sequences=1, frames=5), tmp_path_factory.mktemp("twin"))


@pytest.fixture
def in_turn(monkeypatch, one_thread) -> None:
    """Sequences are drawn and prepared one after another in this process: for tests of what comes of them.

    Faces of videos are looked at so, too.
    """

    def draw_all(cfg, todo, out):
        for subject, sequence in todo:
            write_sequence(cfg, subject, sequence, out)

    monkeypatch.setattr("pipelines.make_synthetic._draw_all", draw_all)
    for user in ("machinery.sequences", "predict_folder"):
        monkeypatch.setattr(f"pipelines.{user}.map_jobs", map_here)


def map_here(worker, args, jobs, tries, gpu=False):
    """What ``map_jobs`` does, in this process."""
    work = worker(*args, tries)
    for number, job in enumerate(jobs):
        row = work({"number": number, "job": job})
        yield row.pop("number"), row
    shutil.rmtree(tries)


@pytest.fixture(scope="session")
def tables(tmp_path_factory) -> Path:
    """An MLflow database with nothing in it; to make its tables takes more than a second."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def database(tables, tmp_path) -> None:
    """The database of an experiment in ``tmp_path``, for tests that do not ask who makes it."""
    shutil.copy(tables, tmp_path / "mlflow.db")


@pytest.fixture(scope="session")
def tiny() -> ExperimentConfig:
    """The demo, small enough for toy faces: 6 steps, two reports."""
    return tiny_config(steps=6, report_every=3)


@pytest.fixture(scope="session")
def finished(tiny, tables, tmp_path_factory) -> Experiment:
    """Two methods trained and evaluated on one fold of toy faces."""
    from pipelines.machinery.runs import run_plans
    from pipelines.machinery.tracking import Tracking

    out = tmp_path_factory.mktemp("finished")
    shutil.copy(tables, out / "mlflow.db")
    write_toy_faces(out / "faces")
    experiment = Experiment(cfg=tiny, out=out)
    with in_this_process():
        run_plans(
            first_fold(experiment), experiment, lambda: Tracking(out, "toy", experiment.write_description())
        )
    return experiment


@contextmanager
def in_this_process() -> Iterator[None]:
    """Train without Ray's processes, which take half a minute to start: for tests of what comes of it."""
    import torch
    from ray.train import ScalingConfig

    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.machinery.group.ray_scaling", lambda _: ScalingConfig(num_workers=0))
        patch.setattr("pipelines.machinery.runs.at_once", lambda _: 1)
        patch.setattr("pipelines.machinery.cluster.connect", lambda: None)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def train_here(plan: FoldPlan, experiment: Experiment) -> RunFolder:
    """The training alone, as a worker carries it out, in this process."""
    from pipelines.machinery.group import claim, train_folds

    folder = experiment.folder(plan)
    claim(folder, plan)
    with in_this_process():
        train_folds([(plan, folder)], experiment.sources, predict=False)
    return folder


def first_fold(experiment: Experiment):
    return [plan for plan in experiment.plans() if plan.fold == 1]


def snapshot(folder: Path) -> dict[str, int]:
    """Modification times of every file, to see what was done again."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in files}
