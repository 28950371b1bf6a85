"""From the experts' scores to a bounded log10 likelihood ratio: stored coefficients, applied by numpy.

One logistic stack a stratum (the largest canonical scale the face has), with non-negative weights, fitted on scores
that no expert had trained on, both classes weighted alike, so that its log-odds are the natural-log likelihood ratio
(Brümmer & du Preez 2006, Computer Speech & Language 20). With n reals and no false alarm the 95 % upper bound of the
false-alarm rate is 3/n: the ratio is therefore held below n/3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whichface.forensics.records import Score

LN10 = float(np.log(10))
Ratios = Mapping[str, float]
NONE: Ratios = {}


@dataclass(frozen=True, slots=True)
class Stratum:
    """The fitted stack of one stratum."""

    experts: tuple[str, ...]
    """Experts in the order of the weights."""
    cues: tuple[str, ...]
    """Analyzers whose own calibrated ratios count too, after the experts in the order of the weights."""
    bias: float
    """Intercept, natural-log odds."""
    weights: NDArray[np.float64]
    """(experts + cues,) non-negative, natural-log odds per unit of score, or per natural-log ratio of a cue."""
    replicates: NDArray[np.float64]
    """(rounds, 1 + experts + cues) bias and weights of fits on resampled groups: the interval."""
    ceiling: float
    """Largest log10 likelihood ratio for "generated"."""
    floor: float
    """Lowest (negative) log10 likelihood ratio, for "camera photograph"."""
    threshold: float
    """Shipped log10 threshold for "generated"."""
    threshold_real: float
    """Shipped log10 threshold at or below which the label is real."""
    false_alarm: float
    """False-alarm rate at the threshold on calibration reals."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Stratum:
        """From one entry of calibration.json's "strata"."""
        return cls(
            experts=tuple(data["experts"]),
            cues=tuple(data.get("cues", ())),
            bias=float(data["bias"]),
            weights=np.asarray(data["weights"], float),
            replicates=np.asarray(data["replicates"], float),
            ceiling=float(data["ceiling"]),
            floor=float(data["floor"]),
            threshold=float(data["threshold"]),
            threshold_real=float(data["threshold_real"]),
            false_alarm=float(data["false_alarm"]),
        )

    def row(self, scores: Sequence[Score], cues: Ratios = NONE) -> NDArray[np.float64]:
        """(experts + cues,) the scores in the stack's order; an analyzer that abstained counts 0.

        `cues` are log10 likelihood ratios by analyzer. Raises ValueError when a score is missing.
        """
        found = {score.expert: score.logit for score in scores}
        missing = [name for name in self.experts if name not in found]
        if missing:
            raise ValueError(f"the stack needs scores of {missing}")
        return np.array([found[n] for n in self.experts] + [LN10 * cues.get(n, 0.0) for n in self.cues])

    def unbounded(self, scores: Sequence[Score], cues: Ratios = NONE) -> float:
        """log10 ratio before the bounds: for ranking only, since the data does not carry it further out."""
        return float((self.bias + self.row(scores, cues) @ self.weights) / LN10)

    def llr(self, scores: Sequence[Score], cues: Ratios = NONE) -> float:
        """log10 likelihood ratio, bounded."""
        return self.bounded(self.unbounded(scores, cues))

    def interval(self, scores: Sequence[Score], cues: Ratios = NONE) -> tuple[float, float]:
        """95 % interval from the refitted stacks, bounded; it always contains the point estimate."""
        row, point = self.row(scores, cues), self.llr(scores, cues)
        values = (self.replicates[:, 0] + self.replicates[:, 1:] @ row) / LN10
        low, high = np.percentile(values, [2.5, 97.5])
        return min(self.bounded(float(low)), point), max(self.bounded(float(high)), point)

    def contributions(self, scores: Sequence[Score], cues: Ratios = NONE) -> dict[str, float]:
        """log10 share of each expert and cue in the sum; they are correlated and mean something only together.

        The bias is shared out among the experts by weight: with it, an expert that says nothing has a share of 0.
        """
        shares = self.row(scores, cues) * self.weights
        count = len(self.experts)
        total = float(self.weights[:count].sum())
        if total > 0:
            shares[:count] += self.bias * self.weights[:count] / total
        return dict(zip((*self.experts, *self.cues), (shares / LN10).tolist(), strict=True))

    def bounded(self, llr: float) -> float:
        """`llr` held between floor and ceiling."""
        return float(np.clip(llr, self.floor, self.ceiling))


def strata(calibration: Mapping[str, Any]) -> dict[int, Stratum]:
    """Stack by largest canonical scale."""
    return {int(scale): Stratum.from_json(data) for scale, data in calibration["strata"].items()}


def probability(llr: float, prior: float) -> float:
    """Posterior probability of "generated" from a log10 likelihood ratio and a prior in (0, 1)."""
    if not 0 < prior < 1:
        raise ValueError(f"the prior must lie between 0 and 1, but is {prior}")
    odds = prior / (1 - prior) * 10.0**llr
    return float(odds / (1 + odds))
