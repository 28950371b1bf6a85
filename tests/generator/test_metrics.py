"""Distances of Gaussians that are known, and of sets that are equal or apart."""

from __future__ import annotations

import numpy as np
import pytest

from whichface.generator.metrics import (
    frechet_distance,
    kernel_distance,
    nearest,
    perceptual_path_length,
    precision_recall,
    sliced_wasserstein,
)

RNG = np.random.default_rng(0)


def test_frechet_of_known_gaussians():
    a = RNG.standard_normal((4000, 3))
    b = RNG.standard_normal((4000, 3)) * 2 + [1, 0, 0]
    # |m|^2 + sum (1 - 2)^2 over three axes
    assert frechet_distance(a, b) == pytest.approx(1 + 3, abs=0.25)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-8)


def test_frechet_is_that_of_the_matrix_root():
    from scipy.linalg import sqrtm

    a, b = RNG.standard_normal((50, 4)) @ RNG.standard_normal((4, 4)), RNG.standard_normal((60, 4))
    c1, c2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real)
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_kernel_distance_is_unbiased_and_sees_a_shift():
    a, b = RNG.standard_normal((300, 8)), RNG.standard_normal((300, 8))
    same = kernel_distance(a, b, subsets=20, size=100)
    assert abs(same) < 0.05 < kernel_distance(a, b + 1, subsets=20, size=100)


def test_precision_and_recall_of_a_missing_mode():
    left, right = (RNG.standard_normal((100, 2)) + np.array([shift, 0]) for shift in (-50, 50))
    precision, recall = precision_recall(np.concatenate([left, right]), left + 0.01)
    assert precision > 0.95 and recall == pytest.approx(0.5, abs=0.05)


def test_nearest_finds_the_copy():
    points = RNG.standard_normal((20, 5))
    index, distance = nearest(points[[7, 3]], points)
    assert index.tolist() == [7, 3] and distance.max() < 1e-6


def test_sliced_wasserstein_finds_blur_in_the_fine_level_only():
    import cv2

    sharp = RNG.integers(0, 256, (12, 32, 32, 3), np.uint8)
    blurred = np.stack([cv2.GaussianBlur(p, (0, 0), 1.0) for p in sharp])
    fine, coarse = sliced_wasserstein(sharp, blurred, per_picture=32)
    same = sliced_wasserstein(sharp, sharp, per_picture=32)
    assert same == [0.0, 0.0] and fine >= 0 and coarse >= 0
    assert len(sliced_wasserstein(sharp, 255 - sharp, per_picture=32)) == 2


def test_path_length_of_a_linear_picture():
    """Features that are w itself: the squared distance of the ends."""
    first, second = np.zeros((200, 2)), np.tile([3.0, 4.0], (200, 1))
    found = perceptual_path_length(lambda w: w, lambda x: x, (first, second))
    assert found == pytest.approx(25.0)


@pytest.mark.parametrize("work", [lambda: frechet_distance(np.ones((1, 3)), np.ones((5, 3)))])
def test_too_few_vectors_are_refused(work):
    with pytest.raises(ValueError, match="expected"):
        work()
