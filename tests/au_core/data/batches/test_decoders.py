import os
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from au_core.aus import BP4D
from au_core.config import AdversarialConfig, TrainConfig
from au_core.data.batches.sampling import Sampler
from au_core.data.batches.slots import SharedSlots
from au_core.data.faces import load_faces
from au_core.data.fold import TrainingSet
from au_core.errors import ConfigError, DatasetError
from tests.pipelines.processes import LIMIT, ROOT, descendants, wait_until
from tests.toy import PEOPLE, stream_of, write_toy_faces

CFG = AdversarialConfig(m1=4, m2=8)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return load_faces(write_toy_faces(tmp_path_factory.mktemp("faces")), BP4D, PEOPLE)


@contextmanager
def sampler(faces, processes=2):
    with closing(open_sampler(faces, processes)) as draw:
        yield draw


def open_sampler(faces, processes=2) -> Sampler:
    return Sampler(TrainingSet(faces, faces.labels), CFG, TrainConfig(input_size=32), 5, processes=processes)


def decoders() -> list[int]:
    """Processes that make batches: grandchildren, below the fork server."""
    return [pid for pid, line in descendants(os.getpid()).items() if "forkserver" in line][1:]


def test_processes_make_the_batches_that_would_be_made_on_the_spot(faces):
    with sampler(faces, 0) as plain, sampler(faces) as apart:
        for first in (3, 1, 14):  # forth, back, and over one that is being made
            plain.seek(first)
            apart.seek(first)
            for a, b in zip(stream_of(plain, 12), stream_of(apart, 12), strict=True):
                torch.testing.assert_close(a, b, rtol=0, atol=0)


@pytest.mark.parametrize("numbers", [(0, 2, 3, 5, 6, 8), (4, 3, 3)])
def test_a_jump_never_shows_a_batch_that_is_not_ready(faces, numbers):
    with sampler(faces, 0) as plain, sampler(faces, 1) as apart:
        for number in numbers:
            for draw in (plain, apart):
                draw.position["images"] = number
            assert torch.equal(plain.images()[0], apart.images()[0])


@pytest.fixture
def broken(faces):
    """One face cannot be read."""
    return replace(faces, length=np.where(np.arange(len(faces)) == 50, 1, faces.length))


def test_an_unreadable_face_is_told_when_it_is_asked_for_each_time(broken):
    with sampler(broken) as draw, sampler(broken, 0) as plain:
        for number in range(20):
            try:
                expected = plain.streams["images"](number)[0]
            except DatasetError:
                for _ in range(2):
                    with pytest.raises(RuntimeError, match=r"(?s)Traceback.*a stored face is damaged"):
                        draw.streams["images"](number)
                return
            assert torch.equal(draw.streams["images"](number)[0], expected)
    raise AssertionError("nobody asked for the broken face")


def test_processes_end_though_their_error_is_kept(broken):
    with pytest.raises(RuntimeError) as kept, sampler(broken) as draw:
        for _ in range(20):
            draw.images()
    assert kept.tb is not None and not decoders()


def test_a_killed_process_is_told_soon(faces):
    with sampler(faces) as draw:
        draw.images()
        os.kill(decoders()[0], signal.SIGKILL)
        started = time.perf_counter()
        with pytest.raises(RuntimeError, match="exited unexpectedly"):
            for _ in range(20):
                draw.images()
    assert time.perf_counter() - started < 30


def test_too_little_shared_memory_is_told(monkeypatch):
    def refuse(_):
        raise RuntimeError("unable to allocate shared memory(shm)")

    monkeypatch.setattr(torch.Tensor, "share_memory_", refuse)
    with pytest.raises(ConfigError, match=r"no 6 MiB of shared memory .*unable to allocate.* \(--shm-size\)"):
        SharedSlots(3, (2, 2**20), torch.device("cpu"))


def test_memory_for_a_gpu_is_pinned_once_and_a_slot_is_free_when_it_has_been_copied(monkeypatch):
    calls = []

    class Event:
        def record(self):
            calls.append("record")

        def synchronize(self):
            calls.append("wait")

    monkeypatch.setattr(torch.cuda, "Event", Event)
    cuda = "au_core.data.batches.slots._cuda"
    monkeypatch.setattr(cuda, lambda function, *rest: calls.append((function, *rest)))
    slots = SharedSlots(2, (3, 4), torch.device("cuda"))
    at = slots.pictures.data_ptr()
    monkeypatch.setattr(slots, "_device", torch.device("cpu"))
    slots.free()
    batch = slots.take(1)
    slots.pictures.fill_(7)
    assert batch.shape == (3, 4) and (batch == 0).all(), "a copy"
    slots.release()
    slots.release()
    expected = [("cudaHostRegister", at, 24, 0), "wait", "record", "wait", ("cudaHostUnregister", at)]
    assert calls == expected


def test_processes_end_with_their_sampler(faces):
    with sampler(faces) as draw:
        draw.images()
        assert decoders()
        started = time.perf_counter()
    assert not decoders()
    assert time.perf_counter() - started < 5, "they were asked to end, not waited for in vain"


def begun(folder: Path) -> subprocess.Popen[str]:
    """This file as a process of its own, which has drawn a batch; it leads a group of processes."""
    run = subprocess.Popen(
        [sys.executable, "-m", "tests.au_core.data.batches.test_decoders", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    assert run.stdout is not None and run.stdout.readline() == "drawn\n"
    return run


def test_processes_end_when_the_one_they_work_for_is_killed(tmp_path):
    run = begun(tmp_path)
    helpers = descendants(run.pid)
    assert len(helpers) > 2, "a server and its decoders"
    run.kill()
    run.communicate()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in helpers), "the end of the decoders")


def test_ctrl_c_is_told_by_the_one_who_asked_alone(tmp_path):
    run = begun(tmp_path)
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=LIMIT)
    assert errors.count("Traceback") == 1 and errors.endswith("KeyboardInterrupt\n")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs do not hear Ctrl-C
    draw = open_sampler(load_faces(write_toy_faces(Path(sys.argv[1])), BP4D, PEOPLE))
    draw.images()
    print("drawn", flush=True)
    for _ in range(1000):  # a signal between two steps of Python does not end the sleep that begins then
        time.sleep(0.1)
