"""All distances of one network, or one folder of fakes, from a collection of real pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .data import Source
from .errors import DataError
from .metrics import frechet_distance, kernel_distance, precision_recall, sliced_wasserstein

Features = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


LEAST = 4
"""Pictures of either kind; precision and recall look for the third neighbour."""


@dataclass(frozen=True, slots=True)
class Distances:
    """What was found; which features they rest on is said beside them."""

    reals: int
    fakes: int
    frechet: float
    kernel: float
    precision: float
    recall: float
    sliced: tuple[float, ...]
    """Sliced Wasserstein distance times 1000, finest level first."""


def pictures_of(source: Source, count: int, seed: int = 0) -> NDArray[np.uint8]:
    """(N, H, W, 3) a random choice without repetition, the same for a seed."""
    chosen = np.random.default_rng(seed).permutation(len(source))[:count]
    return np.stack([source.load(int(number)) for number in sorted(chosen)])


def classes_of(source: Source, count: int, seed: int = 0) -> list[int]:
    """`count` classes as frequent as in the data, the same for a seed. Raises DataError without labels."""
    if source.labels is None:
        raise DataError("The network has classes, but the data has no labels (dataset.json); choose one with --class.")
    chosen: list[int] = np.random.default_rng((seed, 1)).choice(source.labels, count).tolist()
    return chosen


def compare(reals: NDArray[np.uint8], fakes: NDArray[np.uint8], features: Features) -> Distances:
    """All distances between two sets of pictures of one size. Raises DataError when there are too few."""
    if min(len(reals), len(fakes)) < LEAST:
        raise DataError(
            f"At least {LEAST} pictures of either kind are needed, but there are {len(reals)} real ones"
            f" and {len(fakes)} fakes."
        )
    a, b = features(reals), features(fakes)
    precision, recall = precision_recall(a, b)
    return Distances(
        reals=len(reals),
        fakes=len(fakes),
        frechet=frechet_distance(a, b),
        kernel=kernel_distance(a, b),
        precision=precision,
        recall=recall,
        sliced=tuple(sliced_wasserstein(reals, fakes)),
    )
