import pytest
import ray

from au_core.config import ScalingConfig
from au_core.errors import AuError, ConfigError
from pipelines.machinery.cluster import cores_here
from pipelines.machinery.tasks import as_done, raise_failures


def test_tasks_run_side_by_side_and_each_fails_alone(local_ray, tmp_path):
    """Each of two waits for the other, if there are cores for both; the third cannot be done."""
    others = {"a": "b", "b": "a"} if cores_here() > 1 else {"a": "a", "b": "b"}

    def work(name, cores, gpu):
        import time
        from pathlib import Path

        if name == "wrong":
            raise ConfigError("a wrong setting")
        Path(tmp_path, name).write_text(f"{cores} {gpu} {ray.get_runtime_context().get_assigned_resources()}")
        while not Path(tmp_path, others[name]).exists():
            time.sleep(0.1)

    scaling = ScalingConfig(workers=2, cpus_per_worker=1, gpu=False)
    done = dict(as_done(work, {name: (name,) for name in ("a", "wrong", "b")}, scaling))
    assert done["a"] is None and done["b"] is None
    assert isinstance(done["wrong"], ConfigError) and str(done["wrong"]) == "a wrong setting"
    assert (tmp_path / "a").read_text().startswith("1 False ")
    assert "'memory': " in (tmp_path / "a").read_text()


def test_of_no_jobs_ray_is_not_started(monkeypatch):
    monkeypatch.setattr("pipelines.machinery.tasks.connect", lambda: pytest.fail("started"))
    assert not list(as_done(print, {}, ScalingConfig()))


def test_failures_are_told_together():
    raise_failures({}, 3, "models")
    with pytest.raises(AuError, match=r"^2 of 3 models failed, .* kept:\n  a: no face\n  b: no file$"):
        raise_failures({"a": "no face", "b": "no file"}, 3, "models")
