"""Preprocessing killed at random moments, by driver, actor or node: run again, the same bytes.

``pytest tests/pipelines/test_interruptions.py --kills 20`` strikes twenty times in each test.
"""

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest

from au_core.config import PreprocessConfig, SyntheticConfig
from au_core.data.provenance import write_quality
from au_core.data.readers import list_sequences
from au_core.data.synthetic.write import write_sequence
from au_core.face.prepare import prepare_sequence
from pipelines.preprocess import main as preprocess
from tests.pipelines.processes import LIMIT, NODE, begin, cluster_of, descendants, end, finish, wait_until

SEQUENCES, FRAMES, DRAWN = 24, 120, 10


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Many sequences at the price of a few drawn frames, which each of them repeats."""
    root = tmp_path_factory.mktemp("archive")
    write_sequence(SyntheticConfig(subjects=3, frames=DRAWN), "F001", "T3", root)
    pictures = sorted((root / "F001" / "T3").iterdir(), key=lambda path: int(path.stem))
    for i in range(DRAWN, FRAMES):
        os.link(pictures[i % DRAWN], pictures[0].with_name(f"{i + 1}.jpg"))
    label, mat = root / "AUCoding" / "AU_OCC" / "F001_T3.csv", root / "2DFeatures" / "F001_T3.mat"
    header, *lines = label.read_text().splitlines()
    rows = [f"{i + 1},{lines[i % DRAWN].split(',', 1)[1]}" for i in range(FRAMES)]
    label.write_text("\n".join([header, *rows]) + "\n")
    with h5py.File(mat, "r+") as file:
        references = np.resize(file["fit/pred"][...], (FRAMES, 1))
        del file["fit/pred"]
        file.create_dataset("fit/pred", data=references)
    for i in range(1, SEQUENCES):
        name = f"F{i // 8 + 1:03}", f"T{i % 8 + 1}"
        if name != ("F001", "T3"):
            shutil.copytree(root / "F001" / "T3", root / name[0] / name[1], copy_function=os.link)
            os.link(label, label.with_name(f"{name[0]}_{name[1]}.csv"))
            os.link(mat, mat.with_name(f"{name[0]}_{name[1]}.mat"))
    return root


def contents(faces: Path) -> dict[str, bytes]:
    files = [*faces.glob("subject=*/*.parquet"), faces / "quality.parquet"]
    return {str(path.relative_to(faces)): path.read_bytes() for path in files if path.exists()}


@pytest.fixture(scope="module")
def whole(archive, tmp_path_factory):
    """What an undisturbed run makes of the archive, without Ray and one after another."""
    faces = tmp_path_factory.mktemp("whole") / "faces"
    rows = [prepare_sequence(ref, None, PreprocessConfig(), faces) for ref in list_sequences("bp4d", archive)]
    assert {row["status"] for row in rows} == {"ok"} and len(rows) == SEQUENCES - 1
    write_quality(rows, len(rows), faces)
    return contents(faces)


def arguments(archive: Path, out: Path) -> list[str]:
    return ["--layout", "bp4d", "--data", str(archive), "--out", str(out)]


def start(archive: Path, out: Path, **environment: str) -> subprocess.Popen:
    """As a command of its own, with a Ray of its own unless told of another."""
    return begin("pipelines.preprocess", *arguments(archive, out), **environment)


def finished(faces: Path) -> dict[Path, int]:
    """Shards and when they were written."""
    return {path: path.stat().st_mtime_ns for path in faces.glob("subject=*/*.parquet")}


def half_written(faces: Path) -> set[Path]:
    return set(faces.glob("subject=*/.*.tmp"))


@contextmanager
def reader(faces: Path) -> Iterator[None]:
    """Somebody who reads all shards there are, again and again; a half-written one would break it."""
    stop, errors = threading.Event(), []

    def read() -> None:
        while not stop.wait(0.05):
            for path in faces.glob("subject=*/*.parquet"):
                try:
                    assert pq.ParquetFile(path).read().num_rows == FRAMES
                except Exception as error:
                    errors.append(f"{path}: {error}")

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert not errors


def test_the_driver_killed(local_ray, archive, whole, tmp_path, request):
    """What was finished is not touched again, what was not is made anew, also while old workers still end."""
    faces, draw, orphans = tmp_path / "faces", random.Random(0), {}
    for _ in range(request.config.getoption("kills")):
        kept = finished(faces)
        if len(kept) == SEQUENCES - 1:
            shutil.rmtree(faces)
            kept = {}
        end(orphans)
        before = half_written(faces)
        with reader(faces):
            run = start(archive, tmp_path)
            wait_until(
                lambda before=before: finished(faces) and half_written(faces) - before,
                "a sequence to be finished, and one to be begun",
            )
            orphans = descendants(run.pid)
            time.sleep(draw.uniform(0, 1))
            run.kill()
            run.wait()
        assert kept.items() <= finished(faces).items(), "finished sequences were done again"
        made = contents(faces)
        assert "quality.parquet" in made, "at any time, so that a part is known as one"
        assert made.items() - {*whole.items()} <= {("quality.parquet", made["quality.parquet"])}
    kept = finished(faces)
    preprocess(arguments(archive, tmp_path))
    end(orphans)
    assert kept.items() <= finished(faces).items(), "finished sequences were done again"
    assert contents(faces) == whole
    next(iter(kept)).unlink()
    preprocess(arguments(archive, tmp_path))  # sweeps away what old workers left to their own end
    assert contents(faces) == whole and not list(faces.rglob(".*.tmp"))


def test_an_actor_killed(local_ray, archive, whole, tmp_path, request):
    """The same run goes on with another actor."""
    faces, draw, left = tmp_path / "faces", random.Random(1), request.config.getoption("kills")
    while left:
        shutil.rmtree(faces, ignore_errors=True)
        with reader(faces), ThreadPoolExecutor(1) as pool:
            run = pool.submit(preprocess, arguments(archive, tmp_path))
            for _ in range(min(left, 4)):
                wait_until(lambda run=run: half_written(faces) or run.done(), "a sequence")
                time.sleep(draw.uniform(0, 0.3))
                below = descendants(os.getpid())
                actors = [pid for pid, line in below.items() if "PrepareSequence" in line]
                if actors and not run.done():
                    os.kill(draw.choice(actors), signal.SIGKILL)
                    left -= 1
                    time.sleep(0.5)
            run.result(LIMIT)
        assert contents(faces) == whole and not (faces / ".tries").exists()
    assert not list(faces.rglob(".*.tmp"))


def test_a_hanging_file_costs_one_line(local_ray, tmp_path, monkeypatch, capsys):
    """A named pipe in place of a label file: whoever opens it waits for ever.

    Ray's nodes are there before the command is told how long to wait, as a cluster's are.
    """
    monkeypatch.setenv("AU_HANG_SECONDS", "1")
    cfg, data = SyntheticConfig(subjects=3, frames=8), tmp_path / "data"
    for task in ("T1", "T2"):
        write_sequence(cfg, "F001", task, data)
    label = data / "AUCoding" / "AU_OCC" / "F001_T1.csv"
    label.unlink()
    os.mkfifo(label)
    preprocess(arguments(data, tmp_path))
    words = capsys.readouterr().err
    assert "1 with problems" in words and "failed: F001 T1: 3 workers died of it, or hung for 1 s" in words
    assert [path.name for path in (tmp_path / "faces").glob("subject=*/*.parquet")] == ["T2.parquet"]


def test_a_node_killed(archive, whole, tmp_path, request):
    """Two nodes on this machine; one goes without a word, and comes back later."""
    faces, draw, left = tmp_path / "faces", random.Random(2), request.config.getoption("kills")
    with cluster_of(cores=1) as cluster:
        while left:
            shutil.rmtree(faces, ignore_errors=True)
            with reader(faces):
                node = cluster.add_node(**NODE)
                run = start(archive, tmp_path, RAY_ADDRESS=cluster.address)
                wait_until(lambda: half_written(faces), "a sequence to be begun")
                time.sleep(draw.uniform(0, 1))
                cluster.remove_node(node, allow_graceful=False)
                left -= 1
                words = finish(run)
            assert contents(faces) == whole, words
