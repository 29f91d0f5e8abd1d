from au_core.report.overview import overview
from au_core.report.results import collect
from tests.toy_runs import write_protocol, write_run


def test_a_terminal_gets_the_main_numbers_and_what_to_know_of_them(tmp_path):
    write_protocol(tmp_path)
    lines = overview(collect(tmp_path)).splitlines()
    assert lines[0].split() == "hidden test F1, % AUC, % P(AU) off by soft, off by trainings".split()
    assert lines[1].split() == "Ours 50 % 53.0 ± 1.0 75.0 ± 0.0 5.3 ± 0.1 2.6 ± 0.1 3".split()
    difference = "Ours - O-wlc 50 % +3.0 +0.0 +0.3 +0.2 3 pairs"
    assert lines[3].split() == difference.split()
    assert lines[4].split() == "95 % of people 50 % +3.0 to +3.0".split()
    assert lines[5] == "  seeds a fold: 1; with less than 5 a difference may be chance in training"
    assert lines[6].startswith("The people in this data are drawn by the program itself.")


def test_what_may_be_chance_in_training_is_told_of_pairs_of_few_seeds_alone(tmp_path):
    for seed in range(5):
        write_run(tmp_path, "ours", 0.5, 1, seed, 0.5)
    assert "chance in training" not in overview(collect(tmp_path)), "nothing is compared"
    for seed in range(4):
        write_run(tmp_path, "o_wlc", 0.5, 1, seed, 0.5)
    assert "seeds a fold: 4; with less than 5" in overview(collect(tmp_path))
    write_run(tmp_path, "o_wlc", 0.5, 1, 4, 0.5)
    assert "chance in training" not in overview(collect(tmp_path))
