"""Calibration and cost against scikit-learn, Gaussians whose ratio is known, and counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from whichface.detectors.calibration_metrics import (
    area_under_risk,
    brier,
    cllr_min,
    empirical_cross_entropy,
    even_weights,
    expected_calibration_error,
    log_loss,
    pav_llr,
    probabilities,
    reliability,
    risk_coverage,
    tippett,
)
from whichface.detectors.metrics import cllr

LN10 = np.log(10)


def gaussians(count: int, shift: float = 1.5, seed: int = 0, share: float = 0.3):
    """Labels and true log10 ratios of two Gaussians `shift` apart."""
    rng = np.random.default_rng(seed)
    labels = rng.random(count) < share
    x = rng.normal(labels * shift)
    return labels, (x * shift - shift**2 / 2) / LN10


@pytest.fixture
def scored():
    labels, llr = gaussians(600)
    return labels, np.round(llr, 1)


def test_weights_are_half_a_class():
    labels = np.array([True, False, False, False])
    weights = even_weights(labels)
    assert weights[labels].sum() == weights[~labels].sum() == 0.5


def test_probabilities_under_a_prior():
    assert probabilities(np.array([0.0, 1.0]), 0.5).tolist() == pytest.approx([0.5, 10 / 11])
    assert probabilities(np.array([2.0]), 0.01)[0] == pytest.approx(100 / 199)


def test_brier_and_log_loss_are_scikit_learns(scored):
    labels, llr = scored
    stated, weights = probabilities(llr), even_weights(labels)
    assert brier(labels, llr) == pytest.approx(brier_score_loss(labels, stated, sample_weight=weights))
    assert log_loss(labels, llr) == pytest.approx(sklearn_log_loss(labels, stated, sample_weight=weights))


def test_pav_is_scikit_learns_isotonic_regression(scored):
    labels, llr = scored
    weights = even_weights(labels)
    fitted = IsotonicRegression().fit(llr, labels, sample_weight=weights).predict(llr)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(pav_llr(labels, llr), np.log10(fitted / (1 - fitted)), atol=1e-9)


def test_cllr_min_is_the_least_of_all_monotone_maps(scored):
    labels, llr = scored
    least = cllr_min(labels, llr)
    assert least <= cllr(labels, llr)
    for scale in (0.3, 0.7, 1.3, 3.0):
        assert least <= cllr(labels, llr * scale) + 1e-12
    assert cllr_min(labels, np.exp(llr)) == pytest.approx(least)
    assert cllr_min(labels, labels * 1.0) == 0.0


def test_true_ratios_are_calibrated_and_others_not():
    labels, llr = gaussians(40_000)
    assert expected_calibration_error(labels, llr) < 0.012
    assert expected_calibration_error(labels, llr * 3) > 0.05
    assert cllr(labels, llr) - cllr_min(labels, llr) < 0.01
    assert cllr(labels, llr * 3) - cllr_min(labels, llr * 3) > 0.1


def test_bins_by_hand():
    labels = np.array([True, True, False, False, False, False])
    llr = np.array([1.0, -1.0, -1.0, -1.0, -1.0, 1.0])
    bins = reliability(labels, llr, 10)
    low, high = bins[0], bins[9]
    assert (low.reals, low.fakes, high.reals, high.fakes) == (3, 1, 1, 1)
    assert low.observed == pytest.approx(0.25 / (0.25 + 0.375)) and low.stated == pytest.approx(1 / 11)
    assert np.isnan(bins[4].stated) and sum(b.weight for b in bins) == pytest.approx(1)
    by_hand = 0.625 * abs(1 / 11 - 0.4) + 0.375 * abs(10 / 11 - 2 / 3)
    assert expected_calibration_error(labels, llr) == pytest.approx(by_hand)


def test_a_stated_certainty_falls_into_the_last_bin():
    labels = np.array([True, False])
    bins = reliability(labels, np.array([400.0, -400.0]), 5)
    assert (bins[4].fakes, bins[0].reals) == (1, 1)


def test_empirical_cross_entropy_by_its_formula(scored):
    labels, llr = scored
    odds = np.array([-2.0, 0.0, 1.5])
    found = empirical_cross_entropy(labels, llr, odds)
    ratio = 10.0**llr
    for value, o in zip(found, 10.0**odds, strict=True):
        fakes = np.mean(np.log2(1 + 1 / (ratio[labels] * o)))
        reals = np.mean(np.log2(1 + ratio[~labels] * o))
        assert value == pytest.approx(o / (1 + o) * fakes + 1 / (1 + o) * reals)
    assert found[1] == pytest.approx(cllr(labels, llr))
    nothing = empirical_cross_entropy(labels, np.zeros(len(labels)), np.array([0.0]))
    assert nothing[0] == pytest.approx(1.0)


def test_infinite_ratios_on_the_right_side_cost_nothing():
    labels = np.array([True, False])
    costs = empirical_cross_entropy(labels, np.array([np.inf, -np.inf]), np.linspace(-2, 2, 5))
    assert costs.tolist() == [0.0] * 5


def test_tippett_is_a_share():
    values = np.array([-1.0, 0.0, 0.0, 2.0])
    assert tippett(values, np.array([-2.0, 0.0, 0.1, 3.0])).tolist() == [1.0, 0.75, 0.25, 0.0]


def test_risk_and_coverage_by_brute_force():
    labels, llr = gaussians(300, seed=4, share=0.5)
    llr = np.round(llr, 1)
    coverage, risk = risk_coverage(labels, llr)
    weights = even_weights(labels)
    wrong = np.where(llr == 0, 0.5, (llr > 0) != labels)
    levels = sorted(set(np.abs(llr)), reverse=True)
    assert len(levels) == len(coverage)
    for level, c, r in zip(levels, coverage, risk, strict=True):
        kept = np.abs(llr) >= level
        assert c == pytest.approx(weights[kept].sum())
        assert r == pytest.approx((weights * wrong)[kept].sum() / weights[kept].sum())
    assert coverage[-1] == pytest.approx(1) and risk[0] < risk[-1]
    assert 0 < area_under_risk(coverage, risk) < risk[-1]


def test_the_area_under_a_level_risk_is_the_risk():
    assert area_under_risk(np.array([0.2, 0.5, 1.0]), np.full(3, 0.3)) == pytest.approx(0.3)


@pytest.mark.parametrize("function", [brier, cllr_min, reliability, risk_coverage])
def test_one_class_is_refused(function):
    with pytest.raises(ValueError, match="both classes"):
        function(np.ones(3, bool), np.zeros(3))
