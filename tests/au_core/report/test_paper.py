import pytest

from au_core.data.files import read_json, write_json
from au_core.report.blocks import Section, markdown
from au_core.report.distances import distribution_table
from au_core.report.page import build_sections, published_blocks
from au_core.report.paper import loss_ratio, published_comparison
from au_core.report.results import collect
from au_core.report.settings import run_table
from au_core.run_folder import run_folders
from tests.toy_runs import change_plans, write_experiment, write_protocol, write_run


def test_published_numbers_stand_beside_the_same_rate_only(tmp_path):
    write_protocol(tmp_path, rates=(0.0, 0.5), data="BP4D")
    table = published_comparison(collect(tmp_path))
    assert table is not None
    rows = {row[:3]: row[3:] for row in table.rows}
    assert rows["Ours", "0 %", "F1"] == ("63.3", "53.0 ± 1.0", "63.0 ± 1.0", "43.0 ± 1.0", "-10.3")
    assert rows["Ours", "50 %", "F1"] == ("60.6", "53.0 ± 1.0", "63.0 ± 1.0", "43.0 ± 1.0", "-7.6")
    assert rows["Ours", "0 %", "AUC"] == ("72.9", "75.0 ± 0.0", "-", "-", "+2.1")
    assert rows["DSIN", "0 %", "F1"] == ("61.7", "-", "-", "-", "-")
    assert rows["SRERL", "0 %", "AUC"] == ("74.1", "-", "-", "-", "-") and ("DSIN", "0 %", "AUC") not in rows
    assert ("O-wlc", "50 %", "F1") not in rows and ("Ours", "50 %", "AUC") not in rows


def test_other_methods_stand_beside_trainings_with_all_labels_only(tmp_path):
    write_protocol(tmp_path, rates=(0.5,), data="BP4D")
    table = published_comparison(collect(tmp_path))
    assert table is not None and {row[0] for row in table.rows} == {"Ours"}


@pytest.mark.parametrize("protocol", ["hashed_three_fold", "train_dev"])
def test_another_protocol_is_not_compared(tmp_path, protocol):
    write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    write_experiment(tmp_path, data="BP4D", protocol=protocol)
    assert published_comparison(collect(tmp_path)) is None


@pytest.mark.parametrize(
    ("layout", "name", "active_from", "compared"),
    [
        ("bp4d", "BP4D", 1, True),
        ("bp4d", "BP4D", 2, False),
        ("disfa", "DISFA", 2, True),
        ("disfa", "DISFA", 1, False),
        ("lists", "DISFA", 1, True),
    ],
)
def test_labels_that_are_not_the_datasets_own_are_not_compared(tmp_path, layout, name, active_from, compared):
    """Lists hold 0 and 1: DISFA's intensities were cut at 2 by whoever wrote them."""
    write_protocol(tmp_path, rates=(0.0, 0.5), data="/data")
    label_otherwise(tmp_path, layout, name, active_from)
    text = published(tmp_path)
    assert ("| Ours | 0 % | F1 | " in text) == compared
    reason = (
        f"by {name}'s own labels, which they are of, an AU is active from code {3 - active_from} on, here "
    )
    assert (f"{reason}from code {active_from} on (`--active-from`)" in text) == (not compared)
    printed = [row[-1] for row in distribution_table(collect(tmp_path)).rows if row[1] == "50 %"]
    assert printed == (["5.4", "5.6"] if (name, compared) == ("BP4D", True) else ["-", "-"])


def label_otherwise(out, layout, name, active_from):
    words = read_json(out / "experiment.json")
    words["config"] |= {"layout": layout}
    words["config"]["spec"] |= {"name": name, "active_from": active_from}
    write_json(words, out / "experiment.json")
    for folder in run_folders(out):
        config = read_json(folder.config)
        config["plan"]["spec"]["active_from"] = active_from
        write_json(config, folder.config)


def test_numbers_published_of_hidden_frames_do_not_stand_beside_other_hidden_labels(tmp_path):
    write_protocol(tmp_path, rates=(0.0, 0.5), data="BP4D")
    assert "| Ours | 50 % | F1 | 60.6 " in published(tmp_path)
    change_plans(tmp_path, missing_scheme="subject")
    assert "| Ours | 0 % | F1 | 63.3 " in published(tmp_path) and "| 50 % |" not in published(tmp_path)
    assert [row[-1] for row in distribution_table(collect(tmp_path)).rows] == ["-"] * 4
    assert ("Other settings", "`missing_scheme` subject") in run_table(collect(tmp_path)).rows


def published(out) -> str:
    return markdown("", "", [Section("", published_blocks(collect(out)))])


def test_a_dataset_of_no_published_number_has_nothing_to_leave_out(tmp_path):
    write_protocol(tmp_path, data="/data")
    label_otherwise(tmp_path, "manifest", "manifest", 2)
    assert "The paper prints none for this dataset" in published(tmp_path)


def test_who_has_drawn_other_people_than_the_paper_is_told_so(tmp_path):
    write_experiment(tmp_path, "/data", protocol="60_20_20")
    write_run(tmp_path, "ours", 0.0, 1, 0, 0.5)
    assert "58.7" in published(tmp_path) and "The people differ: the paper prints no list" in published(
        tmp_path
    )
    write_experiment(tmp_path, "/data", protocol="three_fold")
    text = published(tmp_path)
    assert "63.3" in text and "The people differ" not in text


def test_aus_that_another_dataset_brings_are_not_compared(tmp_path):
    write_protocol(tmp_path, rates=(0.0,), data="/data/BP4D")
    words = tmp_path / "experiment.json"
    content = read_json(words)
    content["config"]["spec"]["aus"] = content["config"]["spec"]["aus"][:2]
    write_json(content, words)
    for folder in run_folders(tmp_path):
        scores = read_json(folder.scores)
        scores["test"]["f1"] |= {"AU01": 0.1, "AU02": 0.3}
        write_json(scores, folder.scores)
    table = published_comparison(collect(tmp_path))
    assert table is not None and table.rows[0][:3] == ("Ours", "0 %", "F1")
    assert table.rows[0][4].startswith("20.0"), "the mean of AU 1 and 2"


@pytest.mark.parametrize(
    ("data", "printed"), [("BP4D", "; the paper prints about 1:15."), ("synthetic", ".")]
)
def test_the_ratio_of_the_two_losses_stands_beside_the_papers(tmp_path, data, printed):
    """The median of the last reports of those that have a D; O-wlc has none."""
    write_protocol(tmp_path, data=data)
    folder = write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    folder.history.write_text('{"step": 1, "train/adv_to_sup": 0.5}\n{"step": 2, "train/adv_to_sup": 9}\n')
    assert loss_ratio(collect(tmp_path)).endswith(f": 1:4.3, the median of 3 trainings{printed}")
    text = markdown("", "", build_sections(collect(tmp_path)))
    assert "1:4.3" in text


def test_without_a_discriminator_there_is_no_ratio(tmp_path):
    write_run(tmp_path, "o_wlc", 0.5, 1, 0, 0.5)
    write_run(tmp_path, "ours", 0.5, 1, 0, 0.5).history.unlink()
    assert loss_ratio(collect(tmp_path)) == ""
