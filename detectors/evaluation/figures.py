"""Pieces of the report as plain values: rates with Wilson's interval, areas with a bootstrap interval, slices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..metrics import auc, bootstrap, wilson
from .rows import EXAMINED, NO_FACE

LEAST = 5
"""Pictures of each class that an area needs."""
ROUNDS = 400
Values = dict[str, Any]
Statistic = Callable[[NDArray[np.int64]], float]


def number(value: float, digits: int = 5) -> float | None:
    """Rounded to so many significant figures; None for NaN and infinities."""
    return float(f"{float(value):.{digits}g}") if math.isfinite(value) else None


def numbers(values: Iterable[float], digits: int = 5) -> list[float | None]:
    """`number` of each."""
    return [number(value, digits) for value in values]


def edge_name(low: float, high: float, edges: Sequence[float], unit: str = "") -> str:
    """What the stratum between two of the edges is called; the last one has no upper end."""
    return f"{low}{unit} and more" if high == edges[-1] else f"{low} to {high}{unit}"


def rate(hits: int, total: int) -> Values | None:
    """A share with Wilson's 95 % interval; None where nothing was counted."""
    if not total:
        return None
    low, high = wilson(int(hits), int(total))
    bounds = {"value": number(hits / total), "low": number(low), "high": number(high)}
    return {"hits": int(hits), "of": int(total), **bounds}


def interval(statistic: Statistic, rows: pd.DataFrame, rounds: int = ROUNDS) -> Values:
    """A value with its 95 % interval: groups drawn with replacement within their set."""
    groups, sets = rows["group"].astype(str).tolist(), rows["set"].astype(str).tolist()
    low, high = bootstrap(statistic, groups, strata=sets, rounds=rounds)
    return {"value": number(statistic(np.arange(len(rows)))), "low": number(low), "high": number(high)}


def both(rows: pd.DataFrame, least: int = LEAST) -> bool:
    """True when there are enough pictures of both classes for an area."""
    fakes = int(rows["fake"].sum())
    return min(fakes, len(rows) - fakes) >= least


def area(rows: pd.DataFrame, column: str = "score", rounds: int = ROUNDS) -> Values | None:
    """AUC of a column with its interval; None with too few pictures."""
    rows = rows.dropna(subset=[column])
    if not both(rows):
        return None
    fake, values = rows["fake"].to_numpy(bool), rows[column].to_numpy(float)
    return interval(lambda i: auc(fake[i], values[i]), rows, rounds)


def area_by_set(rows: pd.DataFrame, column: str = "score", least: int = 6) -> Values | None:
    """AUC with the interval that whole sets give when they are drawn: other sources might have been collected.

    None for fewer than `least` sets.
    """
    rows = rows.dropna(subset=[column])
    sets = rows["set"].astype(str).tolist()
    if not both(rows) or len(set(sets)) < least:
        return None
    fake, values = rows["fake"].to_numpy(bool), rows[column].to_numpy(float)
    low, high = bootstrap(lambda i: auc(fake[i], values[i]), sets, rounds=ROUNDS)
    return {"value": number(auc(fake, values)), "low": number(low), "high": number(high)}


def gain(rows: pd.DataFrame, ours: str, other: str, rounds: int = ROUNDS) -> Values | None:
    """AUC of one column less that of another on the same pictures, with the paired interval."""
    rows = rows.dropna(subset=[ours, other])
    if not both(rows):
        return None
    fake = rows["fake"].to_numpy(bool)
    one, two = rows[ours].to_numpy(float), rows[other].to_numpy(float)
    return interval(lambda i: auc(fake[i], one[i]) - auc(fake[i], two[i]), rows, rounds)


def counted(rows: pd.DataFrame, labels: Iterable[str]) -> dict[str, Values | None]:
    """Share of rows with each label; pictures without a face are in the total."""
    seen = rows[rows["status"].isin([EXAMINED, NO_FACE])]
    shown = seen["label"].where(seen["status"] == EXAMINED, NO_FACE)
    return {label: rate(int((shown == label).sum()), len(seen)) for label in labels}


LABELS = ("generated", "inconclusive", "real", NO_FACE)


def outcomes(rows: pd.DataFrame) -> Values:
    """What both classes were called."""
    fake = rows["fake"].astype(bool)
    return {"reals": counted(rows[~fake], LABELS), "fakes": counted(rows[fake], LABELS)}


def slice_of(name: str, rows: pd.DataFrame, against: pd.DataFrame | None = None, note: str = "") -> Values:
    """One line of a breakdown: counts, rates, and the area where both classes are there.

    `against` are photographs that stand in where the slice has none of its own; they enter the area only.
    """
    scored = rows[rows["status"] == EXAMINED]
    ranked = scored if against is None else pd.concat([scored, against])
    fake = rows["fake"].astype(bool)
    counts = {"reals": int((~fake).sum()), "fakes": int(fake.sum())}
    line: Values = {"name": name, **counts, "note": note, "auc": area(ranked, rounds=200)}
    return line | {"outcomes": outcomes(rows)}

