import json
from dataclasses import asdict

from au_core.config import PreprocessConfig
from au_core.data.files import read_json, write_json, write_table
from au_core.data.schema import face_schema
from au_core.report.results import collect
from au_core.report.settings import run_table
from tests.toy_runs import write_experiment, write_run


def told(out) -> dict[str, str]:
    return dict(run_table(collect(out)).rows)


def write_recipes_faces(out, **settings):
    write_experiment(out)
    words = read_json(out / "experiment.json")
    words["config"]["preprocess"] |= settings
    write_json(words, out / "experiment.json")


def write_shard_made_with(out, **settings):
    made = {**asdict(PreprocessConfig()), **settings, "format": 3}
    schema = face_schema((1,)).with_metadata({"settings": json.dumps(made)})
    write_table(schema.empty_table(), out / "faces" / "subject=F001" / "T1.parquet")


def test_settings_of_the_faces_are_told_unless_they_are_the_defaults(tmp_path):
    write_run(tmp_path, "ours", 0.5, 1, 0, 0.5, noise=0.1)
    write_recipes_faces(tmp_path, detector="yunet")
    assert told(tmp_path)["Other settings"] == "`noise` 0.1"
    assert told(tmp_path)["Faces found by"] == "YuNet"
    write_recipes_faces(tmp_path, camera="right", keep_bad_landmarks=True, jpeg_quality=80)
    assert told(tmp_path)["Other settings"] == (
        "`noise` 0.1, `jpeg_quality` 80, `camera` right, `keep_bad_landmarks` True"
    )


def test_the_faces_themselves_know_best_how_they_were_made(tmp_path):
    """Another command may have made them than the one that wrote experiment.json."""
    write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    write_recipes_faces(tmp_path, size=128)
    write_shard_made_with(tmp_path, detector="yunet", min_confidence=0.8)
    assert told(tmp_path)["Other settings"] == "`min_confidence` 0.8"
    assert told(tmp_path)["Faces found by"] == "YuNet"


def test_the_lowest_code_that_means_active_is_told(tmp_path):
    for seed, active_from in ((0, 1), (1, 3)):
        folder = write_run(tmp_path, "ours", 0.5, 1, seed, 0.5)
        config = read_json(folder.config)
        config["plan"]["spec"]["active_from"] = active_from
        write_json(config, folder.config)
        expected = "1" if seed == 0 else "1 or 3"
        assert told(tmp_path)["AUs"].endswith(f"AU24 (BP4D, active from code {expected} on)")
