import pytest

from au_core.report.closeness import distribution_table
from au_core.report.results import collect
from tests.toy_runs import write_protocol


@pytest.mark.parametrize(("data", "printed"), [("BP4D", ["5.4", "5.6"]), ("synthetic", ["-", "-"])])
def test_the_table_stands_beside_the_papers_averages_of_recorded_people(tmp_path, data, printed):
    write_protocol(tmp_path, data=data)
    rows = distribution_table(collect(tmp_path)).rows
    assert rows[0][:4] == ("Ours", "50 %", "5.3 ± 0.1", "8.8 ± 0.2")
    assert rows[1][:4] == ("O-wlc", "50 %", "5.0 ± 0.0", "8.3 ± 0.0")
    assert [row[4] for row in rows] == printed
