"""Figures of merit for scores with labels; True means generated, higher scores mean more generated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from whichface.forensics.phash import Union

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
    fakes, reals = scores[labels], np.sort(scores[~labels])
    below = np.searchsorted(reals, fakes, "left") + np.searchsorted(reals, fakes, "right")
    return float(below.sum() / (2 * len(fakes) * len(reals)))


def roc(labels: Labels, scores: Scores) -> tuple[Scores, Scores]:
    """False-alarm and detection rates, from (0, 0) to (1, 1), one point a distinct score."""
    labels, scores = _check(labels, scores)
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    true = np.cumsum(labels[order])[last]
    total = np.arange(1, len(labels) + 1)[last]
    rates = (total - true) / (~labels).sum(), true / labels.sum()
    return np.append(0.0, rates[0]), np.append(0.0, rates[1])


def average_precision(labels: Labels, scores: Scores) -> float:
    """Mean precision over the recall steps, not interpolated; at chance it is the share of fakes."""
    labels, scores = _check(labels, scores)
    false, true = roc(labels, scores)
    hits, alarms = true * labels.sum(), false * (~labels).sum()
    precision = hits[1:] / (hits[1:] + alarms[1:])
    return float(np.sum(np.diff(true) * precision))


def equal_error_rate(labels: Labels, scores: Scores) -> float:
    """Rate at which misses and false alarms are equal, on the ROC joined by straight lines."""
    false, true = roc(labels, scores)
    gap = false - (1 - true)
    after = int(np.argmax(gap >= 0))
    before = after - 1
    share = -gap[before] / (gap[after] - gap[before])
    return float(false[before] + share * (false[after] - false[before]))


def balanced_accuracy(labels: Labels, flagged: Labels) -> float:
    """Mean of the share of fakes flagged and the share of reals not flagged."""
    labels, flags = _check(labels, np.asarray(flagged, float))
    return float((flags[labels].mean() + 1 - flags[~labels].mean()) / 2)


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


def draws(
    groups: Sequence[str], strata: Sequence[str] | None = None, *, rounds: int, seed: int = 0
) -> Iterator[NDArray[np.int64]]:
    """Indices of pictures when whole groups are drawn with replacement, within each stratum where they are given.

    Strata that share a group are drawn from as one, so that no group is divided.
    """
    _, first, index = np.unique(np.asarray(groups, str), return_index=True, return_inverse=True)
    order = np.argsort(index, kind="stable")
    counts = np.bincount(index)
    starts = np.cumsum(counts) - counts
    parts = [np.arange(len(counts))]
    if strata is not None:
        stratum = _joined(index, np.unique(np.asarray(strata, str), return_inverse=True)[1])[first]
        parts = [np.flatnonzero(stratum == number) for number in np.unique(stratum)]
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        drawn = np.concatenate([part[rng.integers(0, len(part), len(part))] for part in parts])
        within = np.arange(counts[drawn].sum()) - np.repeat(np.cumsum(counts[drawn]) - counts[drawn], counts[drawn])
        yield order[np.repeat(starts[drawn], counts[drawn]) + within]


def _joined(groups: NDArray[np.intp], strata: NDArray[np.intp]) -> NDArray[np.int64]:
    """The stratum of every picture by number; of those that a group joins, the smallest."""
    union = Union(int(strata.max()) + 1)
    seen: dict[int, int] = {}
    for group, stratum in zip(groups.tolist(), strata.tolist(), strict=True):
        union.join(seen.setdefault(group, stratum), stratum)
    return np.array([union.root(stratum) for stratum in range(len(union.parent))])[strata]


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float],
    groups: Sequence[str],
    *,
    strata: Sequence[str] | None = None,
    rounds: int = 500,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % interval of `statistic(indices)` when whole groups are drawn with replacement (within their stratum).

    Rounds in which the statistic is undefined (one class drawn) are drawn again, at most `rounds` times more; NaN
    when fewer than a fifth of the rounds have a value.
    """
    values: list[float] = []
    for drawn in draws(groups, strata, rounds=2 * rounds, seed=seed):
        try:
            values.append(statistic(drawn))
        except ValueError:
            continue
        if len(values) == rounds:
            break
    if len(values) < max(1, rounds // 5):
        return float("nan"), float("nan")
    return float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5))
