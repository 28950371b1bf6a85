"""The kernel half of the texture experts: whitened principal components, a Gaussian kernel, logistic regression.

The kernel is approximated on a few hundred pictures (Williams & Seeger 2000, "Using the Nyström method to speed up
kernel machines", NIPS 13), so that the model stays small: exp(-gamma |p - landmark|²) @ weights + bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .linear import Linear, Table

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class KernelConfig:
    """How a model is fitted."""

    components: int = 200
    """Principal components."""
    landmarks: int = 600
    """Pictures on which the kernel is evaluated."""
    width: float = 0.6
    """Gamma times the number of components."""
    strength: float = 0.1
    """scikit-learn's C of the logistic regression."""
    seed: int = 0
    """Seed of the components' solver and of the choice of landmarks."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A fitted model on the standardised features of a `Linear`."""

    projection: Array
    """(features, components), whitening."""
    shift: Array
    """(components,) taken off after the projection."""
    landmarks: Array
    """(landmarks, components)."""
    gamma: float
    """Of the Gaussian kernel."""
    weights: Array
    """(landmarks,)."""
    bias: float
    """Intercept, natural-log odds."""

    def scores(self, standardised: Array) -> NDArray[np.float64]:
        """(rows,) natural-log odds."""
        points = standardised @ self.projection - self.shift
        squares = (points**2).sum(1)[:, None] + (self.landmarks**2).sum(1) - 2 * points @ self.landmarks.T
        return (np.exp(-self.gamma * squares) @ self.weights + self.bias).astype(np.float64)


def fit(standardised: Array, fake: NDArray[np.bool_], weights: NDArray[np.float64], config: KernelConfig) -> Kernel:
    """Fit on (rows, features) with a weight a row."""
    from sklearn.decomposition import PCA
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(config.seed)
    some = rng.permutation(len(standardised))[:8000]
    number = min(config.components, len(some) - 1)
    pca = PCA(number, svd_solver="randomized", iterated_power=3, random_state=config.seed).fit(standardised[some])
    # fp16 as shipped, so that the fitted landmarks and what runs later see the same projection
    projection = (pca.components_.T / np.sqrt(pca.explained_variance_)).astype(np.float16).astype(np.float32)
    shift = (pca.mean_ @ projection).astype(np.float32)
    points = standardised @ projection - shift
    nystroem = Nystroem(
        gamma=config.width / number,
        n_components=min(config.landmarks, len(some)),
        random_state=config.seed,
    ).fit(points[some])
    share = (weights * len(weights) / weights.sum()).astype(np.float32)
    model = LogisticRegression(C=config.strength, max_iter=300)
    model.fit(nystroem.transform(points), fake, sample_weight=share)
    return Kernel(
        projection,
        shift,
        nystroem.components_.astype(np.float32),
        config.width / number,
        (nystroem.normalization_.T @ model.coef_[0]).astype(np.float32),
        float(model.intercept_[0]),
    )


@dataclass(frozen=True, slots=True)
class Texture:
    """The mean of both halves."""

    linear: Linear
    kernel: Kernel

    def scores(self, table: Table, chunk: int = 4096) -> NDArray[np.float64]:
        """(rows,) natural-log odds of (rows, features)."""
        parts = [self._scores(table[start : start + chunk]) for start in range(0, len(table), chunk)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _scores(self, table: Table) -> NDArray[np.float64]:
        standardised = self.linear.standardised(table)
        return (self.linear.odds(standardised) + self.kernel.scores(standardised)) / 2
