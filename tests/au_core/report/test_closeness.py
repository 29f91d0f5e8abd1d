from au_core.data.files import read_json, write_json
from au_core.report.blocks import Table
from au_core.report.closeness import distribution_blocks
from au_core.report.results import collect
from tests.toy_runs import write_run


def test_one_au_alone_has_no_pairs_to_compare(tmp_path):
    folder = write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    blocks = distribution_blocks(collect(tmp_path))
    assert [getattr(block, "name", "table") for block in blocks] == ["table", "marginals", "conditionals"]
    scores = read_json(folder.scores)
    write_json({**scores, "aus": ["AU12"]}, folder.scores)
    table, *figures = distribution_blocks(collect(tmp_path))
    assert isinstance(table, Table) and table.header[2:] == ("P(AU), answers at 0.5", "P(AU), probabilities")
    assert table.rows == (("Ours", "50 %", "5.0", "2.5"),) and "AU_j" not in table.caption
    assert [getattr(figure, "name", "") for figure in figures] == ["marginals"]
