"""What baselines that know nothing of generation make of a corpus: what its makers gave away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Baseline:
    """One baseline's AUC, out of fold, with its interval by group."""

    name: str
    auc: float
    low: float
    high: float

    def line(self) -> str:
        """For people."""
        at_chance = self.low <= 0.5 <= self.high
        verdict = "at chance" if at_chance else "gives the class away in part"
        return f"{self.name:<10s} AUC {self.auc:.3f} [{self.low:.3f}, {self.high:.3f}]  {verdict}"


def _part(fake: NDArray[np.bool_], scores: NDArray[np.float64], chosen: NDArray[np.int64]) -> float:
    from whichface.detectors.metrics import auc

    return auc(fake[chosen], scores[chosen])


def leakage(folder: Path, folds: int = 5) -> list[Baseline]:
    """Thumbnail, container and sharpness on the whole corpus. Raises ValueError for too few groups."""
    import numpy as np

    from whichface.detectors.dataset import group_folds, read_corpus
    from whichface.detectors.leakage import BASELINES, out_of_fold
    from whichface.detectors.metrics import auc, bootstrap
    from whichface.forensics.photo import open_photo

    samples = read_corpus(folder)
    fake = np.array([sample.fake for sample in samples])
    names = [sample.group for sample in samples]
    folds = min(folds, *(len({n for n, f in zip(names, fake, strict=True) if f == w}) for w in (False, True)))
    if folds < 2:
        raise ValueError("a leakage report needs at least two groups of either class")
    numbers = group_folds(names, [str(f) for f in fake], folds)
    photos = [open_photo(sample.path) for sample in samples]
    found = []
    for name, describe in BASELINES.items():
        scores = out_of_fold(np.stack([describe(photo) for photo in photos]), fake, numbers)
        low, high = bootstrap(partial(_part, fake, scores), names, rounds=200)
        found.append(Baseline(name, auc(fake, scores), low, high))
    return found
