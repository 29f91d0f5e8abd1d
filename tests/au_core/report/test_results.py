import statistics

import numpy as np
import pytest

from au_core.data.files import read_json, write_json
from au_core.errors import ConfigError
from au_core.report.averages import spread
from au_core.report.notice import notice
from au_core.report.page import write_report
from au_core.report.results import collect, paired
from au_core.report.run import BASELINE, DISTRIBUTIONS, PEOPLE, SOFT
from au_core.report.settings import run_table
from tests.toy_runs import write_protocol, write_run
from tune_spaces import SPACES, load_space


def test_an_empty_folder_says_what_to_run(tmp_path):
    with pytest.raises(
        ConfigError, match=r"runs: no scores of a finished training \(0 begun\); run pipelines/full_pro"
    ):
        collect(tmp_path)


def test_unfinished_trainings_are_named_and_left_out(tmp_path):
    write_protocol(tmp_path)
    write_run(tmp_path, "ours", 0.5, 1, 1, None)
    results = collect(tmp_path)
    assert len(results.runs) == 6
    assert results.unfinished == ("runs/ours/missing=0.5/fold=1/seed=1",)


def test_methods_come_with_the_papers_first(tmp_path):
    for method in ("yours", "o_wlc", "ours", "another"):
        write_run(tmp_path, method, 0.0, 1, 0, 0.5)
    assert collect(tmp_path).methods == ["ours", "o_wlc", "another", "yours"]


def test_groups_are_the_methods_and_rates_that_were_trained(tmp_path):
    for method, rate, seed in (("o_wlc", 0.0, 0), ("ours", 0.5, 0), ("ours", 0.5, 1)):
        write_run(tmp_path, method, rate, 1, seed, 0.5)
    groups = collect(tmp_path).groups()
    assert [(method, rate, len(runs)) for method, rate, runs in groups] == [
        ("ours", 0.5, 2),
        ("o_wlc", 0.0, 1),
    ]


def test_scores_are_per_cent_and_undefined_ones_are_nan(tmp_path):
    write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    run = collect(tmp_path).runs[0]
    assert (run.score("f1"), run.score("f1", "AU12", "test_selected")) == (50.0, 60.0)
    assert np.isnan(run.score("f1", "AU24"))


def test_spread_is_the_sample_standard_deviation():
    values = [3.0, 4.5, 9.0]
    found = spread([*values, np.nan])
    assert found.mean == pytest.approx(statistics.mean(values))
    assert found.sd == pytest.approx(statistics.stdev(values))
    assert found.se == pytest.approx(statistics.stdev(values) / 3**0.5)
    assert np.isnan(spread([1.0]).sd) and spread([]).n == 0


def test_differences_are_taken_only_within_a_fold_and_seed(tmp_path):
    write_protocol(tmp_path)
    write_run(tmp_path, "ours", 0.5, 1, 7, 0.9)  # has no partner
    results = collect(tmp_path)
    pairs = paired(results.of("ours", 0.5), results.of("o_wlc", 0.5))
    assert [ours.fold_and_seed for ours, _ in pairs] == [(1, 0), (2, 0), (3, 0)]
    assert [ours.score("f1") - other.score("f1") for ours, other in pairs] == pytest.approx([2.0, 3.0, 4.0])


def test_trainings_of_unlike_settings_are_told_apart(tmp_path):
    write_protocol(tmp_path)
    assert collect(tmp_path).unlike == {}, "methods, rates, folds and seeds have columns of their own"
    write_run(tmp_path, "ours", 0.5, 1, 1, 0.5, h_d=2)
    results = collect(tmp_path)
    assert results.unlike == {"adversarial.h_d": ["1", "2"]}
    assert "different settings (`adversarial.h_d` 1 or 2)" in notice(results)
    assert ("Different settings", "`adversarial.h_d` 1 or 2") in run_table(results).rows


def test_alpha_may_be_chosen_for_each_fold_on_its_own_validation_subjects(tmp_path):
    for fold, seed, alpha in ((1, 0, 0.1), (2, 0, 0.2)):
        write_run(tmp_path, "ours", 0.5, fold, seed, 0.5, alpha=alpha)
    results = collect(tmp_path)
    assert results.unlike == {} and ("Methods", "Ours (alpha 0.1 or 0.2)") in run_table(results).rows
    write_run(tmp_path, "ours", 0.5, 2, 1, 0.5, alpha=0.3)
    assert collect(tmp_path).unlike == {"adversarial.alpha": ["0.2", "0.3"]}


