"""The linear half of the texture experts: L2 logistic regression on standardised features, fitted by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class LinearConfig:
    """How a model is fitted."""

    strength: float = 0.003
    """scikit-learn's C with weights that sum to the number of rows: smaller is smoother."""
    clip: float = 6.0
    """Standardised features are held within this many deviations."""
    iterations: int = 100
    """Most L-BFGS iterations."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A fitted model: clip((x - mean) / scale) @ weights + bias."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: float
    clip: float

    def scores(self, table: Table, chunk: int = 4096) -> NDArray[np.float64]:
        """(rows,) natural-log odds."""
        parts = [self.odds(self.standardised(table[start : start + chunk])) for start in range(0, len(table), chunk)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def odds(self, standardised: NDArray[np.float32]) -> NDArray[np.float64]:
        """(rows,) natural-log odds of features that are standardised already."""
        return (standardised @ self.weights + self.bias).astype(np.float64)

    def standardised(self, table: Table) -> NDArray[np.float32]:
        """(rows, features) float32."""
        return np.clip((np.asarray(table, np.float32) - self.mean) / self.scale, -self.clip, self.clip)


def fit(table: Table, fake: NDArray[np.bool_], weights: NDArray[np.float64], config: LinearConfig) -> Linear:
    """Fit on (rows, features) with a weight a row."""
    from sklearn.linear_model import LogisticRegression

    weights = weights * len(weights) / weights.sum()
    mean = np.zeros(table.shape[1])
    square = np.zeros(table.shape[1])
    for start in range(0, len(table), 4096):
        part = np.asarray(table[start : start + 4096], np.float64)
        share = weights[start : start + 4096, None] / len(table)
        mean += (part * share).sum(0)
        square += (part**2 * share).sum(0)
    scale = np.sqrt(np.maximum(square - mean**2, 0)) + 1e-3
    blank = Linear(mean.astype(np.float32), scale.astype(np.float32), np.zeros(0, np.float32), 0.0, config.clip)
    model = LogisticRegression(C=config.strength, max_iter=config.iterations, tol=1e-3)
    model.fit(blank.standardised(table), fake, sample_weight=weights.astype(np.float32))
    return Linear(blank.mean, blank.scale, model.coef_[0].astype(np.float32), float(model.intercept_[0]), config.clip)
