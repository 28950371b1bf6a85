"""DeLong's test against brute force, resampling, and the rate of false alarms it promises."""

from __future__ import annotations

import numpy as np
import pytest

from whichface.detectors.delong import delong
from whichface.detectors.metrics import auc, bootstrap


def pair(count: int, gain: float, seed: int):
    """Labels and two correlated scores; the second is shifted by `gain` more."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3 == 0
    shared = rng.normal(size=count)
    first = shared + rng.normal(size=count) + labels
    return labels, first, shared + rng.normal(size=count) + labels * (1 + gain)


def brute(labels, first, second):
    """Variance of the difference by the definition: structural components of every pair."""
    fakes, reals = np.flatnonzero(labels), np.flatnonzero(~labels)

    def kernel(scores):
        return np.array([[(scores[i] > scores[j]) + 0.5 * (scores[i] == scores[j]) for j in reals] for i in fakes])

    gap = kernel(first) - kernel(second)
    return gap.mean(1).var(ddof=1) / len(fakes) + gap.mean(0).var(ddof=1) / len(reals)


def test_it_is_the_definition():
    labels, *scores = pair(90, 0.5, 1)
    first, second = (np.round(x, 1) for x in scores)
    found = delong(labels, first, second)
    assert found.first == pytest.approx(auc(labels, first))
    assert found.second == pytest.approx(auc(labels, second))
    assert found.error**2 == pytest.approx(brute(labels, first, second))
    assert found.difference == pytest.approx(found.first - found.second)


def test_it_agrees_with_resampling():
    labels, first, second = pair(900, 0.6, 2)
    found = delong(labels, first, second)
    names = [str(i) for i in range(900)]
    low, high = bootstrap(lambda i: auc(labels[i], first[i]) - auc(labels[i], second[i]), names, rounds=400)
    assert (found.low, found.high) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))
    assert found.p < 0.01


def test_equal_scores_differ_as_rarely_as_promised():
    found = [delong(*pair(150, 0.0, seed)).p < 0.05 for seed in range(300)]
    assert 0.02 < np.mean(found) < 0.09


def test_the_same_score_twice():
    labels, first, _ = pair(60, 0.0, 3)
    assert delong(labels, first, first).p == 1.0
    assert delong(labels, first, first * 2 + 1).difference == 0.0


def test_too_few_pictures_are_refused():
    with pytest.raises(ValueError, match="at least two"):
        delong(np.array([True, False, False]), np.zeros(3), np.ones(3))
