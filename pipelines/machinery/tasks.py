"""One function on many things, each in a Ray task of its own; what fails takes nothing else with it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from au_core.config import ScalingConfig
from au_core.errors import AuError
from pipelines.machinery.cluster import connect, cores_of, has_gpu, our_errors

K = TypeVar("K")
MEMORY = 2 * 2**30
"""Bytes that a task holds of Ray's, or many cores would begin more than a machine can bear (measured: 1.6
where a ResNet-50 predicts)."""


def as_done(
    function: Callable[..., None], jobs: Mapping[K, Sequence[Any]], scaling: ScalingConfig
) -> Iterator[tuple[K, Exception | None]]:
    """Each of ``jobs`` when ``function(*its arguments, cores, gpu)`` has ended, with its error, if any.

    As many run at once as find cores, or GPUs if ``scaling`` asks for them and there are any.
    """
    import ray

    if not jobs:
        return
    connect()
    scaling = cores_of(replace(scaling, workers=1))
    cores, gpu = scaling.cpus_per_worker, scaling.gpu and has_gpu()
    memory = min(MEMORY, ray.cluster_resources().get("memory", 0))  # a task that asks for more waits for ever
    task: Any = ray.remote(function).options(num_cpus=cores, num_gpus=int(gpu), memory=memory)
    running = {task.remote(*args, cores, gpu): job for job, args in jobs.items()}
    while running:
        (done, *_), _ = ray.wait(list(running))
        yield running.pop(done), _error_of(done)


def _error_of(done: Any) -> Exception | None:  # noqa: ANN401
    import ray

    try:
        with our_errors():
            ray.get(done)
    except Exception as error:
        return error
    return None


def raise_failures(reasons: Mapping[str, str], total: int, noun: str) -> None:
    """Tell at the end what failed, each with its reason.

    Raises:
        AuError: anything did.
    """
    if reasons:
        lines = "\n  ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise AuError(f"{len(reasons)} of {total} {noun} failed, the others are kept:\n  {lines}")
