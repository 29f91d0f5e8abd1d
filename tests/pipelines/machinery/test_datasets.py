"""A dataset as it is listed: what people are told before its faces are found."""

import shutil

import pytest

from au_core.config import PreprocessConfig
from pipelines.machinery.datasets import list_dataset
from pipelines.preprocess import main


@pytest.fixture
def no_detector(monkeypatch):
    """A file that passes for a detector, where none is asked."""
    monkeypatch.setattr("pipelines.machinery.datasets.load_detector", lambda *_, **__: None)
    return PreprocessConfig(detector=__file__)


def test_what_of_a_manifest_is_passed_over_or_not_there_is_told(no_detector, tmp_path, capsys):
    table = tmp_path / "own.csv"
    lines = ["path,subject,sequence,frame,age,AU12", "b.mp4,bert,talk,1,30,1", "a.mp4,anna,smile,1,30,1"]
    table.write_text("\n".join(lines))
    (tmp_path / "a.mp4").touch()
    list_dataset("manifest", table, tmp_path / "faces", no_detector)
    columns, files = capsys.readouterr().err.splitlines()
    assert columns == f"{table}: columns passed over: 'age'; codes are AU12"
    assert files.startswith(f"{table}: warning: 1 of 2 files are not there, the first b.mp4 (line 2); bring")


def test_a_manifest_may_lie_elsewhere_than_its_files(no_detector, tmp_path, monkeypatch, capsys):
    listed = []
    monkeypatch.setattr("pipelines.preprocess.find_faces", lambda dataset: listed.extend(dataset.refs))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.mp4").touch()
    lines = ["path,subject,sequence,frame,AU12", "a.mp4,anna,smile,1,1", "b.mp4,bert,talk,1,1"]
    (tmp_path / "own.csv").write_text("\n".join(lines))
    words = ["--layout", "manifest", "--data", "own.csv", "--root", "data", "--detector", __file__]
    main([*words, "--out", str(tmp_path)])
    assert [(ref.root, ref.source) for ref in listed] == [
        (str(tmp_path / "data"), "a.mp4"),
        (str(tmp_path / "data"), "b.mp4"),
    ]
    assert "1 of 2 files are not there, the first b.mp4 (line 3)" in capsys.readouterr().err


@pytest.mark.parametrize(("uncoded", "fate"), [(0, "left out (with --uncoded N they"), (3, "they join T2")])
def test_sequences_without_a_label_file_are_told(twin, tmp_path, capsys, uncoded, fate):
    shutil.copytree(twin, tmp_path / "data")
    sorted((tmp_path / "data" / "AUCoding" / "AU_OCC").iterdir())[1].unlink()
    for data, told in ((twin, False), (tmp_path / "data", True)):
        list_dataset("bp4d", data, tmp_path / "faces", PreprocessConfig(uncoded=uncoded))
        words = f"{data}: 1 sequences have no label file, such as F002 T1: {fate}"
        assert (words in capsys.readouterr().err) == told


@pytest.mark.parametrize(("n", "told"), [(99, False), (100, True)])
def test_many_single_pictures_are_told(tmp_path, yunet, capsys, n, told):
    """Somebody may have meant them for the frames of one video: a cover beside these makes an album."""
    for i in range(n):
        (tmp_path / f"picture {'abcdefghij'[i % 10]}{i * i}.jpg").touch()
    list_dataset("videos", tmp_path, tmp_path / "faces", PreprocessConfig(detector=str(yunet)))
    assert (f"{n} pictures are a sequence each; a folder of alike" in capsys.readouterr().err) == told
