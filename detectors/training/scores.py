"""Out-of-fold scores of every expert for every picture and variant of a pack: what the stack and the figures rest on.

A picture that a fold left out is scored by that fold's model alone; one that no fold saw (the val split) by what
ships: the texture experts fitted on all folds, the mean of the folds' networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..dataset import Sample
from .pack import Pack

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """One row a picture and variant, one column an expert."""

    sample: NDArray[np.int64]
    """(rows,) number of the picture."""
    variant: NDArray[np.int64]
    """(rows,) number of its processing; 0 is as stored."""
    experts: tuple[str, ...]
    """Names of the columns."""
    values: Array
    """(rows, experts) scores; NaN where the face lacks the pixels."""

    def save(self, path: Path) -> None:
        """Write as .npz."""
        np.savez(path, sample=self.sample, variant=self.variant, experts=np.array(self.experts), values=self.values)

    @classmethod
    def load(cls, path: Path) -> ScoreTable:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as data:
            return cls(data["sample"], data["variant"], tuple(data["experts"].tolist()), data["values"])

    def beside(self, other: ScoreTable) -> ScoreTable:
        """The columns of both. Raises ValueError when they are not of the same pictures and variants."""
        if not (np.array_equal(self.sample, other.sample) and np.array_equal(self.variant, other.variant)):
            raise ValueError("the score tables are of different packs")
        experts = (*self.experts, *other.experts)
        return ScoreTable(self.sample, self.variant, experts, np.hstack([self.values, other.values]))

    def columns(self, experts: Sequence[str]) -> Array:
        """(rows, experts) in the given order."""
        return self.values[:, [self.experts.index(name) for name in experts]]


def out_of_fold(
    rows: NDArray[np.int64], fold: NDArray[np.int64], models: int, score: Callable[[int, NDArray[np.int64]], Array]
) -> Array:
    """(rows,) scores; `fold` is each row's, and `score(model, rows)` is called once a model with what it must score."""
    total, count = np.zeros(len(rows)), np.zeros(len(rows))
    for model in range(models):
        wanted = (fold == model) | (fold < 0)
        total[wanted] += score(model, rows[wanted])
        count[wanted] += 1
    return total / np.maximum(count, 1)


def table(pack: Pack, scores: Mapping[str, tuple[NDArray[np.int64], Array]], most_variants: int) -> ScoreTable:
    """Join each expert's (pack rows, scores) by picture and variant below `most_variants`."""
    experts = tuple(sorted(scores))
    used = pack.variant < most_variants
    keys, inverse = np.unique(
        np.stack([pack.sample[used], pack.variant[used]], 1), axis=0, return_inverse=True
    )
    place = np.full(len(pack), -1, np.int64)
    place[used] = inverse.ravel()
    values = np.full((len(keys), len(experts)), np.nan)
    for column, name in enumerate(experts):
        rows, found = scores[name]
        kept = place[rows] >= 0
        values[place[rows[kept]], column] = found[kept]
    return ScoreTable(keys[:, 0], keys[:, 1], experts, values)


def between(tables: Sequence[ScoreTable], experts: Sequence[str]) -> Array:
    """(experts, experts) covariance of single networks about their mean, from a table a network; 0 for other experts.

    Only pictures that no network was trained on tell it; their labels are not asked for.
    """
    known = [name for name in experts if name in tables[0].experts]
    values = np.stack([table.columns(known) for table in tables])  # (networks, rows, known experts)
    values = values[:, np.isfinite(values).all((0, 2))]
    apart = values - values.mean(0)
    found = np.zeros((len(experts), len(experts)))
    place = [experts.index(name) for name in known]
    covariance = np.einsum("nri,nrj->ij", apart, apart) / (values.shape[1] * (len(tables) - 1))
    found[np.ix_(place, place)] = covariance
    return found


def arrays(samples: Sequence[Sample]) -> tuple[NDArray[np.bool_], NDArray[np.str_], NDArray[np.str_]]:
    """(fake, set, group) of every sample as arrays."""
    fake = np.array([s.fake for s in samples])
    return fake, np.array([s.set for s in samples]), np.array([s.group for s in samples])
