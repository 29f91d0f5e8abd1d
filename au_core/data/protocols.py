"""Who is trained on and who is tested on (Section 4.1): folds by subject, validation subjects carved out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from au_core.config import EVERYONE
from au_core.data.facts import load_facts
from au_core.errors import ConfigError, DatasetError


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Subjects of one fold; no subject is in two of the three. ``val`` may be empty."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]


def split_subjects(
    protocol: str, dataset: str, subjects: Sequence[str], val_share: float, uncoded: Collection[str] = ()
) -> dict[int, Split]:
    """The folds of a protocol over the ``subjects`` that are there, by the number of their test part.

    Where it is dealt here, not listed by name, people of whom nothing is coded (``uncoded``) are trained on
    in every fold: nobody could be validated or tested on them.

    The validation subjects do not depend on method, rate or seed, so that every training chooses its
    epoch and thresholds on the same people. With a ``val_share`` of 0 there are none.

    Raises:
        DatasetError: a subject is in no fold, or a fold has too few people.
        ConfigError: an unknown protocol, or one that lists its own validation subjects and a share of 0.
    """
    if uncoded and protocol in (EVERYONE, "hashed_three_fold"):
        coded = [subject for subject in subjects if subject not in uncoded]
        splits = split_subjects(protocol, dataset, coded, val_share)
        others = [subject for subject in subjects if subject in uncoded]
        return {k: replace(s, train=tuple(sorted((*s.train, *others)))) for k, s in splits.items()}
    splits = _split_all(protocol, dataset, subjects, val_share)
    return {k: _checked(split, protocol, k, val_share) for k, split in splits.items()}


def _split_all(protocol: str, dataset: str, subjects: Sequence[str], val_share: float) -> dict[int, Split]:
    """Its folds, in which some part may have nobody."""
    if protocol == EVERYONE:
        return {0: _carve({1: tuple(subjects)}, 0, val_share)}
    parts = _parts(protocol, dataset, sorted(subjects))
    if protocol == "60_20_20":
        if val_share == 0:
            raise ConfigError(f"validation_subjects is 0, but {protocol} has validation subjects of its own")
        return {1: Split(train=parts[1], val=parts[2], test=parts[3])}
    return {k: _carve(parts, k, val_share) for k in folds_of(protocol)}


def folds_of(protocol: str) -> tuple[int, ...]:
    """The numbers of a protocol's test parts, one training each.

    >>> folds_of("three_fold"), folds_of("train_dev")
    ((1, 2, 3), (2,))
    """
    return {"train_dev": (2,), "60_20_20": (1,), EVERYONE: (0,)}.get(protocol, (1, 2, 3))


def _parts(protocol: str, dataset: str, subjects: list[str]) -> dict[int, tuple[str, ...]]:
    """Subjects of each numbered part, among those present."""
    if protocol == "hashed_three_fold":
        return _deal(_shuffled(subjects, protocol), 3)
    if protocol == "60_20_20":  # no published list exists: drawn once, 25 : 8 : 8 for BP4D's 41 people
        return _deal_shares(_shuffled(subjects, protocol), (25, 8, 8))
    named = _named_parts(protocol, dataset)
    homeless = [s for s in subjects if not any(s in part for part in named.values())]
    if homeless:
        raise DatasetError(
            f"subject {homeless[0]} is in no part of {dataset}'s {protocol} protocol "
            f"({len(homeless)} of {len(subjects)} subjects are not); expected subjects such as "
            f"{', '.join(named[1][:3])}. "
            "For other people use a manifest (--layout manifest), whose folds are drawn from whoever is there"
        )
    return {k: tuple(s for s in subjects if s in part) for k, part in named.items()}


def _named_parts(protocol: str, dataset: str) -> dict[int, list[str]]:
    facts = load_facts("folds")
    if protocol == "three_fold" and dataset in facts:
        return {k: facts[dataset]["three_fold"]["parts"][f"part{k}"] for k in (1, 2, 3)}
    if protocol == "train_dev" and dataset == "BP4D":
        fera = facts["BP4D"]["fera2015_train_dev"]
        return {1: fera["train"], 2: fera["development"]}
    raise ConfigError(
        f"no protocol {protocol!r} for dataset {dataset!r}; expected three_fold (BP4D, DISFA), "
        "train_dev (BP4D), 60_20_20 or hashed_three_fold"
    )


def _carve(parts: dict[int, tuple[str, ...]], test: int, val_share: float) -> Split:
    rest = _shuffled([s for k, part in parts.items() if k != test for s in part], f"validation/{test}")
    n_val = max(1, round(val_share * len(rest))) if val_share else 0
    return Split(train=tuple(sorted(rest[n_val:])), val=tuple(sorted(rest[:n_val])), test=parts.get(test, ()))


def _checked(split: Split, protocol: str, fold: int, val_share: float) -> Split:
    counts = {"training": len(split.train)}
    if val_share:
        counts["validation"] = len(split.val)
    if protocol != EVERYONE:
        counts["test"] = len(split.test)
    if min(counts.values()) == 0:
        found = ", ".join(f"{n} {name}" for name, n in counts.items())
        raise DatasetError(
            f"fold {fold} of {protocol}: {found} subjects; each needs at least one: add subjects"
        )
    return split


def _shuffled(subjects: list[str], salt: str) -> list[str]:
    """An order that depends on the names alone.

    Parts are dealt by the places in it, to be of even size: one person more moves others to other parts (of
    three, all who come after).
    """
    return sorted(subjects, key=lambda subject: blake2b(f"{salt}/{subject}".encode(), digest_size=8).digest())


def _deal(subjects: list[str], hands: int) -> dict[int, tuple[str, ...]]:
    return {k + 1: tuple(sorted(subjects[k::hands])) for k in range(hands)}


def _deal_shares(subjects: list[str], shares: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
    """Consecutive runs of ``subjects`` in proportion to ``shares``."""
    ends = [round(len(subjects) * sum(shares[: k + 1]) / sum(shares)) for k in range(len(shares))]
    return {
        k + 1: tuple(sorted(subjects[a:b])) for k, (a, b) in enumerate(zip([0, *ends], ends, strict=False))
    }
