"""Which pictures a training fold may not see: whole sources where that is possible, else whole groups.

The sets that have both classes from one codec are divided by group, so that they can be measured by themselves. Every
other source leaves as a whole: what is said of its pictures, and the calibration that rests on it, comes from experts
that never saw the source. This is how pictures of an unknown source will fare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..dataset import MEASURE_ONLY, Sample, group_folds

FOLDS = 3
WHOLE_SOURCES: tuple[frozenset[str], ...] = (
    frozenset({"sgx-256", "wild-celeba", "wild-london"}),
    frozenset({"sg2-256:jcpeterson/omi", "sg2-300", "wild-stock-300", "wild-unsplash", "wild-team"}),
    frozenset({"sg3-256", "wild-lfw", "wild-speakers", "wild-beauty", "press-aligned-512"}),
)
"""Sources that each fold leaves out, as set or set:repository. sg2-300 and wild-stock-300 share a codec."""


def whole_source_fold(sample: Sample) -> int | None:
    """The fold that leaves out this picture's whole source, or None where groups are divided."""
    for number, sources in enumerate(WHOLE_SOURCES):
        if sample.set in sources or f"{sample.set}:{sample.source}" in sources:
            return number
    return None


def may_train(sample: Sample) -> bool:
    """True for a picture of the train split that experts may learn from."""
    return sample.split == "train" and sample.set not in MEASURE_ONLY


def training_folds(samples: Sequence[Sample], seed: int = 0) -> NDArray[np.int64]:
    """(samples,) number of the fold that never sees the picture; -1 for pictures that no fold sees."""
    folds = np.full(len(samples), -1, np.int64)
    divided: list[int] = []
    for i, sample in enumerate(samples):
        if not may_train(sample):
            continue
        whole = whole_source_fold(sample)
        if whole is None:
            divided.append(i)
        else:
            folds[i] = whole
    if divided:
        chosen = [samples[i] for i in divided]
        strata = [f"{s.set}/{s.fake}" for s in chosen]
        folds[divided] = group_folds([s.group for s in chosen], strata, FOLDS, seed)
    return folds


def source_weights(samples: Sequence[Sample], used: NDArray[np.bool_], power: float = 0.6) -> NDArray[np.float64]:
    """(samples,) weights that sum to 1, zero where not `used`.

    Both classes weigh alike; sets within a class weigh by their count to the `power`.
    """
    keys = [(s.fake, s.set) for s in samples]
    counts = Counter(key for key, use in zip(keys, used, strict=True) if use)
    totals = {fake: sum(n**power for (f, _), n in counts.items() if f is fake) for fake in (False, True)}
    raw = [counts[k] ** (power - 1) / totals[k[0]] / 2 if use else 0.0 for k, use in zip(keys, used, strict=True)]
    return np.array(raw)
