import pytest

from pipelines.machinery.jobs import MAX_ACTORS, n_actors


@pytest.mark.parametrize(
    ("address", "there", "coming", "asked"),
    [
        ("", 2, 48, 2),
        ("auto", 2, 2, 2),
        ("auto", 2, 16, 16),
        ("auto", 8, 48, MAX_ACTORS),
        ("auto", 100, 100, 100),
        ("auto", 0, 0, MAX_ACTORS),
    ],
    ids=["one machine", "fixed", "growing", "growing far", "fixed and large", "unknown"],
)
def test_a_cluster_is_asked_for_what_it_may_come_to_hold(monkeypatch, capsys, address, there, coming, asked):
    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.setattr("pipelines.machinery.jobs.most", lambda _: coming)
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": there} if there else {})
    assert n_actors("CPU") == asked
    assert ("waiting for nodes with a CPU: see 'ray status'" in capsys.readouterr().err) == (not there)