def test_settings_may_be_chosen_for_each_missing_rate_by_a_sweep_of_its_own(tmp_path):
    for rate, h_d in ((0.1, 1), (0.5, 2)):
        write_run(tmp_path, "ours", rate, 1, 0, 0.5, h_d=h_d)
    results = collect(tmp_path)
    assert results.unlike == {} and "not comparable" not in notice(results)
    write_run(tmp_path, "ours", 0.5, 1, 1, 0.5, h_d=3)
    assert collect(tmp_path).unlike == {"adversarial.h_d": ["2", "3"]}


def test_what_only_d_uses_may_differ_between_methods_and_the_baseline_has_no_d(tmp_path):
    """A label prior is read beside the faces (``further``) by the method alone that has a D."""
    write_run(tmp_path, "o_wlc", 0.5, 1, 0, 0.5)
    ours = write_run(tmp_path, "ours", 0.5, 1, 0, 0.5, noise=0.1, label_prior="prior.csv", h_d=2)
    config = read_json(ours.config)
    write_json(config | {"plan": config["plan"] | {"further": "1234"}}, ours.config)
    results = collect(tmp_path)
    assert results.unlike == {}
    assert ", H_D 2, H_R 1" in dict(run_table(results).rows)["Training"]
    write_run(tmp_path, "ours", 0.5, 2, 0, 0.5)
    assert {*collect(tmp_path).unlike} == {"further", "adversarial.noise", "adversarial.label_prior"}


def test_all_points_of_the_spaces_may_be_chosen_for_each_fold(tmp_path):
    points = [
        point if isinstance(point, dict) else {name: point}
        for space in SPACES
        for name, values in load_space(space).items()
        for point in values["grid_search"]
    ]
    for fold, point in enumerate(points, start=1):
        write_run(tmp_path, "ours", 0.5, fold, 0, 0.5, **point)
    assert collect(tmp_path).unlike == {}


def test_all_values_of_a_setting_are_told_of_whichever_fold(tmp_path):
    for fold, seed, alpha in ((1, 0, 0.1), (1, 1, 0.2), (2, 0, 0.3), (2, 1, 0.4)):
        write_run(tmp_path, "ours", 0.5, fold, seed, 0.5, alpha=alpha)
    assert collect(tmp_path).unlike == {"adversarial.alpha": ["0.1", "0.2", "0.3", "0.4"]}


def test_an_au_that_one_training_lacks_is_undefined_there(tmp_path):
    write_protocol(tmp_path)
    folder = write_run(tmp_path, "ours", 0.0, 1, 0, 0.5)
    scores = read_json(folder.scores)
    for part in ("test", "test_selected", "test_at_half", "always_1"):
        for metric in ("f1", "auc", "accuracy"):
            scores[part][metric]["AU09"] = 0.5
    write_json({**scores, "aus": [*scores["aus"], "AU09"]}, folder.scores)
    results = collect(tmp_path)
    assert "AU09" in results.aus and "AU09" in write_report(results, tmp_path).read_text()
    assert np.isnan(results.of("ours", 0.5)[0].score("f1", "AU09"))


@pytest.mark.parametrize("change", [lambda config: config["plan"]["train"].update(mixup=1), dict.clear])
def test_settings_of_another_version_are_one_line_that_names_the_file(tmp_path, change):
    write_run(tmp_path, "o_wlc", 0.5, 1, 0, 0.5)
    folder = write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    config = read_json(folder.config)
    change(config)
    write_json(config, folder.config)
    with pytest.raises(ConfigError, match=rf"^{folder.config}: not the plan of a training of this version"):
        collect(tmp_path)


@pytest.mark.parametrize("part", [BASELINE, DISTRIBUTIONS, SOFT, PEOPLE, "test_at_half"])
def test_scores_of_an_older_version_say_how_to_renew_them(tmp_path, part):
    folder = write_run(tmp_path, "ours", 0.5, 1, 0, 0.5)
    assert collect(tmp_path).runs[0].score("f1", selection=BASELINE) == pytest.approx(30)
    scores = read_json(folder.scores)
    del scores[part]
    write_json(scores, folder.scores)
    with pytest.raises(ConfigError, match=f"scores.json lacks {part}, .*evaluate.py --out OUT scores again"):
        collect(tmp_path)
