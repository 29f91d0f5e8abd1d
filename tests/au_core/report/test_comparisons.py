from itertools import product

import pyarrow as pa
import pytest

from au_core.data.files import read_json, write_json, write_table
from au_core.data.schema import QUALITY
from au_core.report.blocks import Table, markdown
from au_core.report.comparisons import difference_table
from au_core.report.notice import notice
from au_core.report.page import build_sections, difference_blocks
from au_core.report.results import averaged, collect
from au_core.report.settings import run_table
from au_core.run_folder import run_folders
from tests.toy_runs import change_plans, write_experiment, write_protocol, write_run


def test_differences_have_a_mean_an_interval_and_their_number(tmp_path):
    write_protocol(tmp_path)
    table = difference_table(collect(tmp_path))
    assert table is not None
    assert table.rows == (
        (
            "Ours against O-wlc",
            "50 %",
            "+3.0",
            "+3.0 to +3.0",
            "+0.0",
            "+0.0",
            "3 of 3",
            "1",
        ),
    )


def test_folds_that_differ_make_a_difference_no_less_sure_and_seeds_do(tmp_path):
    """Whose seeds agree, is as sure as can be, however far apart the folds are."""
    for fold, seed in product((1, 2, 3), (0, 1)):
        write_run(tmp_path, "o_wlc", 0.5, fold, seed, 0.5)
        write_run(tmp_path, "ours", 0.5, fold, seed, 0.5 + fold / 10)
    assert "+20.0 ± 0.0" in first_row(tmp_path)
    write_run(tmp_path, "ours", 0.5, 1, 1, 0.66)  # 10 and 16: ± 3, a third of it in three folds' mean
    assert "+21.0 ± 1.0" in first_row(tmp_path)


def test_variants_stand_against_ours_and_the_baseline_under_names_of_their_own(tmp_path):
    """A variant may have any setting of its own; which, the report says."""
    write_protocol(tmp_path)
    for fold in (1, 2, 3):
        write_run(tmp_path, "ours+relaxed", 0.5, fold, 0, 0.6, relaxed=0.5, lr_r=1e-3)
        write_run(tmp_path, "ours+hard", 0.5, fold, 0, 0.4, relaxed=0.5, hard=True)
    results = collect(tmp_path)
    table = difference_table(results)
    assert table is not None and {row[0]: row[2] for row in table.rows} == {
        "Ours against O-wlc": "+3.0",
        "Ours+hard against Ours+relaxed": "-20.0",
        "Ours+hard against Ours": "-13.0",
        "Ours+hard against O-wlc": "-10.0",
        "Ours+relaxed against Ours": "+7.0",
        "Ours+relaxed against O-wlc": "+10.0",
    }
    assert table.rows[0][0] == "Ours against O-wlc" and results.unlike == {}
    settings = dict(run_table(results).rows)
    assert settings["Ours+relaxed"] == "`lr_r` 0.001, `relaxed` 0.5"
    assert settings["Ours+hard"] == "`relaxed` 0.5, `hard` True"
    write_run(tmp_path, "ours+hard", 0.5, 1, 1, 0.4, relaxed=0.5, hard=True, lr_r=1e-3)
    assert collect(tmp_path).unlike == {"adversarial.lr_r": ["0.0001", "0.001"]}


def first_row(out) -> tuple:
    table = difference_table(collect(out))
    assert table is not None
    return table.rows[0]


def test_how_far_people_move_a_difference_is_unknown_where_each_part_has_one(tmp_path):
    write_protocol(tmp_path)
    for folder in run_folders(tmp_path):
        scores = read_json(folder.scores)
        write_json({**scores, "people": {"M001": scores["people"]["M001"]}}, folder.scores)
    table = difference_table(collect(tmp_path))
    assert table is not None and [row[3] for row in table.rows] == ["-"]


def test_seeds_are_counted_where_they_are_fewest(tmp_path):
    write_protocol(tmp_path)
    for seed in range(1, 5):
        for method, rate in (("ours", 0.5), ("ours", 0.0), ("o_wlc", 0.0)):
            write_run(tmp_path, method, rate, 1, seed, 0.5)
    write_run(tmp_path, "o_wlc", 0.5, 1, 1, 0.5)
    results = collect(tmp_path)
    table = difference_table(results)
    assert table is not None and [row[-1] for row in table.rows] == ["0", "1"], (
        "of all labels on fold 1 alone"
    )
    (section,) = [part for part in build_sections(results) if part.title == "One method against another"]
    assert section.blocks[1] == (
        "Seeds so far: 0. With less than 5 seeds on every test part, a difference may be chance in training. "
        "Seeds tell no more than that: of chance in who was filmed the interval over test people tells."
    )


def test_folds_count_alike_however_many_seeds_each_has(tmp_path):
    """One fold of five seeds, in which ours is better, must not outvote two in which it is worse."""
    write_experiment(tmp_path)
    for fold, ours, others in ((1, 0.5, 0.49), (2, 0.6, 0.62), (3, 0.7, 0.72)):
        for seed in range(5 if fold == 1 else 1):
            write_run(tmp_path, "ours", 0.5, fold, seed, ours)
            write_run(tmp_path, "o_wlc", 0.5, fold, seed, others)
    results = collect(tmp_path)
    table = difference_table(results)
    assert table is not None and table.rows[0][2] == "-1.0"
    assert averaged(results.of("ours", 0.5), "f1").mean == pytest.approx(60.0)


