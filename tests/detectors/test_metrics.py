"""Figures of merit against scikit-learn, closed forms and known distributions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import beta
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    log_loss,
    roc_auc_score,
    roc_curve,
)

from whichface.detectors.metrics import (
    auc,
    average_precision,
    balanced_accuracy,
    bootstrap,
    cllr,
    draws,
    equal_error_rate,
    roc,
    true_rate_at,
    wilson,
)


@pytest.fixture
def scored():
    rng = np.random.default_rng(3)
    labels = rng.random(700) < 0.4
    return labels, np.round(rng.normal(labels * 1.1), 1)  # rounded: ties


def test_auc_is_scikit_learns(scored):
    labels, scores = scored
    assert auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_true_rate_is_on_the_roc(scored):
    labels, scores = scored
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    for rate in (0.01, 0.05, 0.3):
        assert true_rate_at(labels, scores, rate) == pytest.approx(true[false <= rate].max())


def test_the_roc_is_scikit_learns(scored):
    labels, scores = scored
    expected = roc_curve(labels, scores, drop_intermediate=False)[:2]
    np.testing.assert_allclose(roc(labels, scores), expected)


def test_average_precision_is_scikit_learns(scored):
    labels, scores = scored
    assert average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores))


def test_balanced_accuracy_is_scikit_learns(scored):
    labels, scores = scored
    flagged = scores > 0.4
    assert balanced_accuracy(labels, flagged) == pytest.approx(balanced_accuracy_score(labels, flagged))


def test_equal_error_rate_is_where_the_roc_crosses(scored):
    labels, scores = scored
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    # The ROC as one curve over the sum of both rates, which grows strictly.
    way = false + true
    crossing = brentq(lambda t: np.interp(t, way, false) + np.interp(t, way, true) - 1, 0.0, 2.0)
    assert equal_error_rate(labels, scores) == pytest.approx(np.interp(crossing, way, false))


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 0.5), (2.0, 0.1587), (-2.0, 0.8413)])
def test_equal_error_rate_of_gaussians(shift, expected):
    rng = np.random.default_rng(0)
    labels = np.arange(40_000) % 2 == 0
    assert equal_error_rate(labels, rng.normal(labels * shift)) == pytest.approx(expected, abs=0.01)


def test_perfect_and_constant_scores():
    labels = np.array([True, True, False, False])
    assert equal_error_rate(labels, labels * 1.0) == 0.0 and average_precision(labels, labels * 1.0) == 1.0
    assert equal_error_rate(labels, np.zeros(4)) == 0.5 and average_precision(labels, np.zeros(4)) == 0.5


def test_cllr_is_balanced_log_loss_in_bits(scored):
    labels, llr = scored
    odds = 10.0**llr
    weights = np.where(labels, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    expected = log_loss(labels, odds / (1 + odds), sample_weight=weights) / np.log(2)
    assert cllr(labels, llr) == pytest.approx(expected, rel=1e-9)
    assert cllr(labels, np.zeros(len(labels))) == pytest.approx(1.0)


def test_wilson_is_the_closed_form():
    low, high = wilson(5, 100)
    assert (low, high) == (pytest.approx(0.0215, abs=1e-4), pytest.approx(0.1118, abs=1e-4))
    assert wilson(0, 10)[0] == 0.0 and wilson(10, 10)[1] == 1.0
    with pytest.raises(ValueError, match="at least one"):
        wilson(0, 0)


def test_bootstrap_draws_whole_groups():
    values = np.repeat([0.0, 1.0], 50)
    alone = bootstrap(lambda i: values[i].mean(), [str(i) for i in range(100)], rounds=400)
    tied = bootstrap(lambda i: values[i].mean(), ["a"] * 50 + ["b"] * 50, rounds=400)
    assert alone[1] - alone[0] < 0.3
    assert tied == (0.0, 1.0)


def test_draws_keep_strata_and_groups_together():
    groups = ["a", "a", "b", "c", "c", "c"]
    strata = ["x", "x", "x", "y", "y", "y"]
    for drawn in draws(groups, strata, rounds=50):
        found = np.array(groups)[drawn]
        assert (found == "c").sum() == 3 and (found == "a").sum() % 2 == 0
        assert (found == "a").sum() / 2 + (found == "b").sum() == 2


def test_a_group_of_two_strata_is_not_divided():
    groups = ["a", "b", "b", "c", "d", "e"]
    strata = ["x", "x", "y", "y", "z", "z"]  # x and y share the group b; z shares none
    for drawn in draws(groups, strata, rounds=50):
        counts = np.bincount(drawn, minlength=6)
        assert counts[1] == counts[2] and counts[4:].sum() == 2


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(60):
        values = rng.normal(size=80)
        low, high = bootstrap(lambda i, v=values: float(v[i].mean()), [str(i) for i in range(80)], rounds=200)
        covered += low <= 0 <= high
    assert beta.cdf(0.95, covered + 1, 61 - covered) < 0.999 and covered >= 50


def test_an_interval_without_values_is_nan():
    labels = np.array([True, False])
    low, high = bootstrap(lambda i: auc(labels[i], np.zeros(len(i))), ["a", "b"], strata=["x", "y"], rounds=20)
    assert (low, high) == (0.5, 0.5)
    assert np.isnan(bootstrap(lambda i: auc(labels[:1], np.zeros(1)), ["a", "b"], rounds=20)[0])


@pytest.mark.parametrize("function", [auc, cllr, average_precision, equal_error_rate, roc])
def test_one_class_or_other_shapes_are_refused(function):
    with pytest.raises(ValueError, match="both classes"):
        function(np.ones(3, bool), np.zeros(3))
    with pytest.raises(ValueError, match="shape"):
        function(np.ones(3, bool), np.zeros(4))
