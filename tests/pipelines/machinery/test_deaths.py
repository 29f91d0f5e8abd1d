"""Told from what Ray 2.60 raises."""

import pickle
import traceback

import pytest
from ray.exceptions import ActorDiedError
from ray.train import ControllerError, WorkerGroupError
from ray.train.v2._internal.exceptions import WorkerHealthCheckFailedError

from au_core.errors import AuError
from pipelines.machinery.deaths import note, noted, words_of_death

OUT_OF_MEMORY = "CUDA error: out of memory\nCompile with `TORCH_USE_CUDA_DSA` to enable assertions"
UNHEALTHY = WorkerHealthCheckFailedError("A worker health check failed.\nWorker 0", ActorDiedError())


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (KeyError("AU99"), "KeyError: 'AU99'"),
        (RuntimeError(OUT_OF_MEMORY), "RuntimeError: CUDA error: out of memory"),
        (AuError("labels.csv: no such file\nin it"), "labels.csv: no such file"),
        (UNHEALTHY, "ActorDiedError: The actor died unexpectedly before finishing this task."),
        (RuntimeError(), "RuntimeError:"),
    ],
)
def test_a_death_is_told_by_the_first_line_of_its_cause(cause, words):
    assert words_of_death(WorkerGroupError("[Rank 0]", {0: cause})) == f"its workers died ({words})"


def test_where_no_worker_died_ray_is_named():
    error = ControllerError(RuntimeError("The worker group startup timed out\nPotential causes"))
    words = "Ray could not start its workers (RuntimeError: The worker group startup timed out)"
    assert words_of_death(error) == words


def test_all_of_an_error_is_kept_below_its_line(tmp_path):
    log = tmp_path / "deaths.log"
    try:
        raise RuntimeError(OUT_OF_MEMORY)
    except RuntimeError as error:
        error.add_note(traceback.format_exc())
        travelled = pickle.loads(pickle.dumps(error))
    assert noted(log) == []
    for words in ("first", "second"):
        note(words, WorkerGroupError("[Rank 0]: a snippet", {0: travelled}), log)
    assert noted(log) == ["first", "second"]
    text = log.read_text()
    assert text.count("TORCH_USE_CUDA_DSA") == 4 and "in test_all_of_an_error_is_kept" in text
    with log.open("a") as file:
        file.write("2026-01-01 00:00:00  half a li")
    assert len(noted(log)) == 2


def test_a_disk_that_takes_no_note_stops_nothing(tmp_path):
    note("its workers died", KeyError("AU99"), tmp_path / "gone" / "deaths.log")
