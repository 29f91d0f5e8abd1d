import errno
from functools import cache

import cv2
import pytest

from au_core.config import SyntheticConfig
from au_core.data.files import raise_if_full
from au_core.data.synthetic import sheet
from au_core.data.synthetic.sheet import EDGE, LABEL
from au_core.data.synthetic.write import is_written, plan_sequences, write_sequence
from au_core.errors import AuError, ConfigError, FullDiskError
from pipelines.make_synthetic import _claim, _draw, main, make_synthetic
from tests.pipelines.conftest import snapshot
from tests.pipelines.processes import begin, descendants, end, wait_until

CFG = SyntheticConfig(subjects=3, sequences=2, frames=3)


def test_what_is_missing_is_drawn_and_what_is_there_is_kept(in_turn, tmp_path, monkeypatch):
    make_synthetic(CFG, tmp_path)
    before = snapshot(tmp_path)
    (tmp_path / "AUCoding" / "AU_OCC" / "F001_T2.csv").unlink()
    make_synthetic(CFG, tmp_path)
    changed = {name for name, time in snapshot(tmp_path).items() if before[name] != time}
    assert changed and all("F001" in name and "T2" in name for name in changed)
    monkeypatch.setattr("pipelines.make_synthetic._draw_all", lambda *_: pytest.fail("drew again"))
    make_synthetic(CFG, tmp_path)


def test_rays_workers_write_the_bytes_of_one_process(local_ray, tmp_path):
    make_synthetic(CFG, tmp_path / "ray")
    for subject, sequence in reversed(plan_sequences(CFG)):
        write_sequence(CFG, subject, sequence, tmp_path / "one")
    ray, one = (
        {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files_below(tmp_path / name)}
        for name in ("ray", "one")
    )
    assert ray.pop("synthetic.json") and len(one) == 6 * 5
    assert ray == one


def test_a_killed_drawing_goes_on_and_ends_with_the_same_bytes(local_ray, tmp_path):
    import ray

    cluster = ray.get_runtime_context().gcs_address  # to start another Ray would take longer
    cfg = SyntheticConfig(subjects=3, sequences=2, frames=30)
    words = ("--subjects", 3, "--sequences", 2, "--frames", 30)
    run = begin("pipelines.make_synthetic", "--out", tmp_path / "ray", *words, RAY_ADDRESS=cluster)
    wait_until(lambda: any(is_written(cfg, *names, tmp_path / "ray") for names in plan_sequences(cfg)), "one")
    below = descendants(run.pid)
    run.kill()
    run.communicate()
    end(below)
    assert not all(is_written(cfg, *names, tmp_path / "ray") for names in plan_sequences(cfg))
    make_synthetic(cfg, tmp_path / "ray")
    for subject, sequence in plan_sequences(cfg):
        write_sequence(cfg, subject, sequence, tmp_path / "one")
    for path in files_below(tmp_path / "one"):
        assert path.read_bytes() == (tmp_path / "ray" / path.relative_to(tmp_path / "one")).read_bytes()


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_another_dataset_is_not_mixed_in(in_turn, tmp_path):
    make_synthetic(CFG, tmp_path)
    with pytest.raises(ConfigError, match="holds a drawn dataset of other settings; choose another --out"):
        make_synthetic(SyntheticConfig(subjects=3, sequences=2, frames=4), tmp_path)


def test_a_full_disk_in_a_worker_travels_as_words(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pipelines.make_synthetic.write_sequence", full)
    row = _draw({"subject": "F001", "sequence": "T1"}, CFG, str(tmp_path))
    with pytest.raises(FullDiskError, match="no space left on the disk; make room and run the same command"):
        raise_if_full([row["failed"]])


def test_real_data_are_neither_drawn_over_nor_marked_as_drawn(tmp_path):
    """BP4D's people have the names of the drawn ones."""
    picture = tmp_path / "F001" / "T1" / "2440.jpg"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"real")
    with pytest.raises(ConfigError, match="holds F001, which is not drawn; choose another --out"):
        make_synthetic(CFG, tmp_path)
    assert files_below(tmp_path) == [picture] and picture.read_bytes() == b"real"


def test_what_cannot_be_written_is_one_line(local_ray, tmp_path):
    _claim(CFG, tmp_path)
    (tmp_path / "AUCoding").write_text("a file where a folder belongs")
    with pytest.raises(AuError, match=r"6 of 6 sequences could not be written, the first: .*AUCoding"):
        make_synthetic(CFG, tmp_path)


@pytest.fixture
def few_portraits(monkeypatch):
    """Of the sheets' 346, those of an AU at 5 or of a smile; other people are neutral, each drawn once."""
    drawn = cache(lambda cfg, name, shown, draw=sheet.portrait: draw(cfg, name, dict(shown)))

    def portrait(cfg, name, shown):
        strong = len(shown) > 1 or 5.0 in shown.values()
        return drawn(cfg, name, tuple(shown.items()) if strong else ())

    monkeypatch.setattr(sheet, "portrait", portrait)


def test_pictures_to_look_at(few_portraits, tmp_path):
    names = {name: str(tmp_path / f"{name}.png") for name in ("sheet", "people", "strip")}
    film = str(tmp_path / "film.mp4")
    main(
        [
            *(word for name, path in names.items() for word in (f"--{name}", path)),
            "--video",
            film,
            "--frames",
            "20",
        ]
    )
    shapes = {name: cv2.imread(path).shape for name, path in names.items()}
    assert shapes["sheet"] == (17 * EDGE, LABEL + 18 * EDGE, 3)
    assert shapes["people"] == (4 * EDGE, 10 * EDGE, 3) and shapes["strip"] == (320, 14 * 256, 3)
    video = cv2.VideoCapture(film)
    assert sum(video.read()[0] for _ in range(30)) == 20
    assert not (tmp_path / "synthetic.json").exists()
