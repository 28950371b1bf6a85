"""What composition, container and sharpness alone tell, and how the score does where composition is alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..dataset import MATCHED, group_folds
from ..leakage import out_of_fold
from ..metrics import draws
from .figures import ROUNDS, Values, both, number

BASELINES = ("thumbnail", "container", "sharpness", "face size", "alignment")
COLUMNS = {"face size": "side", "alignment": "closeness", "effective resolution": "resolution"}
"""Baselines that see one number of the face, by name."""
CALIPER = 0.25
"""Fakes are compared with reals whose thumbnail score is this near, in standard deviations."""
LEAST_PAIRS = 100
LEAST = 10
"""Pictures of each class that a baseline is fitted on."""
FOLDS = 5


def comparisons(rows: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Sets that can be compared fairly, by name: those with both classes, and pairs that are known to match."""
    counts = rows.groupby("set")["fake"].agg(["sum", "size"])
    mixed = {str(n): (str(n),) for n, (fakes, total) in counts.iterrows() if LEAST <= fakes <= total - LEAST}
    known = {
        name: sets
        for name, sets in MATCHED.items()
        if len(sets) > 1 and set(sets) <= set(counts.index) and both(rows[rows["set"].isin(sets)], LEAST)
    }
    taken = {name for sets in known.values() for name in sets}
    return {name: sets for name, sets in mixed.items() if name not in taken} | known


def inputs(rows: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """(pictures, features) what a baseline sees."""
    if name in COLUMNS:
        return rows[[COLUMNS[name]]].fillna(0.0).to_numpy(float)
    if name == "thumbnail":
        return np.stack([np.frombuffer(bytes.fromhex(t[name]), np.uint8) / 255.0 for t in rows["traits"]])
    return np.stack([np.asarray(t[name], float) for t in rows["traits"]])


def fitted(rows: pd.DataFrame, names: Sequence[str] = BASELINES) -> pd.DataFrame:
    """Out-of-fold scores of each baseline for one comparison, one column each; groups are not divided.

    NaN everywhere when there are too few pictures or groups.
    """
    empty = pd.DataFrame(np.nan, index=rows.index, columns=list(names))
    fake = rows["fake"].to_numpy(bool)
    groups = rows["group"].astype(str).tolist()
    smallest = min((len(set(np.array(groups)[fake == side])) for side in (False, True)), default=0)
    if not both(rows, LEAST) or smallest < FOLDS:
        return empty
    folds = group_folds(groups, [str(f) for f in fake], FOLDS)
    return pd.DataFrame(
        {name: out_of_fold(inputs(rows, name), fake, folds) for name in names}, index=rows.index
    )


def content_controlled(parts: Sequence[pd.DataFrame], column: str = "score", rounds: int = ROUNDS) -> Values | None:
    """AUC over pairs of a fake and a real of one comparison with like thumbnail scores, averaged over comparisons.

    The interval draws groups within each set. None where no comparison has enough such pairs.
    """
    pairs = [Pairs(part, column) for part in parts if both(part.dropna(subset=[column, "thumbnail"]))]
    pairs = [p for p in pairs if p.near.sum() >= LEAST_PAIRS]
    if not pairs:
        return None
    values = np.array([p.resampled(rounds) for p in pairs]).mean(0)
    low, high = np.nanpercentile(values, [2.5, 97.5])
    mean = float(np.mean([p.value() for p in pairs]))
    count = int(sum(p.near.sum() for p in pairs))
    return {"value": number(mean), "low": number(low), "high": number(high), "pairs": count, "comparisons": len(pairs)}


class Pairs:
    """All pairs of one comparison, and which of them are alike in composition."""

    def __init__(self, rows: pd.DataFrame, column: str) -> None:
        self.rows = rows.dropna(subset=[column, "thumbnail"]).reset_index(drop=True)
        fake = self.rows["fake"].to_numpy(bool)
        self.fakes, self.reals = np.flatnonzero(fake), np.flatnonzero(~fake)
        thumbnail, value = self.rows["thumbnail"].to_numpy(float), self.rows[column].to_numpy(float)
        apart = np.abs(thumbnail[self.fakes][:, None] - thumbnail[self.reals])
        self.near = (apart < CALIPER * max(float(thumbnail.std()), 1e-9)).astype(np.float32)
        gap = value[self.fakes][:, None] - value[self.reals]
        self.wins = (((gap > 0) + 0.5 * (gap == 0)) * self.near).astype(np.float32)

    def value(self) -> float:
        """Share of the like pairs in which the fake ranks above."""
        return float(self.wins.sum() / self.near.sum())

    def resampled(self, rounds: int) -> list[float]:
        """The share when groups are drawn with replacement."""
        groups, sets = self.rows["group"].astype(str).tolist(), self.rows["set"].astype(str).tolist()
        found = []
        for drawn in draws(groups, sets, rounds=rounds):
            times = np.bincount(drawn, minlength=len(self.rows)).astype(np.float32)
            total = float(times[self.fakes] @ self.near @ times[self.reals])
            found.append(float(times[self.fakes] @ self.wins @ times[self.reals]) / total if total else np.nan)
        return found
