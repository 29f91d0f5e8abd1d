import pytest

from au_core.data.files import read_json, write_json
from au_core.report.blocks import Table
from au_core.report.closeness import distribution_blocks, distribution_table
from au_core.report.results import collect
from tests.toy_runs import write_protocol, write_run


@pytest.mark.parametrize(("data", "printed"), [("BP4D", ["5.4", "5.6"]), ("synthetic", ["-", "-"])])
def test_the_table_stands_beside_the_papers_averages_of_recorded_people(tmp_path, data, printed):
    write_protocol(tmp_path, data=data)
    rows = distribution_table(collect(tmp_path)).rows
    assert rows[0][:4] == ("Ours", "50 %", "5.3 ± 0.1", "9.7 ± 0.2")
    assert rows[1][:4] == ("O-wlc", "50 %", "5.0 ± 0.0", "9.2 ± 0.0")
    assert [row[4] for row in rows] == printed


def test_who_never_answers_an_au_is_not_spared_its_pairs(tmp_path):
    """Both methods are compared over the cells that both have."""
    for method, cells in (("ours", [[0.0, 0.1], [None, None]]), ("o_wlc", [[0.0, 0.1], [0.9, 0.0]])):
        folder = write_run(tmp_path, method, 0.5, 1, 0, 0.5)
        scores = read_json(folder.scores)
        scores["distributions"]["conditional"] = cells
        write_json(scores, folder.scores)
    assert [row[3] for row in distribution_table(collect(tmp_path)).rows] == ["5.0", "5.0"]


def test_one_au_alone_has_no_pairs_to_compare(tmp_path):
    folder = write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    blocks = distribution_blocks(collect(tmp_path))
    assert [getattr(block, "name", "table") for block in blocks] == ["table", "marginals", "conditionals"]
    scores = read_json(folder.scores)
    write_json({**scores, "aus": ["AU12"]}, folder.scores)
    table, *figures = distribution_blocks(collect(tmp_path))
    assert isinstance(table, Table) and table.header == ("Method", "Labels hidden", "P(AU)")
    assert table.rows == (("Ours", "50 %", "5.0"),) and "AU_j" not in table.caption
    assert [getattr(figure, "name", "") for figure in figures] == ["marginals"]
