"""From an experiment to its trainings: one plan per method, missing rate, fold and seed."""

from collections.abc import Callable, Collection, Sequence
from itertools import product

from au_core.config import AdversarialConfig, ExperimentConfig
from au_core.data.protocols import split_subjects
from au_core.fold_plan import FoldPlan
from au_core.methods import settings_of


def plan_runs(
    cfg: ExperimentConfig,
    subjects: Sequence[str],
    faces: str,
    further: Callable[[AdversarialConfig], str] = lambda _: "",
    uncoded: Collection[str] = (),
) -> list[FoldPlan]:
    """Every training of ``cfg`` over the ``subjects`` of the dataset; ``faces``, ``further``: see FoldPlan.

    Of ``uncoded`` people there is no label (see :func:`split_subjects`).

    What else is read depends on a method's settings: only one with a D reads a label prior.

    Raises:
        ConfigError: an unknown method or protocol.
        DatasetError: a subject is in no fold, or a fold has too few.
    """
    share = cfg.train.validation_subjects
    splits = split_subjects(cfg.protocol, cfg.spec.name, subjects, share, uncoded)
    settings = {method: settings_of(method, cfg.adversarial) for method in cfg.methods}
    return [
        FoldPlan(
            method=method,
            missing_rate=rate,
            missing_scheme=cfg.missing_scheme,
            fold=fold,
            seed=seed,
            spec=cfg.spec,
            train_subjects=split.train,
            val_subjects=split.val,
            test_subjects=split.test,
            faces=faces,
            further=further(settings[method]),
            adversarial=settings[method],
            train=cfg.train,
            scaling=cfg.scaling,
        )
        for seed, rate, (fold, split), method in product(
            cfg.seeds, cfg.missing_rates, splits.items(), cfg.methods
        )
    ]
