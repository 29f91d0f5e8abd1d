import pytest

from au_core.data.files import read_json, write_json
from au_core.data.layout import run_folders
from au_core.report.closeness import distribution_blocks, distribution_table
from au_core.report.results import collect
from tests.toy_runs import write_protocol


@pytest.mark.parametrize(("data", "printed"), [("BP4D", ["5.4", "5.6"]), ("synthetic", ["-", "-"])])
def test_the_table_stands_beside_the_papers_averages_of_recorded_people(tmp_path, data, printed):
    write_protocol(tmp_path, data=data)
    rows = distribution_table(collect(tmp_path)).rows
    assert rows[0][:4] == ("Ours", "50 %", "5.3 ± 0.1", "8.8 ± 0.2")
    assert rows[1][:4] == ("O-wlc", "50 %", "5.0 ± 0.0", "8.3 ± 0.0")
    assert [row[4] for row in rows] == printed


def test_scores_of_an_older_version_lack_the_section(tmp_path):
    write_protocol(tmp_path)
    for folder in run_folders(tmp_path):
        assert len(distribution_blocks(collect(tmp_path))) == 3, "as long as one has it"
        scores = read_json(folder.scores)
        del scores["distributions"]
        write_json(scores, folder.scores)
    assert distribution_blocks(collect(tmp_path)) == []
