"""What a training fold may not see, and what each picture weighs."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from whichface.detectors.dataset import FACE_ONLY, Sample
from whichface.detectors.training.folds import (
    FOLDS,
    WHOLE_SOURCES,
    FoldPlan,
    may_train,
    plan_for,
    source_weights,
    training_folds,
    whole_source_fold,
    without_generator,
)


def _sample(name: str, fake: bool, group: str, split: str = "train", source: str = "") -> Sample:
    return Sample(Path(f"{name}/{group}.jpg"), fake, name, "", split, group, source, None)


def _set(name: str, fake: bool, count: int, **changes: str) -> list[Sample]:
    """Pictures in pairs of one group."""
    return [_sample(name, fake, f"{name}-{fake}-{i // 2}", **changes) for i in range(count)]


@pytest.fixture
def samples() -> list[Sample]:
    return [
        *_set("sg1-ffhq-256", False, 40),
        *_set("sg1-ffhq-256", True, 40),
        *_set("pggan-256", True, 18),
        *_set("sgx-256", True, 10),
        *_set("wild-lfw", False, 10),
        *_set("sg2-256", True, 8, source="jcpeterson/omi"),
        *_set("sg2-256", True, 12, source="someone/else"),
        *_set("sg3-160", True, 10),
        *_set("wild-unsplash", False, 6, split="val"),
        *_set("pggan-256", True, 6, split="val"),
    ]


def test_groups_are_never_divided(samples: list[Sample]) -> None:
    seen = defaultdict(set)
    for sample, fold in zip(samples[:98], training_folds(samples), strict=False):
        seen[sample.group].add(int(fold))
    assert all(len(folds) == 1 for folds in seen.values())
    assert set().union(*seen.values()) == set(range(FOLDS))


def test_divided_sets_are_spread_evenly(samples: list[Sample]) -> None:
    folds = training_folds(samples)
    for fake in (False, True):
        rows = [i for i, s in enumerate(samples) if s.set == "sg1-ffhq-256" and s.fake is fake]
        counts = np.bincount(folds[rows], minlength=FOLDS)
        assert counts.sum() == 40 and np.ptp(counts) <= 6


def test_whole_sources_leave_as_a_whole(samples: list[Sample]) -> None:
    folds = training_folds(samples)
    whole = [("sgx-256", "", 0), ("sg2-256", "jcpeterson/omi", 1), ("wild-lfw", "", 2)]
    for name, source, fold in whole:
        rows = [i for i, s in enumerate(samples) if (s.set, s.source) == (name, source)]
        assert set(folds[rows]) == {fold}


def test_another_repository_of_the_set_is_divided(samples: list[Sample]) -> None:
    rows = [i for i, s in enumerate(samples) if s.source == "someone/else"]
    assert whole_source_fold(samples[rows[0]]) is None
    assert len(set(training_folds(samples)[rows])) > 1


def test_no_source_is_left_out_twice() -> None:
    assert len(WHOLE_SOURCES) == FOLDS
    assert len(frozenset().union(*WHOLE_SOURCES)) == sum(map(len, WHOLE_SOURCES))


def test_measured_sets_and_val_are_trained_on_by_none(samples: list[Sample]) -> None:
    barred = [i for i, s in enumerate(samples) if s.set in FACE_ONLY or s.split == "val"]
    assert not any(may_train(samples[i]) for i in barred)
    folds = training_folds(samples)
    assert (folds[barred] == -1).all() and (np.delete(folds, barred) >= 0).all()


def test_folds_are_the_same_for_a_seed(samples: list[Sample]) -> None:
    assert np.array_equal(training_folds(samples, 3), training_folds(samples, 3))
    assert not np.array_equal(training_folds(samples, 3), training_folds(samples, 4))


def test_whole_sources_alone_need_no_division() -> None:
    assert training_folds([_sample("sgx-256", True, "a")]).tolist() == [0]
    assert training_folds([]).tolist() == []


@pytest.mark.parametrize("power", [0.0, 0.6, 1.0])
def test_both_classes_weigh_half(samples: list[Sample], power: float) -> None:
    folds, fake = training_folds(samples), np.array([s.fake for s in samples])
    for fold in range(FOLDS):
        used = (folds >= 0) & (folds != fold)
        weights = source_weights(samples, used, power)
        assert weights.sum() == pytest.approx(1.0)
        assert weights[fake].sum() == pytest.approx(0.5)
        assert (weights[~used] == 0).all() and (weights[used] > 0).all()


@pytest.mark.parametrize("power", [0.0, 0.6, 1.0])
def test_sets_weigh_by_their_count_to_the_power(power: float) -> None:
    samples = [*_set("a", True, 4), *_set("b", True, 32), *_set("c", False, 5)]
    weights = source_weights(samples, np.ones(41, bool), power)
    assert weights[4:36].sum() / weights[:4].sum() == pytest.approx(8**power)
    assert np.ptp(weights[:4]) == 0 and weights[36:].sum() == pytest.approx(0.5)


def test_photographs_beside_fakes_of_their_content_weigh_what_is_asked() -> None:
    samples = [*_set("sg1-ffhq-256", True, 9), *_set("sg1-ffhq-256", False, 4), *_set("sg2-ffhq-1024", False, 16),
               *_set("wild-lfw", False, 50)]  # fmt: skip
    used = np.ones(len(samples), bool)
    used[-1] = False
    weights, plain = source_weights(samples, used, 0.5, 0.3), source_weights(samples, used, 0.5)
    assert weights[9:29].sum() == pytest.approx(0.3 * 0.5) and weights[29:].sum() == pytest.approx(0.7 * 0.5)
    assert weights[13:29].sum() / weights[9:13].sum() == pytest.approx(2)
    assert weights[-1] == 0 and np.array_equal(weights[:9], plain[:9])


def test_a_plan_lets_sets_of_one_class_leave_as_a_whole() -> None:
    samples = [*_set("both", False, 12), *_set("both", True, 12)]
    for name, count in (("a", 10), ("b", 6), ("c", 4), ("d", 4)):
        samples += _set(name, True, count)
    samples += [*_set("x", False, 6), *_set("y", False, 6)]
    plan = plan_for(samples)
    assert plan.count == FOLDS and frozenset().union(*plan.whole) == {"a", "b", "c", "d"}
    assert all(plan.whole) and max(map(len, plan.whole)) == 2
    folds = training_folds(samples, plan=plan)
    for number, names in enumerate(plan.whole):
        assert {int(folds[i]) for i, s in enumerate(samples) if s.set in names} == {number}
    divided = [int(folds[i]) for i, s in enumerate(samples) if s.set in ("both", "x", "y")]
    assert set(divided) == set(range(FOLDS))


def test_sets_that_share_a_group_are_divided() -> None:
    samples = [*_set("a", True, 6), *_set("b", True, 6), *_set("c", True, 6), *_set("r", False, 12)]
    samples.append(_sample("b", True, samples[0].group))
    plan = plan_for(samples, 2)
    assert frozenset().union(*plan.whole) == frozenset()
    folds = training_folds(samples, plan=plan)
    assert folds[0] == folds[-1] == folds[1]


def test_a_plan_of_another_number_of_folds() -> None:
    samples = [*_set("a", True, 20), *_set("a", False, 20)]
    assert set(training_folds(samples, plan=plan_for(samples, 5)).tolist()) == set(range(5))
    assert FoldPlan().count == FOLDS


def test_a_generator_leaves_with_the_photographs_beside_it_and_their_groups() -> None:
    first = Sample(Path("a"), True, "pggan-celebahq-1024", "pggan", "train", "a", "", None)
    paired = Sample(Path("b"), False, "celebahq-1024", "", "train", "person", "", None)
    again = Sample(Path("c"), False, "celebahq-256", "", "train", "person", "", None)
    other = Sample(Path("d"), False, "celebahq-256", "", "train", "d", "", None)
    another = Sample(Path("e"), True, "sg2-256", "stylegan2", "train", "e", "", None)
    samples = [first, paired, again, other, another]
    assert without_generator(samples, "pggan").tolist() == [False, False, False, True, True]
    assert without_generator(samples, "stylegan2").tolist() == [True, True, True, True, False]
    with pytest.raises(ValueError, match="there are pggan, stylegan2"):
        without_generator(samples, "stylegan9")
