"""Fakes against photographs that nobody aligned, where faces have the same size: what a user meets.

Aligned photographs are the generator's own training data or cut like it; profile pictures are not. Which sets are wild
is measured, not read off their names: half of the photographs or more do not lie as in an FFHQ crop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from ..robustness import BY_NAME, STORED
from .content import fitted
from .figures import LEAST, Values, area, edge_name, outcomes
from .rows import EXAMINED

ALIGNED = 0.5
"""Closeness to an FFHQ crop; a set whose photographs have a median below is wild."""
SIDES = (64, 128, 256, 100_000)
"""Edges of the face square's side in pixels."""
BASELINES = ("face size", "effective resolution")
SHRUNK = tuple(name for name, condition in BY_NAME.items() if condition.family == "size")
WAYS = {"as stored": (STORED,), "as stored or shrunk": (STORED, *SHRUNK)}
"""Conditions whose pictures fill a stratum; of several of one picture the first counts."""


def wild_sets(stored: pd.DataFrame) -> list[str]:
    """Names of the sets whose photographs are not aligned: at least five, and of median closeness below `ALIGNED`."""
    reals = stored[~stored["fake"].astype(bool)].dropna(subset=["closeness"])
    found = reals.groupby("set")["closeness"].agg(["size", "median"])
    return [str(name) for name, row in found.iterrows() if row["size"] >= LEAST and row["median"] < ALIGNED]


def strata(table: pd.DataFrame) -> Values:
    """All fakes in scope against the wild photographs, by side of the face; `table` has rows of every condition."""
    inside = table[table["scope"] & (table["status"] == EXAMINED)]
    sets = wild_sets(inside[inside["condition"] == STORED])
    kept = inside[inside["fake"].astype(bool) | inside["set"].isin(sets)]
    return {"sets": sets, "lines": list(_lines(kept)) if sets else []}


def _lines(rows: pd.DataFrame) -> Iterator[Values]:
    for low, high in pairwise(SIDES):
        before = -1
        for way, names in WAYS.items():
            part = of_size(rows, low, high, names)
            if len(part) > max(before, 0):  # without shrunk pictures the second line would be the first again
                yield {"name": edge_name(low, high, SIDES, " px"), "pictures": way, **_line(part)}
            before = len(part)


def of_size(rows: pd.DataFrame, low: float, high: float, names: Sequence[str]) -> pd.DataFrame:
    """One row a picture: the first of the named conditions under which its face has a side in [low, high)."""
    order = {name: number for number, name in enumerate(names)}
    chosen = rows[rows["condition"].isin(names) & (rows["side"] >= low) & (rows["side"] < high)]
    ordered = chosen.assign(order=chosen["condition"].map(order)).sort_values("order", kind="stable")
    return ordered.drop_duplicates("file").reset_index(drop=True)


def _line(rows: pd.DataFrame) -> Values:
    fake = rows["fake"].astype(bool)
    beside = rows.join(fitted(rows, BASELINES)) if len(rows) else rows.assign(**dict.fromkeys(BASELINES, np.nan))
    return {
        "reals": int((~fake).sum()),
        "fakes": int(fake.sum()),
        "real_sets": int(rows.loc[~fake, "set"].nunique()),
        "groups": int(rows["group"].nunique()),
        "unjudged": int((rows["score"] == 0).sum()),
        "auc": area(rows),
        "baselines": {name: area(beside, name, rounds=200) for name in BASELINES},
        "outcomes": outcomes(rows),
    }
