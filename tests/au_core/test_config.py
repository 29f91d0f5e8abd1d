import json
from dataclasses import asdict, replace

import pytest

from au_core.aus import BP4D, au_column, au_number
from au_core.config import AdversarialConfig, PreprocessConfig, ScalingConfig, SyntheticConfig, TrainConfig
from au_core.data.layouts import LAYOUTS
from au_core.data.protocols import split_subjects
from au_core.errors import ConfigError
from au_core.fold_plan import FoldPlan
from au_core.plans import plan_runs
from au_core.recipes import RECIPES, demo, load_recipe
from tests.toy import PEOPLE


@pytest.mark.parametrize(("make", "values", "message"), [
    (AdversarialConfig, {"alpha": -0.1}, r"alpha must be in \[0, 1\), got -0.1"),
    (AdversarialConfig, {"alpha": 1.0}, r"alpha must be in \[0, 1\), got 1.0"),
    (AdversarialConfig, {"h_d": 0}, "h_d and h_r must be >= 1, got 0 and 1"),
    (AdversarialConfig, {"m1": 0}, "m1 must be >= 1"),
    (AdversarialConfig, {"lr_r": 0.0}, "learning rates must be > 0"),
    (AdversarialConfig, {"hard": True}, "hard needs a temperature, such as relaxed = 0.5"),
    (AdversarialConfig, {"weight_decay": -0.1}, "weight_decay must be >= 0, got -0.1"),
    (TrainConfig, {"precision": "fp8"}, "precision must be auto, bf16 or fp32, got 'fp8'"),
    (TrainConfig, {"validation_subjects": 1.0}, "validation_subjects"),
    (TrainConfig, {"turn": 90.0}, "turn"),
    (TrainConfig, {"zoom": -0.1}, "zoom"),
    (PreprocessConfig, {"min_confidence": 1.0}, "min_confidence must be in"),
    (SyntheticConfig, {"subjects": 42}, r"subjects must be in \[3, 41\] for bp4d, got 42"),
    (SyntheticConfig, {"layout": "gft"}, "layout must be bp4d or disfa, got 'gft'"),
    (ScalingConfig, {"workers": 0}, "workers and cpus_per_worker must be >= 1"),
])  # fmt: skip
def test_a_setting_outside_its_range_is_named(make, values, message):
    with pytest.raises(ConfigError, match=message):
        make(**values)


def plans(cfg=None):
    return plan_runs(cfg or demo(), PEOPLE, "faces")


def test_the_demo_is_six_trainings_paired_fold_by_fold():
    found = plans()
    assert len(found) == 6 and len({plan.run for plan in found}) == 6
    splits = split_subjects("three_fold", "BP4D", PEOPLE, 0.15)
    for plan in found:
        assert plan.test_subjects == splits[plan.fold].test
        assert (plan.adversarial.alpha == 0) == (plan.method == "o_wlc")
    assert found[0].run == "ours/missing=0.5/fold=1/seed=0"
    assert found[0].label == "ours missing=0.5 fold=1 seed=0"


def test_settings_of_d_alone_change_no_baseline():
    """Variants of D share one, which is not trained again for each of them."""
    game = replace(
        demo().adversarial, h_d=2, lr_d=1.0, hidden=8, spectral=True, noise=0.1, label_smoothing=0.1,
        relaxed=0.5, hard=True, label_prior="prior.csv", prior_share=0.1,
    )  # fmt: skip
    for cfg in (replace(demo(), adversarial=game), replace(demo(), adversarial=replace(game, h_d=1))):
        for plan, changed in zip(plans(), plans(cfg), strict=True):
            assert (plan.digest == changed.digest) == (plan.method == "o_wlc")
    faster = replace(demo(), adversarial=replace(demo().adversarial, lr_r=1.0))
    assert all(a.digest != b.digest for a, b in zip(plans(), plans(faster), strict=True))


def test_a_variant_is_its_method_under_another_name():
    cfg = demo()
    for method in ("ours", "o_wlc"):
        (plan, *_), (variant, *_) = (plans(replace(cfg, methods=(name,))) for name in (method, f"{method}+x"))
        assert (
            variant.adversarial == plan.adversarial
            and variant.run == f"{method}+x/{plan.run.split('/', 1)[1]}"
        )


def test_a_plan_survives_json():
    plan = plans()[0]
    assert FoldPlan.from_dict(json.loads(json.dumps(asdict(plan)))) == plan


@pytest.mark.parametrize(("part", "values", "reason"), [
    ("train", {"mixup": 0.2}, r"TypeError: .*unexpected keyword argument 'mixup'"),
    ("adversarial", {"alpha": 7.0}, r"alpha must be in \[0, 1\), got 7.0"),
    ("spec", {"aus": None}, r"TypeError: "),
])  # fmt: skip
def test_a_plan_of_another_version_says_what_to_do(part, values, reason):
    plan = asdict(plans()[0])
    with pytest.raises(ConfigError, match=rf"of this version \({reason}.*\); use the version that wrote it"):
        FoldPlan.from_dict({**plan, part: {**plan[part], **values}})
    del plan[part]
    with pytest.raises(ConfigError, match=rf"of this version \(KeyError: '{part}'\); use the version"):
        FoldPlan.from_dict(plan)


def test_whatever_changes_the_result_changes_the_digest_and_nothing_else_does():
    plan = plans()[0]
    assert replace(plan, seed=1).digest != plan.digest != replace(plan, faces="other").digest
    assert replace(plan, adversarial=replace(plan.adversarial, alpha=0.02)).digest != plan.digest
    assert replace(plan, scaling=ScalingConfig(workers=2, gpu=True)).digest == plan.digest


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_says_what_it_is(name):
    cfg = load_recipe(name)
    assert cfg.name == name and RECIPES[name].__doc__


@pytest.mark.parametrize("name", RECIPES)
def test_the_paper_s_recipes_begin_with_weights_of_its_time(name):
    cfg = load_recipe(name)
    assert cfg.train.weights == (None if cfg.synthetic else "IMAGENET1K_V1")


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_knows_where_faces_are(name):
    cfg = load_recipe(name)
    assert LAYOUTS[cfg.layout].landmarks or cfg.preprocess.detector == "yunet"


@pytest.mark.parametrize(("call", "message"), [
    (lambda: load_recipe("x"), "unknown recipe 'x'; expected one of demo"),
    (lambda: plans(replace(demo(), methods=("x",))), "unknown method 'x'; expected one of ours, o_wlc"),
    (lambda: plans(replace(demo(), methods=("ours+a/b",))), r"method 'ours\+a/b'; expected .* ours\+relaxed"),
    (lambda: plans(replace(demo(), methods=("ours+",))), r"unknown method 'ours\+'; expected"),
    (lambda: replace(demo(), missing_rates=(1.0,)), r"missing rate must be in \[0, 1\), got 1.0"),
    (lambda: replace(demo(), layout="x"), "layout must be one of bp4d"),
    (lambda: au_number("gaze"), "'gaze' is no action unit; expected a name such as AU12"),
])  # fmt: skip
def test_unknown_names_are_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


def test_columns_are_two_digits_and_read_back():
    assert [au_column(au) for au in (1, 12)] == ["AU01", "AU12"] == list(BP4D.columns[::6])
    assert au_number("AU1") == au_number("au01") == 1
