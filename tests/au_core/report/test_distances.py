import pytest

from au_core.data.files import read_json, write_json
from au_core.report.distances import distance_differences, distribution_table
from au_core.report.results import collect
from au_core.run_folder import run_folders
from tests.toy_runs import write_protocol, write_run


@pytest.mark.parametrize(("data", "printed"), [("BP4D", ["5.4", "5.6"]), ("synthetic", ["-", "-"])])
def test_the_table_stands_beside_the_papers_averages_of_recorded_people(tmp_path, data, printed):
    write_protocol(tmp_path, data=data)
    rows = distribution_table(collect(tmp_path)).rows
    assert rows[0][:-1] == ("Ours", "50 %", "5.3 ± 0.1", "2.6 ± 0.1", "9.7 ± 0.2", "4.9 ± 0.1")
    assert rows[1][:-1] == ("O-wlc", "50 %", "5.0 ± 0.0", "2.5 ± 0.0", "9.2 ± 0.0", "4.6 ± 0.0")
    assert [row[-1] for row in rows] == printed


def test_who_never_answers_an_au_is_not_spared_its_pairs(tmp_path):
    """Both methods are compared over the cells that both have."""
    for method, cells in (("ours", [[0.0, 0.1], [None, None]]), ("o_wlc", [[0.0, 0.1], [0.9, 0.0]])):
        folder = write_run(tmp_path, method, 0.5, 1, 0, 0.5)
        scores = read_json(folder.scores)
        scores["distributions"]["conditional"] = cells
        write_json(scores, folder.scores)
    results = collect(tmp_path)
    assert [row[4] for row in distribution_table(results).rows] == ["5.0", "5.0"]
    table = distance_differences(results)
    assert table is not None and table.rows[0][4] == "+0.0"


def test_who_is_closer_is_told_in_pairs_and_au_by_au(tmp_path):
    """By probabilities ours is farther off in all AUs but two: one is closer, and one as far."""
    write_protocol(tmp_path)
    for folder in run_folders(tmp_path):
        scores = read_json(folder.scores)
        first = 0.21 if scores["method"] == "ours" else 0.15
        scores["distributions_soft"]["marginal"] |= {"AU01": first, "AU02": 0.2}
        write_json(scores, folder.scores)
    table = distance_differences(collect(tmp_path))
    assert table is not None
    assert table.header[3:] == ("P(AU) off by", "P(AU_j | AU_i) off by", "AUs closer with the first")
    names = "Ours against O-wlc", "50 %"
    assert table.rows == (
        (*names, "answers at 0.5", "+0.3", "+0.5", "0 of 11"),
        (*names, "probabilities", "+0.2", "+0.3", "1 of 11"),
    )


def test_distances_are_of_the_trainings_that_are_pairs(tmp_path):
    write_protocol(tmp_path)
    write_run(tmp_path, "ours", 0.5, 1, 7, 0.9)  # has no partner
    table = distance_differences(collect(tmp_path))
    assert table is not None and table.rows[0][3] == "+0.3"


def test_without_a_pair_there_are_no_distances_to_compare(tmp_path):
    write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    assert distance_differences(collect(tmp_path)) is None


def test_an_au_that_is_never_answered_is_as_far_off_as_it_is_present(tmp_path):
    folder = write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    scores = read_json(folder.scores)
    scores["distributions"]["marginal"]["AU01"] = 0.0
    write_json(scores, folder.scores)
    (run,) = collect(tmp_path).runs
    assert run.p_off("distributions", "AU01") == pytest.approx(20)
