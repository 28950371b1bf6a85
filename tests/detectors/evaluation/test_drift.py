"""Drift is seen where it is and only there; rank correlation against SciPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from whichface.detectors.evaluation.drift import correlation, drift, trend, within_sets
from whichface.detectors.evaluation.rows import frame


@pytest.fixture
def rows(make_rows):
    """Photographs whose score rises with size, fakes whose score does not."""
    rng = np.random.default_rng(5)
    sides = rng.uniform(100, 1000, 200)
    return [
        replace(r, side=float(s), score=float(rng.normal() + (0 if r.fake else s / 200)))
        for r, s in zip(make_rows(100, 100), sides, strict=True)
    ]


def test_each_class_is_judged_alone(rows):
    found = drift(frame(rows))
    assert found["correlation"]["reals"]["side"]["low"] > 0.5
    fakes = found["correlation"]["fakes"]["side"]
    assert fakes["low"] < 0 < fakes["high"]
    medians = [part["median"] for part in found["trend"]["reals"]["side"]]
    assert len(medians) == 8 and medians[-1] - medians[0] > 2
    assert sum(part["pictures"] for part in found["trend"]["fakes"]["resolution"]) == 100


def test_rank_correlation_is_scipys(rows):
    table = frame(rows)
    expected = spearmanr(table["side"], table["score"]).statistic
    assert correlation(table, "side", 20)["value"] == pytest.approx(expected, abs=1e-4)


def test_within_sets_the_sets_own_sizes_are_left_out(make_rows):
    """Two sources, one large and scored high: over both the score seems to follow size, within each it does not."""
    rng = np.random.default_rng(1)
    table = frame(
        replace(row, set=name, side=float(rng.uniform(a, 2 * a)), score=float(rng.normal(level)))
        for name, a, level in (("s", 100, 0), ("l", 500, 4))
        for row in make_rows(80, 0)
    )
    assert correlation(table, "side", 20)["value"] > 0.6
    inside = within_sets(table, "side", 100)
    assert inside["low"] < 0 < inside["high"]


def test_what_cannot_be_said_is_left_out(make_rows):
    few = frame(make_rows(4, 4))
    assert trend(few, "side") == [] and correlation(few, "side") is None and within_sets(few, "side") is None
    flat = frame(make_rows(20, 20, side=200.0))
    assert correlation(flat, "side") is None and len(trend(flat, "side")) == 1
    unjudged = frame(make_rows(20, 20, score=0.0))
    assert drift(unjudged)["points"]["score"] == []
