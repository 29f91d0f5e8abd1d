import shutil

import pytest

from au_core.data.files import read_json, write_json
from au_core.errors import AuError
from au_core.run_folder import run_folders
from pipelines.evaluate import evaluate, main
from pipelines.machinery.cli import run
from tests.toy_runs import write_run


def test_a_training_of_another_version_is_one_line_that_names_its_file(tmp_path, capsys):
    folder = write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    folder.model.mkdir()
    config = read_json(folder.config)
    config["plan"]["train"]["mixup"] = 0.2
    write_json(config, folder.config)
    with pytest.raises(SystemExit) as stop:
        run(lambda: main(["--out", str(tmp_path)]))
    assert stop.value.code == 2
    assert (
        f"  {folder.path}: {folder.config}: not the plan of a training of this version"
        in capsys.readouterr().err
    )


@pytest.fixture
def copied(finished, tmp_path):
    """Two finished trainings, to be evaluated again."""
    shutil.copytree(finished.out, tmp_path / "out")
    return run_folders(tmp_path / "out"), tmp_path / "out" / "faces"


def test_a_model_made_with_a_gpu_is_evaluated_without_one(local_ray, copied):
    folders, faces = copied
    before = [read_json(folder.scores) for folder in folders]
    for folder in folders:
        config = read_json(folder.config)
        config["plan"]["scaling"] |= {"gpu": True, "cpus_per_worker": 10_000}
        write_json(config, folder.config)
        folder.predictions.unlink()
        folder.scores.unlink()
    evaluate(folders, faces)
    for folder, scores in zip(folders, before, strict=True):
        after = read_json(folder.scores)
        assert after["thresholds"] == pytest.approx(scores["thresholds"], abs=1e-5)
        assert after["test"]["f1"] == pytest.approx(scores["test"]["f1"])


def test_scores_are_never_of_other_faces_than_a_model_was_made_for(local_ray, copied, capsys):
    """As when another command makes the faces anew meanwhile; the others, which need none, are scored."""
    (first, second), faces = copied
    first.predictions.unlink()
    second.scores.unlink()
    next(faces.glob("subject=*/*.parquet")).unlink()
    error = (
        rf"1 of 2 trainings failed, .*\n  {first.path}: .*faces has changed since o_wlc missing=0.5 fold=1"
    )
    with pytest.raises(AuError, match=error):
        evaluate([first, second], faces)
    assert not first.predictions.exists() and second.scores.exists()
    assert capsys.readouterr().out.startswith(f"{second.path}  test F1 ")


def test_a_damaged_file_of_predictions_is_told_and_the_others_are_scored(copied):
    (first, second), faces = copied
    first.predictions.write_bytes(b"PAR1 damaged")
    second.scores.unlink()
    with pytest.raises(AuError, match=rf"1 of 2 trainings failed, .*\n  {first.path}: ArrowInvalid: "):
        evaluate([first, second], faces)
    assert second.scores.exists()
