"""Fit the stacks of detectors/calibration.py on out-of-fold scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.optimize import minimize

from ..calibration import LN10
from ..metrics import wilson

Array = NDArray[np.float64]
MOST_NOISE = 0.5
"""Share of the spread within a class that networks' differences may explain."""


@dataclass(frozen=True, slots=True)
class FusionConfig:
    """How a stack is fitted."""

    ridge: float = 0.005
    """L2 penalty on the weights of standardised scores; a strong one makes ratios too cautious (docs/decisions.md)."""
    rounds: int = 40
    """Refits on resampled groups, for the interval."""
    false_alarm: float = 0.01
    """False-alarm rate that the shipped threshold may have on calibration reals."""
    source_false_alarm: float = 0.05
    """The same on the photographs of any one source: one that looks generated is not outvoted by others."""
    least_source: int = 900
    """Rows that a source must have for that: 300 pictures in three versions; of fewer, the rate says too little."""
    miss: float = 0.02
    """Share of fakes that may be called real."""
    least: float = 0.5
    """Neither threshold is nearer to zero than this log10 ratio."""
    most_wrong: float = 1.0
    """Where more than this share of a class lies beyond a threshold that the bounds allow, no picture is so called."""
    seed: int = 0
    """Seed of the resampling."""


def fit_stack(scores: Array, fake: NDArray[np.bool_], weights: Array, ridge: float) -> Array:
    """(1 + experts,) bias and non-negative weights of a logistic stack, both classes weighing the same.

    `scores` is (pictures, experts); with balanced classes the log-odds are the natural-log likelihood ratio.
    """
    weights = weights.astype(float).copy()
    for side in (False, True):
        weights[fake == side] /= 2 * weights[fake == side].sum()
    mean, scale = scores.mean(0), scores.std(0) + 1e-9
    design = (scores - mean) / scale
    sign = np.where(fake, 1.0, -1.0)

    def loss(x: Array) -> tuple[float, Array]:
        margin = sign * (x[0] + design @ x[1:])
        slope = -sign * weights / (1 + np.exp(np.clip(margin, -500, 500)))
        value = float(weights @ np.logaddexp(0, -margin) + ridge / 2 * x[1:] @ x[1:])
        return value, np.concatenate([[slope.sum()], design.T @ slope + ridge * x[1:]])

    bounds = [(None, None)] + [(0.0, None)] * scores.shape[1]
    found = minimize(loss, np.zeros(1 + scores.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B").x
    gains = found[1:] / scale
    return np.concatenate([[found[0] - gains @ mean], gains])


def resampled_stacks(
    scores: Array, fake: NDArray[np.bool_], weights: Array, groups: Sequence[str], config: FusionConfig
) -> Array:
    """(rounds, 1 + experts) stacks refitted with whole groups drawn with replacement (as Poisson counts)."""
    rng = np.random.default_rng(config.seed)
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    fits = []
    for _ in range(config.rounds):
        counts = rng.poisson(1.0, index.max() + 1)[index]
        fits.append(fit_stack(scores, fake, weights * counts, config.ridge))
    return np.array(fits)


def for_means(stack: Array, scores: Array, fake: NDArray[np.bool_], weights: Array, noise: Array, count: int) -> Array:
    """(1 + experts,) a stack fitted on scores of one network a picture, for the mean of `count` networks.

    The mean has less noise, so a stack that learned from single networks says too little: its slopes are attenuated.
    With within-class covariance S and the covariance N of networks about their mean (`noise`, (experts, experts), zero
    for experts that are no networks), the discriminant's slopes become (S - (1 - 1/count) N)^-1 S w (regression
    calibration: Carroll et al. 2006, Measurement Error in Nonlinear Models, ch. 4). A ratio of 1 stays where it was:
    midway between the means of the classes. Slopes stay non-negative.
    """
    weights = weights / weights.sum()
    means, within = [], np.zeros_like(noise)
    for side in (False, True):
        share = weights[fake == side] / weights[fake == side].sum()
        means.append(share @ scores[fake == side])
        centred = scores[fake == side] - means[-1]
        within += (centred * share[:, None]).T @ centred / 2
    # Of few pictures the two are told apart badly: at most half of the spread in any direction is taken for noise.
    steady = within + 1e-9 * np.trace(within) * np.eye(len(within))
    largest = float(eigh(noise, steady, eigvals_only=True)[-1])
    quiet = within - min(1 - 1 / count, MOST_NOISE / max(largest, 1e-9)) * noise
    slopes = np.maximum(np.linalg.solve(quiet, within @ stack[1:]), 0.0)
    return np.concatenate([[stack[0] + (stack[1:] - slopes) @ np.mean(means, 0)], slopes])


def apply(stack: Array, scores: Array) -> Array:
    """(pictures,) unbounded log10 likelihood ratios."""
    return (stack[0] + scores @ stack[1:]) / LN10


def cross_fitted(
    scores: Array, fake: NDArray[np.bool_], weights: Array, folds: NDArray[np.int64], ridge: float
) -> Array:
    """log10 ratios of every picture from a stack that was fitted without its fold."""
    out = np.zeros(len(scores))
    for fold in np.unique(folds):
        held = folds == fold
        out[held] = apply(fit_stack(scores[~held], fake[~held], weights[~held], ridge), scores[held])
    return out


def thresholds(
    llr: Array, fake: NDArray[np.bool_], config: FusionConfig, sets: NDArray[np.str_] | None = None
) -> tuple[float, float, float]:
    """(generated, real, false-alarm rate at the first) from cross-fitted ratios; `sets` are the sources of the rows."""
    generated = max(_exceeded_by(llr[~fake], config.false_alarm), config.least)
    for name in np.unique(sets[~fake]) if sets is not None else ():
        own = llr[~fake & (sets == name)]
        if len(own) >= config.least_source:
            generated = max(generated, _exceeded_by(own, config.source_false_alarm))
    real = min(-_exceeded_by(-llr[fake], config.miss), -config.least)
    return generated, real, float(np.mean(llr[~fake] >= generated))


def _exceeded_by(llr: Array, share: float) -> float:
    """Just above the ratio that a `share` of them passes."""
    return float(np.sort(llr)[::-1][int(share * len(llr))]) + 1e-3


def within_bounds(
    llr: Array,
    fake: NDArray[np.bool_],
    bounds: tuple[float, float],
    config: FusionConfig,
    sets: NDArray[np.str_] | None = None,
) -> tuple[float, float, float]:
    """(generated, real, false-alarm rate at the first) with both thresholds inside (ceiling, floor).

    A ratio never passes its bound, so a threshold beyond it moves to the bound, and the rate is that at the bound.
    Where too many would be wrong there, the threshold lies just outside: nothing is called so.
    """
    ceiling, floor = bounds
    generated, real, _ = thresholds(llr, fake, config, sets)
    generated, real = round(min(generated, ceiling), 3), round(max(real, floor), 3)
    if np.mean(llr[~fake] >= generated) > config.most_wrong:
        generated = round(ceiling + 0.01, 3)
    if np.mean(llr[fake] <= real) > config.most_wrong:
        real = round(floor - 0.01, 3)
    alarm = float(np.mean(llr[~fake] >= generated)) if generated <= ceiling else 0.0
    return generated, real, alarm


def limits(llr: Array, fake: NDArray[np.bool_], groups: Sequence[str]) -> tuple[float, float]:
    """(ceiling, floor): the largest log10 ratios that cross-fitted scores can show, for either side.

    At each threshold the share of one class beyond it, over the 95 % upper bound of the other's share: with n distinct
    pictures and none beyond, that bound is 3/n. A stack may claim more; nothing here could tell whether it is right.
    """
    names = np.asarray(groups)
    reals, fakes = len(set(names[~fake])), len(set(names[fake]))
    return _reach(llr[fake], llr[~fake], reals), -_reach(-llr[~fake], -llr[fake], fakes)


def _reach(own: Array, other: Array, number: int) -> float:
    """log10 of the largest share of `own` over the upper bound of the share of `other` (of `number` pictures)."""
    edges = np.quantile(own, np.linspace(0, 0.995, 200))
    hits = 1 - np.searchsorted(np.sort(own), edges) / len(own)
    wrong = 1 - np.searchsorted(np.sort(other), edges) / len(other)
    upper = [max(wilson(round(share * number), number, 1.645)[1], 3 / number) for share in wrong]
    return max(0.0, float(np.log10(np.max(hits / np.array(upper)))))
