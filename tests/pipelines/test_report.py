import itertools

import pytest

from pipelines.machinery.cli import run
from pipelines.report import main, report
from tests.toy_runs import write_protocol, write_run


def test_report_writes_page_markdown_figures_and_csv(tmp_path):
    write_protocol(tmp_path, rates=(0.0, 0.5))
    assert report(tmp_path) == tmp_path / "report.html"
    written = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if "runs" not in path.parts
    }
    drawn = ("f1_per_au", "marginals", "conditionals", "f1_against_missing_rate", "training")
    files = {"report.html", "report.md", "table.csv", "experiment.json"}
    assert written == files | {"figures", *(f"figures/{name}.png" for name in drawn)}


def test_drawn_people_are_called_drawn_and_stand_beside_no_published_number(tmp_path):
    write_protocol(tmp_path, rates=(0.0,))
    text = report(tmp_path).with_suffix(".md").read_text()
    assert "people in this data are drawn" in text and "must not be compared with published numbers" in text
    assert "63.3" not in text and "Data | drawn people (synthetic)" in text


def test_real_data_is_named_and_compared(tmp_path):
    write_protocol(tmp_path, rates=(0.0,), data="/data/BP4D")
    text = report(tmp_path).with_suffix(".md").read_text()
    assert "> Data: `/data/BP4D`." in text and "| Ours | 0 % | F1 | 63.3 |" in text and "drawn" not in text


def test_a_folder_without_experiment_json_is_not_taken_for_real(tmp_path):
    write_run(tmp_path, "ours", 0.0, 1, 0, 0.5)
    text = report(tmp_path).with_suffix(".md").read_text()
    assert "cannot say what data these scores are from" in text and "63.3" not in text


def test_few_seeds_are_called_few(tmp_path):
    write_protocol(tmp_path)
    assert "Seeds so far: 1. With less than 5 seeds" in report(tmp_path).with_suffix(".md").read_text()
    for seed, fold in itertools.product(range(1, 5), (1, 2, 3)):
        for method in ("ours", "o_wlc"):
            write_run(tmp_path, method, 0.5, fold, seed, 0.5)
    assert "Seeds so far" not in report(tmp_path).with_suffix(".md").read_text()


def test_what_is_not_finished_is_told(tmp_path):
    write_protocol(tmp_path)
    write_run(tmp_path, "ours", 0.5, 1, 9, None)
    text = report(tmp_path).with_suffix(".md").read_text()
    assert "1 trainings are not finished" in text and "`runs/ours/missing=0.5/fold=1/seed=9`" in text


def test_nothing_to_report_is_one_line_and_exit_code_2(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        run(lambda: main(["--out", str(tmp_path)]))
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert "run pipelines/full_protocol.py" in error and "Traceback" not in error
