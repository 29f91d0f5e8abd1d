"""What the training benchmarks share must go on training: they are run by hand, and seldom."""

from dataclasses import replace

from tests.benchmarks.common import plan, train, write_faces
from tests.pipelines.conftest import in_this_process


def test_a_benchmark_trains_and_times_it(tmp_path):
    fold = plan(3, m=4, backbone="resnet10", input_size=32)
    fold = replace(fold, train=replace(fold.train, report_every=1))
    faces = write_faces(tmp_path / "faces", faces=16)
    with in_this_process():
        timed = train(faces, tmp_path, fold)
    assert timed["images/s"] > 0 and 0 < timed["start"] < 600
