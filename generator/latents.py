"""Latent vectors by the published seed convention, without torch."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def parse_seeds(text: str) -> list[int]:
    """As "0-3,7" to [0, 1, 2, 3, 7]. Raises ValueError."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise ValueError(f"seeds are expected to look like 0-35 or 1,2,5-9 but got {text!r}")
        begin, end = int(first), int(last or first)
        if end < begin or end >= 2**32 or end - begin > 10**7:
            raise ValueError(f"the range {part.strip()!r} is not one of seeds from 0 to 2^32 - 1")
        seeds.extend(range(begin, end + 1))
    return seeds


def latents(seeds: Iterable[int], size: int) -> NDArray[np.float32]:
    """(N, size): z of a seed is RandomState(seed).randn(1, size), as all published versions draw it."""
    drawn = [np.random.RandomState(seed).randn(1, size) for seed in seeds]
    return np.concatenate(drawn).astype(np.float32)
