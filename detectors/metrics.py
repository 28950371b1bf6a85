"""Figures of merit for scores with labels; True means generated, higher scores mean more generated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]


def _check(labels: Labels, scores: Scores) -> tuple[Labels, Scores]:
    labels, scores = np.asarray(labels, bool), np.asarray(scores, float)
    if labels.shape != scores.shape:
        raise ValueError(f"labels have shape {labels.shape} but scores {scores.shape}")
    if labels.all() or not labels.any():
        raise ValueError("both classes are needed; found one")
    return labels, scores


def auc(labels: Labels, scores: Scores) -> float:
    """Area under the ROC curve (Mann-Whitney, ties count half)."""
    labels, scores = _check(labels, scores)
    positive = int(labels.sum())
    ranks = rankdata(scores)[labels].sum()
    return float((ranks - positive * (positive + 1) / 2) / (positive * (len(labels) - positive)))


def true_rate_at(labels: Labels, scores: Scores, false_rate: float) -> float:
    """Share of fakes above the lowest threshold whose false-alarm rate on the reals is at most `false_rate`."""
    labels, scores = _check(labels, scores)
    reals = np.sort(scores[~labels])[::-1]
    allowed = int(np.floor(false_rate * len(reals)))
    return float(np.mean(scores[labels] > reals[min(allowed, len(reals) - 1)]))


def cllr(labels: Labels, llr10: Scores) -> float:
    """Cost of the log likelihood ratio (Brümmer & du Preez 2006), in bits; `llr10` is log10; 1 says nothing."""
    labels, llr10 = _check(labels, llr10)
    natural = llr10 * np.log(10)
    fakes = np.logaddexp(0, -natural[labels]).mean()
    reals = np.logaddexp(0, natural[~labels]).mean()
    return float((fakes + reals) / (2 * np.log(2)))


def wilson(hits: int, number: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a rate (95 % by default). Raises ValueError when nothing was counted."""
    if number <= 0:
        raise ValueError("a rate needs at least one trial")
    rate, square = hits / number, z * z
    centre = (rate + square / (2 * number)) / (1 + square / number)
    half = z / (1 + square / number) * np.sqrt(rate * (1 - rate) / number + square / (4 * number**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float],
    groups: Sequence[str],
    *,
    rounds: int = 500,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % interval of `statistic(indices)` when whole groups are drawn with replacement.

    Rounds in which the statistic is undefined (one class drawn) are drawn again, at most `rounds` times more.
    """
    rng = np.random.default_rng(seed)
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    order = np.argsort(index, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(index))[:-1])
    values: list[float] = []
    for _ in range(2 * rounds):
        drawn = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        try:
            values.append(statistic(drawn))
        except ValueError:
            continue
        if len(values) == rounds:
            break
    return float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5))
