"""Figures of merit against scikit-learn, closed forms and known distributions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score, roc_curve

from whichface.detectors.metrics import auc, bootstrap, cllr, true_rate_at, wilson


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


@pytest.mark.parametrize("function", [auc, cllr])
def test_one_class_or_other_shapes_are_refused(function):
    with pytest.raises(ValueError, match="both classes"):
        function(np.ones(3, bool), np.zeros(3))
    with pytest.raises(ValueError, match="shape"):
        function(np.ones(3, bool), np.zeros(4))
