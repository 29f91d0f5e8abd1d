import pytest

from au_core.data.files import read_json, write_json
from pipelines.evaluate import main
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
    assert f"error: {folder.config}: not the plan of a training of this version" in capsys.readouterr().err
