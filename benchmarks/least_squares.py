"""Linear experts by weighted least squares on ±1 with a ridge: one pass over the rows fits any number of variations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.blas import ssyrk

from whichface.detectors.training.score import VARIANTS, Material

Array = NDArray[np.float64]
Columns = NDArray[np.int64]
RIDGE = 0.3
"""Of standardised features, by hand; not chosen on anything that is shown."""
CLIP = 6.0
"""Standardised features are held within this many deviations."""
CHUNK = 2048


@dataclass(frozen=True, slots=True)
class Moments:
    """Weighted sums over rows of one class."""

    weight: float
    first: Array
    """(features,)"""
    second: NDArray[np.float32]
    """(features, features), the lower triangle."""

    def joined(self, other: Moments, share: float) -> Moments:
        """With `other` weighing `share` times what this does."""
        factor = share * self.weight / other.weight
        second = self.second + np.float32(factor) * other.second
        return Moments(self.weight * (1 + share), self.first + factor * other.first, second)


@dataclass(frozen=True, slots=True)
class Model:
    """A score is `standardised @ slopes + bias`."""

    slopes: NDArray[np.float32]
    """(features,); zero for columns that were left out."""
    bias: float


def moments(table: NDArray[np.floating], weights: Array) -> Moments:
    """Of (rows, features) standardised features; rows that weigh nothing are skipped."""
    used, width = np.flatnonzero(weights), table.shape[1]
    first = np.zeros(width)
    second = np.zeros((width, width), np.float32, order="F")
    for start in range(0, len(used), CHUNK):
        rows = used[start : start + CHUNK]
        root = np.sqrt(weights[rows] / weights.sum()).astype(np.float32)[:, None]
        scaled = table[rows].astype(np.float32) * root
        first += (scaled * root).sum(0)
        second = ssyrk(1.0, scaled.T, beta=1.0, c=second, lower=1, overwrite_c=1)
    return Moments(1.0, first, second)


def solved(second: NDArray[np.float32], slope: Array) -> NDArray[np.float32]:
    """(features,) slopes: a centred second moment, of which the lower triangle is read, with the ridge; overwritten."""
    second[np.diag_indices_from(second)] += np.float32(RIDGE)
    return cho_solve(cho_factor(second, lower=True, overwrite_a=True, check_finite=False), slope.astype(np.float32))


def fit(reals: Moments, fakes: Moments, columns: Columns | None = None) -> Model:
    """Both classes weigh alike; `columns` are the features that may be used (None: all)."""
    mean = (reals.first / reals.weight + fakes.first / fakes.weight) / 2
    slope = (fakes.first / fakes.weight - reals.first / reals.weight) / 2
    parts = [np.float32(0.5 / m.weight) * m.second for m in (reals, fakes)]
    second = parts[0] + parts[1] - np.outer(mean, mean).astype(np.float32)
    if columns is not None:
        second, slope = second[np.ix_(columns, columns)], slope[columns]
    slopes = np.zeros(len(mean), np.float32)
    slopes[slice(None) if columns is None else columns] = solved(second, slope)
    return Model(slopes, float(-mean @ slopes))


class Scale:
    """The rows of one canonical scale with their standardised features. Only the scaling is shared between folds."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    """Both (features,), once the table was read or given."""

    def __init__(self, scale: int, material: Material) -> None:
        self.scale = scale
        self.material = material
        self.rows = material.rows(scale, VARIANTS)
        self.sample, self.variant = material.pack.sample[self.rows], material.pack.variant[self.rows]
        self.fold = material.folds[self.sample]

    def read(self, features: NDArray[np.float16]) -> NDArray[np.float16]:
        """(rows, features) standardised, from a table of the whole pack."""
        raw = np.asarray(features[self.rows])
        total, square = np.zeros(raw.shape[1]), np.zeros(raw.shape[1])
        for start in range(0, len(raw), CHUNK):
            part = raw[start : start + CHUNK].astype(np.float32)
            total += part.sum(0, dtype=np.float64)
            square += np.einsum("ij,ij->j", part, part)
        mean = total / len(raw)
        self.mean = mean.astype(np.float32)
        self.deviation = (np.sqrt(np.maximum(square / len(raw) - mean**2, 0)) + 1e-3).astype(np.float32)
        for start in range(0, len(raw), CHUNK):
            raw[start : start + CHUNK] = self.standardised(raw[start : start + CHUNK])
        return raw

    def standardised(self, raw: NDArray[np.floating]) -> NDArray[np.float32]:
        """Any (rows, features) on this scale's footing, float32."""
        return np.clip((raw.astype(np.float32) - self.mean) / self.deviation, -CLIP, CLIP)

    def weights(self, fold: int) -> Array:
        """(rows,) as everywhere in training: zero for what the fold leaves out."""
        return self.material.row_weights(self.rows, fold)

    def of_class(self, table: NDArray[np.float16], weights: Array, fake: bool) -> Moments:
        """Sums over the rows of one class; `table` is what `read` returned."""
        labels = np.array([s.fake for s in self.material.samples])[self.sample]
        return moments(table, np.where(labels == fake, weights, 0.0))


def scores(table: NDArray[np.floating], models: Sequence[Model]) -> Array:
    """(rows, models) of standardised features."""
    slopes = np.stack([m.slopes for m in models], 1)
    bias = np.array([m.bias for m in models])
    parts = [table[s : s + CHUNK].astype(np.float32) @ slopes for s in range(0, len(table), CHUNK)]
    return np.concatenate(parts).astype(np.float64) + bias


def out_of_fold(scale: Scale, table: NDArray[np.float16], models: Sequence[Mapping[str, Model]]) -> dict[str, Array]:
    """(rows,) by name; `models` has one mapping a fold. What no fold saw gets the folds' mean."""
    names = list(models[0])
    found = np.zeros((len(scale.rows), len(names)))
    for fold, fitted in enumerate(models):
        held, unseen = scale.fold == fold, scale.fold < 0
        found[held] = scores(table[held], [fitted[n] for n in names])
        found[unseen] += scores(table[unseen], [fitted[n] for n in names]) / len(models)
    return {name: found[:, i] for i, name in enumerate(names)}


def save(path: Path, scale: Scale, models: Sequence[Mapping[str, Model]], values: Mapping[str, Array]) -> None:
    """Everything that was fitted at a scale (.npz)."""
    names = list(models[0])
    np.savez(
        path, names=np.array(names), mean=scale.mean, deviation=scale.deviation,
        slopes=np.array([[m[n].slopes for n in names] for m in models]),
        bias=np.array([[m[n].bias for n in names] for m in models]),
        values=np.stack([values[n] for n in names]),
    )  # fmt: skip


def load(path: Path, scale: Scale) -> tuple[list[dict[str, Model]], dict[str, Array]]:
    """(models of each fold, out-of-fold scores) as `save` wrote them; `scale` gets its scaling."""
    with np.load(path, allow_pickle=False) as data:
        names = data["names"].tolist()
        scale.mean, scale.deviation = data["mean"], data["deviation"]
        models = [
            {n: Model(w, float(b)) for n, w, b in zip(names, slopes, bias, strict=True)}
            for slopes, bias in zip(data["slopes"], data["bias"], strict=True)
        ]
        return models, dict(zip(names, data["values"], strict=True))
