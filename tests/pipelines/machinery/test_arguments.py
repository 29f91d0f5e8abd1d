"""What the arguments of the training commands stand for."""

import argparse
import os
from pathlib import Path

import pytest

from au_core.errors import ConfigError
from pipelines.machinery.arguments import add_experiment_arguments, add_settings, load_experiment
from pipelines.machinery.cluster import check_fits, cores_here
from pipelines.machinery.experiment import Experiment


def arguments(*words: str) -> Experiment:
    parser = argparse.ArgumentParser()
    add_experiment_arguments(parser)
    add_settings(parser, words)
    return load_experiment(parser.parse_args(words))


def test_more_datasets_are_named_by_layout_and_folder():
    found = arguments("--also", "disfa=/data/DISFA", "--also", "manifest=my.csv").also
    assert found == (("disfa", Path("/data/DISFA")), ("manifest", Path("my.csv")))


def test_unlabelled_video_must_not_hold_the_dataset_s_test_people(tmp_path):
    data = tmp_path / "all" / "BP4D"
    data.mkdir(parents=True)
    for folder in (data, data.parent):
        with pytest.raises(ConfigError, match=r"holds --data .*; expected a folder of other video"):
            arguments("--data", str(data), "--unlabelled", str(folder))
    with pytest.raises(ConfigError, match=r"lies in --data .*; expected a folder .* \(--uncoded N takes"):
        arguments("--data", str(data), "--unlabelled", str(data / "2D+3D" / "F001" / "T2"))
    assert arguments("--data", str(data), "--unlabelled", str(tmp_path / "more")).unlabelled
    own = ("--recipe", "manifest_three_fold", "--data", "own.csv", "--root", str(data))
    with pytest.raises(ConfigError, match=r"holds --root .*; expected a folder of other video"):
        arguments(*own, "--unlabelled", str(data.parent))
    for more in (tmp_path / "more", data / "more"):
        assert arguments(*own, "--unlabelled", str(more)).root == data


def test_only_the_files_of_a_manifest_lie_elsewhere():
    with pytest.raises(ConfigError, match=r"--root /data: of a manifest.*; in layout bp4d --data is the"):
        arguments("--data", "/data/BP4D", "--root", "/data")


@pytest.mark.parametrize("text", ["/data/DISFA", "gft=/data", "videos=/data", "disfa="])
def test_another_form_is_refused(text):
    with pytest.raises(ConfigError, match="expected LAYOUT=DIR such as disfa=/data/DISFA"):
        arguments("--also", text)


def test_two_datasets_of_one_layout_are_refused():
    with pytest.raises(ConfigError, match="--also lists= is given twice"):
        arguments("--also", "lists=/a", "--also", "disfa=/b", "--also", "lists=/c")


def test_other_data_goes_to_another_folder(monkeypatch):
    monkeypatch.delenv("AU_OUT", raising=False)
    alone, more = arguments("--data", "/d/BP4D"), arguments("--data", "/d/BP4D", "--also", "disfa=/d/DISFA")
    assert (alone.out, more.out) == (Path("out/demo-BP4D"), Path("out/demo-BP4D-disfa-DISFA"))
    assert arguments("--unlabelled", "/d/v1.5").out == Path("out/demo-unlabelled-v1.5")


def test_settings_of_a_recipe_can_be_changed_by_every_command():
    cfg = arguments("--recipe", "bp4d_three_fold", "--no-gpu", "--weights", "none", "--steps", "7").cfg
    assert (cfg.scaling.gpu, cfg.train.weights, cfg.adversarial.steps) == (False, None, 7)
    assert cfg.train.backbone == "resnet50" and cfg.adversarial.alpha == 0.01


def test_every_command_hides_labels_by_whole_videos_or_people_if_asked():
    assert arguments("--missing-scheme", "sequence").cfg.missing_scheme == "sequence"
    assert arguments().cfg.missing_scheme == "frame"


def test_a_laptop_gives_a_training_the_cores_it_has(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    words = ("--recipe", "bp4d_three_fold", "--no-gpu")
    assert arguments(*words).cfg.scaling.cpus_per_worker == 2
    assert arguments(*words, "--workers", "2").cfg.scaling.cpus_per_worker == 1
    check_fits(arguments(*words).cfg.scaling)
    with pytest.raises(ConfigError, match=r"3 cores .*, this machine has 2; lower --workers"):
        check_fits(arguments(*words, "--cpus-per-worker", "3").cfg.scaling)
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    assert arguments(*words).cfg.scaling.cpus_per_worker == 4


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no mask of cores")
def test_cores_that_a_batch_system_keeps_from_us_are_not_asked_for():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cores_here() == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_files_are_named_by_whole_paths(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("w.pth", "p.csv"):
        Path(name).touch()
    cfg = arguments("--weights", "w.pth", "--label-prior", "p.csv").cfg
    assert (cfg.train.weights, cfg.adversarial.label_prior) == (f"{tmp_path}/w.pth", f"{tmp_path}/p.csv")
    assert arguments("--weights", "IMAGENET1K_V2").cfg.train.weights == "IMAGENET1K_V2"
