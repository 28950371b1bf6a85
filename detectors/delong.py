"""Two scores on the same pictures: is one AUC larger? DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44.

By midranks, as Sun & Xu 2014 (IEEE Signal Processing Letters 21) do it. Pictures count as independent: where groups
matter, the bootstrap by group stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from .metrics import Labels, Scores, _check


@dataclass(frozen=True, slots=True)
class Comparison:
    """AUC of one score against another on the same pictures."""

    first: float
    """AUC of the first."""
    second: float
    """AUC of the second."""
    error: float
    """Standard error of the difference."""
    low: float
    """Lower end of the 95 % interval of first minus second."""
    high: float
    """Upper end."""
    p: float
    """Two-sided p-value of "no difference"; 1 when the two are the same everywhere."""

    @property
    def difference(self) -> float:
        """First minus second."""
        return self.first - self.second


def _placements(labels: Labels, scores: Scores) -> tuple[Scores, Scores]:
    """Share of reals below each fake, and of fakes above each real, ties counting half."""
    fakes, reals = scores[labels], scores[~labels]
    ranks = rankdata(np.concatenate([fakes, reals]))
    m, n = len(fakes), len(reals)
    below = (ranks[:m] - rankdata(fakes)) / n
    above = 1.0 - (ranks[m:] - rankdata(reals)) / m
    return below, above


def delong(labels: Labels, first: Scores, second: Scores) -> Comparison:
    """Compare two scores of the same pictures. Raises ValueError for fewer than two pictures in a class."""
    labels, first = _check(labels, first)
    _, second = _check(labels, second)
    if min(labels.sum(), (~labels).sum()) < 2:
        raise ValueError("DeLong's test needs at least two pictures of each class")
    (below1, above1), (below2, above2) = _placements(labels, first), _placements(labels, second)
    variance = (below1 - below2).var(ddof=1) / len(below1) + (above1 - above2).var(ddof=1) / len(above1)
    error, gap = float(np.sqrt(variance)), float(below1.mean() - below2.mean())
    p = float(2 * norm.sf(abs(gap) / error)) if error > 0 else float(gap == 0)
    half = float(norm.ppf(0.975)) * error
    return Comparison(float(below1.mean()), float(below2.mean()), error, gap - half, gap + half, p)
