"""What log10 likelihood ratios are worth as such: calibration, cost and error against coverage.

True means generated. Both classes weigh alike (an even prior) whatever their numbers, so that figures of corpora with
different shares of fakes can be compared. Two things are called ECE and both are here under their full names: the
*expected calibration error* (Naeini et al. 2015) and the *empirical cross-entropy* (Ramos & Gonzalez-Rodriguez 2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import expit

from .metrics import Labels, Scores, _check, cllr

LN10 = float(np.log(10))
LEAST = 1e-12
"""Probabilities are held this far from 0 and 1 before a logarithm is taken."""


def even_weights(labels: Labels) -> Scores:
    """(pictures,) weights that sum to 1, half for each class."""
    labels = np.asarray(labels, bool)
    return np.where(labels, 0.5 / max(labels.sum(), 1), 0.5 / max((~labels).sum(), 1))


def probabilities(llr10: Scores, prior: float = 0.5) -> Scores:
    """Posterior probabilities of "generated" under the prior."""
    return np.asarray(expit(np.asarray(llr10, float) * LN10 + np.log(prior / (1 - prior))), float)


def brier(labels: Labels, llr10: Scores) -> float:
    """Mean squared error of the probability at an even prior; 0.25 says nothing."""
    labels, llr10 = _check(labels, llr10)
    return float(even_weights(labels) @ (probabilities(llr10) - labels) ** 2)


def log_loss(labels: Labels, llr10: Scores) -> float:
    """Mean negative log-likelihood at an even prior, in nats; ln 2 = 0.693 says nothing."""
    return cllr(labels, llr10) * float(np.log(2))


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a reliability diagram."""

    low: float
    """Lower edge of the stated probability."""
    high: float
    """Upper edge."""
    reals: int
    """Photographs in the bin."""
    fakes: int
    """Generated faces in the bin."""
    stated: float
    """Mean probability stated, both classes weighted alike; NaN for an empty bin."""
    observed: float
    """Share of fakes found, both classes weighted alike; NaN for an empty bin."""
    weight: float
    """Share of all weight that lies in the bin."""


def reliability(labels: Labels, llr10: Scores, bins: int = 10) -> tuple[Bin, ...]:
    """Stated against observed probability at an even prior, in bins of equal width."""
    labels, llr10 = _check(labels, llr10)
    stated, weights = probabilities(llr10), even_weights(labels)
    place = np.minimum((stated * bins).astype(int), bins - 1)
    return tuple(_bin(number, bins, place == number, labels, stated, weights) for number in range(bins))


def _bin(number: int, bins: int, here: Labels, labels: Labels, stated: Scores, weights: Scores) -> Bin:
    total = float(weights[here].sum())
    mean = [float(weights[here] @ values[here]) / total if total else float("nan") for values in (stated, labels)]
    counts = int((here & ~labels).sum()), int((here & labels).sum())
    return Bin(number / bins, (number + 1) / bins, *counts, mean[0], mean[1], total)


def expected_calibration_error(labels: Labels, llr10: Scores, bins: int = 10) -> float:
    """Mean distance of stated and observed probability over the bins, by weight; even prior."""
    return float(sum(b.weight * abs(b.stated - b.observed) for b in reliability(labels, llr10, bins) if b.weight))


def pav_llr(labels: Labels, scores: Scores) -> Scores:
    """log10 ratios after the best monotone map of the scores (pool adjacent violators); infinite at clean ends."""
    labels, scores = _check(labels, scores)
    _, index = np.unique(scores, return_inverse=True)
    weights = even_weights(labels)
    total = np.bincount(index, weights)
    share = np.bincount(index, weights * labels) / total
    fitted = np.clip(isotonic_regression(share, weights=total).x, 0.0, 1.0)[index]
    with np.errstate(divide="ignore"):
        return np.asarray(np.log10(fitted) - np.log10(1 - fitted))


def cllr_min(labels: Labels, scores: Scores) -> float:
    """Cllr after the best monotone map (Brümmer & du Preez 2006): what the ranking alone would cost."""
    return cllr(labels, pav_llr(labels, scores))


def empirical_cross_entropy(labels: Labels, llr10: Scores, prior_log10_odds: Scores) -> Scores:
    """(priors,) mean cost in bits of the posterior under each prior; at even odds it is Cllr."""
    labels, llr10 = _check(labels, llr10)
    natural = llr10 * LN10
    odds = np.asarray(prior_log10_odds, float) * LN10
    prior = expit(odds)
    fakes = np.logaddexp(0, -natural[labels][None] - odds[:, None]).mean(1)
    reals = np.logaddexp(0, natural[~labels][None] + odds[:, None]).mean(1)
    return np.asarray((prior * fakes + (1 - prior) * reals) / np.log(2), float)


def tippett(values: Scores, grid: Scores) -> Scores:
    """(grid,) share of `values` at or above each point."""
    ordered = np.sort(np.asarray(values, float))
    return np.asarray((len(ordered) - np.searchsorted(ordered, grid, side="left")) / len(ordered), float)


def risk_coverage(labels: Labels, llr10: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coverage and risk when only the pictures with the largest |llr| are answered, by the sign of the ratio.

    Both classes weigh alike; a ratio of 1 is half an error. One point a distinct |llr|, from firm to doubtful.
    """
    labels, llr10 = _check(labels, llr10)
    wrong = np.where(llr10 == 0, 0.5, (llr10 > 0) != labels)
    weights, firm = even_weights(labels), np.abs(llr10)
    order = np.argsort(-firm, kind="stable")
    last = np.append(np.diff(firm[order]) != 0, True)
    covered, errors = np.cumsum(weights[order])[last], np.cumsum((weights * wrong)[order])[last]
    return covered, errors / covered


def area_under_risk(coverage: Scores, risk: Scores) -> float:
    """Mean risk over all coverages; the first risk holds from coverage 0."""
    steps = np.diff(np.append(0.0, coverage))
    return float(steps @ risk / coverage[-1])
