"""Which pictures a training fold may not see: whole sources where that is possible, else whole groups.

The sets that have both classes from one codec are divided by group, so that they can be measured by themselves. Every
other source leaves as a whole: what is said of its pictures, and the calibration that rests on it, comes from experts
that never saw the source. This is how pictures of an unknown source will fare.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..dataset import FACE_ONLY, MATCHED, MATCHED_SETS, Sample, group_folds, strata_of

FOLDS = 3
WHOLE_SOURCES: tuple[frozenset[str], ...] = (
    frozenset({"sgx-256", "wild-celeba", "wild-london"}),
    frozenset({"sg2-256:jcpeterson/omi", "sg2-300", "wild-stock-300", "wild-unsplash", "wild-team"}),
    frozenset({"sg3-256", "wild-lfw", "wild-speakers", "wild-beauty", "press-aligned-512"}),
)
"""Sources that each fold leaves out, as set or set:repository. sg2-300 and wild-stock-300 share a codec."""


@dataclass(frozen=True, slots=True)
class FoldPlan:
    """How the training pictures of a corpus are divided."""

    whole: tuple[frozenset[str], ...] = ((frozenset(),) * FOLDS)
    """One entry a fold: sources that leave as a whole, as set or set:repository."""
    measure_only: tuple[str, ...] = ()
    """Sets that no fold trains on."""
    seed: int = 0
    """Seed of the division by group."""

    @property
    def count(self) -> int:
        """Number of folds."""
        return len(self.whole)


FACES = FoldPlan(WHOLE_SOURCES, FACE_ONLY)
"""The plan of the shipped model."""


def plan_for(samples: Sequence[Sample], count: int = FOLDS, seed: int = 0) -> FoldPlan:
    """A plan for any corpus: sets of one class leave as a whole where a class has at least one such set a fold.

    Sets that share a group with another are divided by group, since a group must not be divided.
    """
    sizes = Counter((s.set, s.fake) for s in samples)
    shared = _sets_that_share_groups(samples)
    whole: list[set[str]] = [set() for _ in range(count)]
    for fake in (False, True):
        alone = [name for name, side in sizes if side is fake and (name, not fake) not in sizes and name not in shared]
        if len(alone) < count:
            continue
        load = [0] * count
        for name in sorted(alone, key=lambda n: (-sizes[n, fake], n)):
            fold = load.index(min(load))
            whole[fold].add(name)
            load[fold] += sizes[name, fake]
    return FoldPlan(tuple(frozenset(names) for names in whole), (), seed)


def _sets_that_share_groups(samples: Sequence[Sample]) -> set[str]:
    sets = defaultdict(set)
    for sample in samples:
        sets[sample.group].add(sample.set)
    return set().union(*(names for names in sets.values() if len(names) > 1))


def whole_source_fold(sample: Sample, plan: FoldPlan = FACES) -> int | None:
    """The fold that leaves out this picture's whole source, or None where groups are divided."""
    for number, sources in enumerate(plan.whole):
        if sample.set in sources or f"{sample.set}:{sample.source}" in sources:
            return number
    return None


def may_train(sample: Sample, plan: FoldPlan = FACES) -> bool:
    """True for a picture of the train split that experts may learn from."""
    return sample.split == "train" and sample.set not in plan.measure_only


def training_folds(samples: Sequence[Sample], seed: int = 0, plan: FoldPlan = FACES) -> NDArray[np.int64]:
    """(samples,) number of the fold that never sees the picture; -1 for pictures that no fold sees."""
    folds = np.full(len(samples), -1, np.int64)
    divided: list[int] = []
    for i, sample in enumerate(samples):
        if not may_train(sample, plan):
            continue
        whole = whole_source_fold(sample, plan)
        if whole is None:
            divided.append(i)
        else:
            folds[i] = whole
    if divided:
        chosen = [samples[i] for i in divided]
        strata = strata_of(chosen, plan.count)
        folds[divided] = group_folds([s.group for s in chosen], strata, plan.count, seed or plan.seed)
    return folds


def source_weights(
    samples: Sequence[Sample], used: NDArray[np.bool_], power: float = 0.6, matched: float = 0.0
) -> NDArray[np.float64]:
    """(samples,) weights that sum to 1, zero where not `used`.

    Both classes weigh alike; sets within a class weigh by their count to the `power`. Where `matched` is given, the
    photographs that stand beside fakes of their content and codec are that share of the weight of all photographs.
    """
    keys = [(s.fake, s.set) for s in samples]
    counts = Counter(key for key, use in zip(keys, used, strict=True) if use)
    totals = {fake: sum(n**power for (f, _), n in counts.items() if f is fake) for fake in (False, True)}
    raw = [counts[k] ** (power - 1) / totals[k[0]] / 2 if use else 0.0 for k, use in zip(keys, used, strict=True)]
    weights = np.array(raw)
    if matched:
        photographs = np.array([not s.fake for s in samples])
        beside = photographs & np.array([s.set in MATCHED_SETS for s in samples])
        total = weights[photographs].sum()
        for part, share in ((beside, matched), (photographs & ~beside, 1 - matched)):
            weights[part] *= share * total / max(weights[part].sum(), 1e-12)
    return weights


def without_generator(samples: Sequence[Sample], generator: str) -> NDArray[np.bool_]:
    """(samples,) False for a generator's fakes, the photographs that are paired with them, and all of their groups.

    Raises ValueError when no fake is of it.
    """
    own = {s.set for s in samples if s.fake and s.generator == generator}
    if not own:
        known = sorted({s.generator for s in samples if s.fake})
        raise ValueError(f"no fake is of the generator {generator}; there are {', '.join(known)}")
    paired = own | {name for sets in MATCHED.values() if own & set(sets) for name in sets}
    groups = {s.group for s in samples if s.set in paired}
    return np.array([s.group not in groups for s in samples])
