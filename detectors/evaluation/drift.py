"""Does the score follow the size or the quality of a face? For photographs alone and for fakes alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from .figures import Values, interval, number, numbers

MEASURES = ("side", "resolution")
"""Side of the face square in pixels, and effective resolution from 0 to 1."""
CLASSES = (("reals", False), ("fakes", True))
BINS = 8
"""Parts of equal count in which the median score is taken."""
LEAST = 10
"""Pictures of a class that a correlation or a bin needs."""


def drift(rows: pd.DataFrame, most: int = 1200, seed: int = 0) -> Values:
    """Score against face size and effective resolution, each class alone.

    Points (at most so many), medians over parts of equal count, and Spearman's rank correlation: over all pictures,
    and after ranking within each set, which leaves out that sets differ in size and in source. Faces that no expert
    could look at are left out: their score is 0 by definition.
    """
    rows = rows[rows["score"] != 0].dropna(subset=[*MEASURES, "score"])
    chosen = rows.sample(min(len(rows), most), random_state=seed)
    points = {name: numbers(chosen[name], 4) for name in (*MEASURES, "score")}
    found: Values = {"points": {**points, "fake": chosen["fake"].astype(bool).tolist()}}
    parts = {name: rows[rows["fake"].astype(bool) == fake] for name, fake in CLASSES}
    for key, function in (("trend", trend), ("correlation", correlation), ("within_sets", within_sets)):
        found[key] = {name: {m: function(part, m) for m in MEASURES} for name, part in parts.items()}
    return found


def trend(rows: pd.DataFrame, measure: str) -> list[Values]:
    """Median and quartiles of the score over parts of about equal count along the measure; equals are not divided."""
    if len(rows) < LEAST:
        return []
    count = max(1, min(BINS, len(rows) // LEAST))
    edges = np.unique(rows[measure].quantile(np.arange(1, count) / count))
    parts = rows.groupby(np.searchsorted(edges, rows[measure], side="right"), sort=True)
    return [_part(part, measure) for _, part in parts]


def _part(rows: pd.DataFrame, measure: str) -> Values:
    low, middle, high = rows["score"].quantile([0.25, 0.5, 0.75])
    quartiles = {"median": number(middle, 4), "low": number(low, 4), "high": number(high, 4)}
    return {"at": number(float(rows[measure].median()), 4), "pictures": len(rows), **quartiles}


def correlation(rows: pd.DataFrame, measure: str, rounds: int = 200) -> Values | None:
    """Spearman's rank correlation with its interval by group; None for too few pictures or a constant."""
    return _spearman(rows, rows[measure].to_numpy(float), rows["score"].to_numpy(float), rounds)


def within_sets(rows: pd.DataFrame, measure: str, rounds: int = 200) -> Values | None:
    """The same of ranks that are taken within each set of at least `LEAST` pictures, as shares of the set."""
    rows = rows[rows.groupby("set")["set"].transform("size") >= LEAST]
    ranks = rows.groupby("set")[[measure, "score"]].rank(pct=True)
    return _spearman(rows, ranks[measure].to_numpy(float), ranks["score"].to_numpy(float), rounds)


def _spearman(rows: pd.DataFrame, x: NDArray[np.float64], y: NDArray[np.float64], rounds: int) -> Values | None:
    if len(rows) < LEAST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None

    def of(chosen: NDArray[np.int64]) -> float:
        a, b = rankdata(x[chosen]), rankdata(y[chosen])
        if not (np.ptp(a) and np.ptp(b)):
            raise ValueError("a constant has no rank correlation")
        return float(np.corrcoef(a, b)[0, 1])

    return interval(of, rows, rounds)
