"""Processes that decode for a Ray worker, begun in a thread of it as trainings are, end when it is killed."""

from pathlib import Path

from tests.pipelines.processes import descendants, wait_until
from tests.pipelines.toy_drawing import Drawing
from tests.toy import write_toy_faces


def test_they_serve_a_ray_worker_and_end_with_it(local_ray, tmp_path):
    import ray

    write_toy_faces(tmp_path)
    worker = ray.remote(num_cpus=0)(Drawing).remote(tmp_path)
    pid, unlike = ray.get(worker.draw.remote())
    helpers = descendants(pid)
    assert unlike == 0 and len(helpers) > 2, "a server and its decoders"
    ray.kill(worker)
    wait_until(lambda: not any(Path(f"/proc/{helper}").exists() for helper in helpers), "their end")