def test_a_missing_test_part_is_told_however_many_seeds_there_are(tmp_path):
    write_experiment(tmp_path)
    for seed in range(5):
        for method in ("ours", "o_wlc"):
            write_run(tmp_path, method, 0.5, 1, seed, 0.5)
    results = collect(tmp_path)
    (section,) = [part for part in build_sections(results) if part.title == "One method against another"]
    assert str(section.blocks[1]).startswith(
        "Test parts so far: 1. With less than 5 seeds on every test part"
    )
    assert "Averages are over test part 1 alone: three_fold has 2, 3 too." in notice(results)


def test_a_test_part_that_one_method_lacks_is_told(tmp_path):
    """However many seeds the others have: the pairs are then of fewer people than they seem."""
    write_experiment(tmp_path)
    for fold in (1, 2, 3):
        for seed in range(5):
            write_run(tmp_path, "ours", 0.5, fold, seed, 0.5)
            if fold == 1:
                write_run(tmp_path, "o_wlc", 0.5, fold, seed, 0.49)
    results = collect(tmp_path)
    (section,) = [part for part in build_sections(results) if part.title == "One method against another"]
    table, caveat = section.blocks[:2]
    assert isinstance(table, Table) and table.rows[0][-2:] == ("5 of 5", "0")
    assert str(caveat).startswith("Seeds so far: 0. With less than 5 seeds on every test part, a difference")


def test_pairs_that_two_machines_computed_are_told_beneath_the_table(tmp_path):
    write_protocol(tmp_path, rates=(0.0, 0.5))
    assert "different devices" not in below_the_differences(tmp_path)
    cpu = {"device": "a processor", "precision": "fp32"}
    for rate, fold, machine in ((0.0, 1, {**cpu, "device": "H100"}), (0.5, 2, {**cpu, "precision": "bf16"})):
        write_json(machine, write_run(tmp_path, "ours", rate, fold, 0, 0.5).machine)
    write_run(tmp_path, "ours", 0.5, 3, 0, 0.5).machine.unlink()
    assert below_the_differences(tmp_path).endswith(
        "Computed on different devices or in different precision, which alone changes scores: 2 of 6 pairs."
    )


def below_the_differences(out) -> str:
    return "\n".join(map(str, difference_blocks(collect(out))[1:]))


def test_aus_that_cannot_have_been_learned_are_told_before_any_number(tmp_path):
    write_experiment(tmp_path)
    for fold in (1, 2, 3):
        folder = write_run(tmp_path, "ours", 0.5, fold, 0, 0.5)
        counts = {"faces": 1000, "labelled": 400 + 100 * fold, "labelled_share": 0.4 + fold / 10}
        counts |= {"unlabelled_drawn": fold == 1, "known": {"AU01": 5, "AU02": 5}}
        write_json(counts | {"present": {"AU01": 2, "AU02": 0 if fold == 3 else 1}}, folder.training_set)
    results = collect(tmp_path)
    assert "or none at all: AU02 (test part 3). Scores there are chance." in notice(results)
    rows = dict(run_table(results).rows)
    assert rows["Training faces with labels"] == "50 % hidden: 600 of 1,000 (60.0 %)"
    assert "32 labelled + 32 unlabelled faces each, or 64 labelled faces each, no unlabe" in rows["Training"]


def test_aus_whose_threshold_nothing_could_choose_are_told(tmp_path):
    """Where the validation people never show an AU, the best threshold is not known: 0.5 is taken."""
    for fold in (1, 2, 3):
        folder = write_run(tmp_path, "ours", 0.5, fold, 0, 0.5)
        scores = read_json(folder.scores)
        scores["val"]["f1"] |= {"AU09": None if fold > 1 else 0.3, "AU24": 0.2}
        write_json(scores, folder.scores)
    words = "AUs never present in the validation people: AU09 (test part 2, 3)."
    assert f"{words} Their threshold there is 0.5." in notice(collect(tmp_path))
    for folder in run_folders(tmp_path):
        scores = read_json(folder.scores)
        scores["val"]["f1"]["AU09"] = 0.0
        write_json(scores, folder.scores)
    assert "validation people" not in notice(collect(tmp_path))


def test_a_report_of_trainings_without_validation_people_promises_no_choice_by_them(tmp_path):
    write_protocol(tmp_path, rates=(0.0,), data="BP4D")
    change_plans(tmp_path, val_subjects=[])
    for folder in run_folders(tmp_path):
        scores = read_json(folder.scores)
        scores["val"]["f1"] = dict.fromkeys(scores["val"]["f1"])
        write_json({**scores, "test": scores["test_at_half"], "always_1": scores["test"]}, folder.scores)
    results = collect(tmp_path)
    assert "little has been learned" not in notice(results), "rare AUs seldom reach 0.5, however well known"
    assert "No one was held out to choose on: R is of the last step" in notice(results)
    assert "never present" not in notice(results)
    page = markdown("", "", build_sections(results))
    assert "validation subjects" not in page and "validation-selected" not in page
    assert "| F1 last step, at 0.5 | F1 test-selected | F1 of always 1 |" in page
    assert "| Published | Here | Here, test-selected | Here less published |" in page


def test_lost_sequences_are_told_before_any_number(tmp_path):
    write_protocol(tmp_path)
    assert "sequences" not in notice(collect(tmp_path))
    row = dict.fromkeys(QUALITY.names) | {"subject": "F001", "faces_found": 0}
    rows = [row | {"status": status} for status in ("ok", "failed", "partial")]
    write_table(pa.Table.from_pylist(rows, QUALITY), tmp_path / "faces" / "quality.parquet")
    assert "2 of 3 sequences failed or lack frames" in notice(collect(tmp_path))


def test_without_a_pair_there_is_no_table(tmp_path):
    write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    write_run(tmp_path, "o_wlc", 0.5, 2, 0, 0.5)
    assert difference_table(collect(tmp_path)) is None
