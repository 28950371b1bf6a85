"""Stacks on Gaussians whose likelihood ratio is known, bounds, thresholds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whichface.detectors.calibration import LN10, Stratum, probability, strata
from whichface.detectors.training.fusion import (
    FusionConfig,
    apply,
    cross_fitted,
    fit_stack,
    for_means,
    limits,
    resampled_stacks,
    thresholds,
    within_bounds,
)
from whichface.forensics.records import Score


@pytest.fixture
def gaussians():
    """Two independent scores, N(0, 1) for reals and N(1, 1), N(2, 1) for fakes; a third is noise."""
    rng = np.random.default_rng(0)
    fake = np.arange(24000) % 4 == 0
    means = np.outer(fake, [1.0, 2.0, 0.0])
    return rng.normal(means), fake


def true_llr(scores):
    return (scores[:, 0] - 0.5 + 2 * scores[:, 1] - 2) / LN10


def test_the_stack_finds_the_true_ratio(gaussians):
    scores, fake = gaussians
    stack = fit_stack(scores, fake, np.ones(len(fake)), 1e-4)
    assert stack == pytest.approx([-2.5, 1.0, 2.0, 0.0], abs=0.2)
    assert np.abs(apply(stack, scores) - true_llr(scores)).mean() < 0.1


def test_weights_are_never_negative(gaussians):
    scores, fake = gaussians
    stack = fit_stack(scores * [1, 1, -1] + np.outer(fake, [0, 0, -1.0]), fake, np.ones(len(fake)), 1e-4)
    assert (stack[1:] >= 0).all()


def test_cross_fitting_leaves_the_fold_out(gaussians):
    scores, fake = gaussians
    folds = np.arange(len(fake)) % 3
    altered = scores.copy()
    altered[folds == 1] = 99.0
    ones = np.ones(len(fake))
    first, second = (cross_fitted(s, fake, ones, folds, 0.02) for s in (scores, altered))
    stack = fit_stack(scores[folds != 1], fake[folds != 1], ones[folds != 1], 0.02)
    assert first[folds == 1] == pytest.approx(apply(stack, scores[folds == 1]))
    assert not np.allclose(first[folds == 0], second[folds == 0])


def test_thresholds_keep_their_rates(gaussians):
    scores, fake = gaussians
    llr = true_llr(scores)
    generated, real, alarm = thresholds(llr, fake, FusionConfig())
    assert np.mean(llr[~fake] >= generated) == pytest.approx(alarm) and alarm <= 0.0105
    assert np.mean(llr[fake] <= real) <= 0.025
    assert generated >= 0.5 and real <= -0.5


def test_limits_follow_the_number_of_pictures(gaussians):
    scores, fake = gaussians
    llr, names = true_llr(scores), np.array([str(i) for i in range(len(fake))])
    few = np.arange(len(fake)) < 400
    large, small = limits(llr, fake, names.tolist()), limits(llr[few], fake[few], names[few].tolist())
    assert 0 < small[0] < large[0] <= np.log10((~fake).sum() / 3) + 1e-9
    assert large[1] < small[1] < 0


def test_a_hundred_variants_of_one_picture_are_one_picture():
    fake = np.repeat([False, True], 100)
    llr = np.where(fake, 1.0, -1.0)
    ceiling, floor = limits(llr, fake, ["r"] * 100 + ["f"] * 100)
    assert ceiling == 0.0 and floor == 0.0


@pytest.fixture
def stratum():
    return Stratum(("b", "a"), (), -1.0, np.array([2.0, 0.5]), np.array([[-1.2, 2.0, 0.5], [-0.8, 2.2, 0.6]]),
                   1.5, -1.0, 0.6, -0.6, 0.01)  # fmt: skip


def test_scores_are_taken_by_name(stratum):
    scores = [Score("a", 1.0), Score("b", 0.5), Score("other", 9.0)]
    assert stratum.llr(scores) == pytest.approx((-1 + 0.5 * 2 + 1 * 0.5) / LN10)
    assert stratum.contributions(scores) == pytest.approx({"b": (1 - 0.8) / LN10, "a": (0.5 - 0.2) / LN10})
    assert sum(stratum.contributions(scores).values()) == pytest.approx(stratum.unbounded(scores))
    with pytest.raises(ValueError, match="needs scores"):
        stratum.llr(scores[:1])


@pytest.mark.parametrize(("logit", "bound"), [(50.0, 1.5), (-50.0, -1.0)])
def test_no_ratio_passes_its_bounds(stratum, logit, bound):
    scores = [Score("a", logit), Score("b", logit)]
    assert stratum.llr(scores) == bound
    low, high = stratum.interval(scores)
    assert low <= bound <= high and low >= -1.0 and high <= 1.5
    assert abs(stratum.unbounded(scores)) > abs(bound)


def test_resampling_moves_the_stack(gaussians):
    scores, fake = (part[:300] for part in gaussians)
    rounds = resampled_stacks(scores, fake, np.ones(300), [str(i // 2) for i in range(300)], FusionConfig(rounds=8))
    assert rounds.shape == (8, 4) and rounds.std(0)[1] > 0


def test_strata_are_read(stratum):
    entry = {"experts": ["b", "a"], "bias": -1, "weights": [2, 0.5], "replicates": [[-1, 2, 0.5]], "ceiling": 1.5}
    entry |= {"floor": -1, "threshold": 0.6, "threshold_real": -0.6, "false_alarm": 0.01}
    found = strata({"strata": {"160": entry}})[160]
    assert found.experts == ("b", "a") and found.ceiling == 1.5


@pytest.mark.parametrize(("llr", "prior", "expected"), [(0, 0.5, 0.5), (1, 0.5, 10 / 11), (2, 0.001, 0.0910)])
def test_probability_is_bayes(llr, prior, expected):
    assert probability(llr, prior) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("prior", [0.0, 1.0, -1.0, float("nan")])
def test_impossible_priors_are_refused(prior):
    with pytest.raises(ValueError, match="prior"):
        probability(1.0, prior)


def test_cues_count_beside_the_experts_and_an_abstention_counts_nothing(stratum) -> None:
    plain = stratum
    fused = replace(
        plain, cues=("spots",), weights=np.append(plain.weights, 0.5),
        replicates=np.column_stack([plain.replicates, [0.4, 0.6]]),
    )  # fmt: skip
    scores = (Score("a", 1.0), Score("b", 0.5))
    assert fused.unbounded(scores) == pytest.approx(plain.unbounded(scores))
    assert fused.unbounded(scores, {"spots": 0.8, "other": 9.0}) == pytest.approx(plain.unbounded(scores) + 0.4)
    assert fused.contributions(scores, {"spots": 0.8})["spots"] == pytest.approx(0.4)
    low, high = fused.interval(scores, {"spots": 0.8})
    assert low <= fused.llr(scores, {"spots": 0.8}) <= high


def test_thresholds_beyond_the_bounds_say_what_they_cost():
    fake = np.repeat([False, True], 200)
    llr = np.concatenate([np.linspace(-2, 1.0, 200), np.linspace(-1.0, 2, 200)])
    generated, real, alarm = within_bounds(llr, fake, (0.7, -0.7), FusionConfig())
    assert (generated, real) == (0.7, -0.7)
    assert alarm == np.mean(llr[~fake] >= 0.7) > 0.05
    generated, real, alarm = within_bounds(llr, fake, (0.7, -0.7), FusionConfig(most_wrong=0.05))
    assert (generated, real, alarm) == (0.71, -0.71, 0.0)  # out of reach: nothing is called so
    inside = within_bounds(llr, fake, (3.0, -3.0), FusionConfig(most_wrong=0.05))
    assert inside == pytest.approx(thresholds(llr, fake, FusionConfig()), abs=1e-3)


def test_a_stack_of_single_networks_is_turned_into_one_for_their_mean() -> None:
    """Against the stack that means of networks on the same pictures would have given; the other expert has no noise."""
    rng = np.random.default_rng(0)
    count, networks = 40_000, 3
    fake = np.arange(count) % 2 == 0
    spread = rng.multivariate_normal([0.3, 0], [[1, 0.3], [0.3, 1]], count)
    truth = np.where(fake, 1.0, -1.0)[:, None] * [0.8, 0.5] + spread
    single = truth[None] + np.stack([rng.normal(0, [0.9, 0.0], (count, 2)) for _ in range(networks)])
    weights = rng.uniform(0.5, 1.5, count)
    drawn = single[rng.integers(0, networks, count), np.arange(count)]
    apart = single - single.mean(0)
    noise = np.einsum("nri,nrj->ij", apart, apart) / (count * (networks - 1))
    stack = fit_stack(drawn, fake, weights, 0.0)
    wanted = fit_stack(single.mean(0), fake, weights, 0.0)
    found = for_means(stack, drawn, fake, weights, noise, networks)
    assert wanted[1] > 1.2 * stack[1]
    assert found == pytest.approx(wanted, rel=0.05, abs=0.03)
    assert for_means(stack, drawn, fake, weights, np.zeros((2, 2)), networks) == pytest.approx(stack)
    assert (for_means(stack, drawn, fake, weights, 0.9 * np.cov(drawn.T), 100)[1:] >= 0).all()


def test_at_most_the_stated_share_of_fakes_is_called_real():
    for count in (60, 100, 1000):
        llr = np.random.default_rng(count).normal(-2.0, 0.5, 2 * count)
        fake = np.arange(2 * count) < count
        _, real, _ = thresholds(llr, fake, FusionConfig(miss=0.02))
        assert np.count_nonzero(llr[fake] <= real) == int(0.02 * count)


def test_networks_that_differ_more_than_the_pictures_do_not_make_ratios_wild():
    rng = np.random.default_rng(0)
    fake = np.arange(60) % 2 == 1
    scores = rng.normal(np.where(fake, 1.0, 0.0)[:, None], 1.0, (60, 2))
    stack = fit_stack(scores, fake, np.ones(60), 0.005)
    for noise in (5 * np.cov(scores.T), np.diag([30.0, 0.1])):
        found = for_means(stack, scores, fake, np.ones(60), noise, 3)
        assert np.isfinite(found).all() and np.abs(found[1:]).max() <= 3 * stack[1:].max()


def test_a_source_that_looks_generated_raises_the_threshold():
    rng = np.random.default_rng(0)
    fake = np.arange(4400) >= 4000
    sets = np.where(np.arange(4400) < 3600, "plain", "odd")
    llr = rng.normal(np.where(fake, 2.0, np.where(sets == "odd", 0.6, -1.0)), 0.5)
    config = FusionConfig(source_false_alarm=0.02, least_source=400)
    pooled, real, _ = thresholds(llr, fake, config)
    by_source, same, alarm = thresholds(llr, fake, config, sets)
    odd = llr[~fake & (sets == "odd")]
    assert np.mean(odd >= pooled) > 0.05 and np.mean(odd >= by_source) == pytest.approx(0.02, abs=0.003)
    assert same == real and alarm < 0.01
    few = replace(config, least_source=401)
    assert thresholds(llr, fake, few, sets)[0] == pooled
