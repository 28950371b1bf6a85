"""The tables of the report: breakdowns, the robustness grid, analyzers, speed, mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from ..metrics import auc
from ..robustness import BY_NAME, STORED
from .figures import LEAST, Values, area, both, edge_name, gain, number, outcomes, rate, slice_of
from .rows import EXAMINED, SKIPPED, UNREADABLE

SIZES = (0, 86, 143, 229, 457, 100_000)
"""Edges of face side in pixels: the gate, and where each canonical scale begins to apply."""
YAWS = (0, 10, 20, 40, 180)
"""Edges of |yaw| in degrees."""
PICTURES = (0, 320, 640, 1280, 100_000)
"""Edges of the picture's longer side in pixels."""
QUALITIES = (0, 0.25, 0.5, 0.75, 1.01)
"""Edges of the face's effective resolution."""


def breakdown(rows: pd.DataFrame, matched: Iterable[Sequence[str]] = ()) -> Values:
    """Lines by generator, set, size of face and picture, quality, format and pose; `rows` are the pictures as stored.

    Fakes are ranked against the photographs of their own or a `matched` set, else against all in scope.
    """
    scored = rows[rows["status"] == EXAMINED]
    inside = scored[scored["scope"]].assign(turn=scored["yaw"].abs(), longest=scored[["width", "height"]].max(axis=1))
    reals = Reals(inside[~inside["fake"]], tuple(tuple(names) for names in matched))
    return {
        "generator": list(_by_generator(rows, reals)),
        "set": [_set_line(str(name), part, reals) for name, part in rows.groupby("set", sort=True)],
        "size": list(_by_edges(inside, "side", SIZES, " px")),
        "picture": list(_by_edges(inside, "longest", PICTURES, " px")),
        "quality": list(_by_edges(inside, "resolution", QUALITIES, "")),
        "format": [slice_of(str(name), part) for name, part in rows[rows["scope"]].groupby("format") if name],
        "pose": list(_by_edges(inside, "turn", YAWS, "°")),
    }


@dataclass(frozen=True, slots=True)
class Reals:
    """Photographs to rank fakes against."""

    rows: pd.DataFrame
    """All in scope that were examined."""
    matched: tuple[tuple[str, ...], ...]
    """Sets that can be compared fairly."""

    def beside(self, fakes: pd.DataFrame) -> tuple[pd.DataFrame, str]:
        """Those of the fakes' own or matched sets, or all when these are too few; and which."""
        sets = set(fakes["set"])
        sets |= {name for names in self.matched if sets & set(names) for name in names}
        own = self.rows[self.rows["set"].isin(sets)]
        outside = "" if fakes["scope"].all() else "; outside the claim"
        if len(own) >= LEAST:
            return own, f"photographs of matched sets{outside}"
        return self.rows, f"all photographs{outside}"


def _by_generator(rows: pd.DataFrame, reals: Reals) -> Iterator[Values]:
    fakes = rows[rows["fake"]]
    for name, part in fakes.groupby(fakes["generator"].replace("", "(not named)"), sort=True):
        yield slice_of(str(name), part, *reals.beside(part))


def _set_line(name: str, part: pd.DataFrame, reals: Reals) -> Values:
    if part["fake"].all():
        return slice_of(name, part, *reals.beside(part))
    return slice_of(name, part, note="its own photographs" if part["fake"].any() else "")


def _by_edges(rows: pd.DataFrame, column: str, edges: Sequence[float], unit: str) -> Iterator[Values]:
    for low, high in pairwise(edges):
        part = rows[(rows[column] >= low) & (rows[column] < high)]
        if len(part):
            yield slice_of(edge_name(low, high, edges, unit), part)


def grid(table: pd.DataFrame, headline: Sequence[str]) -> list[Values]:
    """One line a condition; false alarms and detections apart, over all pictures in scope.

    The area is that of the headline sets, and beside it stands what the same pictures have as stored.
    """
    inside = table[table["scope"] & (table["status"] != UNREADABLE)]
    stored = inside[inside["condition"] == STORED].set_index("file")
    lines = []
    for name, condition in BY_NAME.items():
        part = inside[inside["condition"] == name]
        if (part["status"] != SKIPPED).any():
            lines.append({"condition": name, "family": condition.family, "what": condition.what})
            lines[-1] |= _grid_line(name, part, stored, headline)
    return lines


def _grid_line(name: str, part: pd.DataFrame, stored: pd.DataFrame, headline: Sequence[str]) -> Values:
    done = part[part["status"] != SKIPPED]
    fake = done["fake"].astype(bool)
    both_scored = done[(done["status"] == EXAMINED) & done["set"].isin(headline)].copy()
    both_scored["before"] = both_scored["file"].map(stored["score"])
    before = done["file"].map(stored["label"])
    changed = done["label"] != before  # a face that is lost has no label any more, which is a change
    return {
        "reals": int((~fake).sum()),
        "fakes": int(fake.sum()),
        "skipped": int((part["status"] == SKIPPED).sum()),
        "auc": area(both_scored, rounds=200),
        "change": None if name == STORED else gain(both_scored, "score", "before", rounds=200),
        "outcomes": outcomes(done),
        "label_changed": rate(int(changed.sum()), len(done)),
    }


def speed(rows: pd.DataFrame) -> Values:
    """CPU seconds of one examination as stored, by larger side of the picture."""
    seconds = rows["seconds"].dropna()
    sizes = rows.assign(longest=rows[["width", "height"]].max(axis=1))
    lines = []
    for low, high in pairwise(PICTURES):
        part = sizes[(sizes["longest"] > low) & (sizes["longest"] <= high)]["seconds"].dropna()
        if len(part):
            name = f"more than {low} px" if high == 100_000 else f"{low + 1} to {high} px"
            lines.append({"name": name, "pictures": len(part), "median": number(float(part.median()), 3)})
    total = {"median": number(float(seconds.median()), 3), "p90": number(float(seconds.quantile(0.9)), 3)}
    return {"pictures": len(seconds), **total, "by_size": lines}


def mistakes(rows: pd.DataFrame, most: int = 12) -> Values:
    """Photographs with the highest and fakes with the lowest scores, worst first: the wrong side of 1 only."""
    reals = rows[~rows["fake"] & (rows["score"] > 0)].sort_values("score", ascending=False)
    fakes = rows[rows["fake"] & (rows["score"] < 0)].sort_values("score")
    return {"reals": [_mistake(r) for _, r in reals.head(most).iterrows()],
            "fakes": [_mistake(r) for _, r in fakes.head(most).iterrows()]}  # fmt: skip


def _mistake(row: pd.Series) -> Values:
    said = {"file": row["file"], "set": row["set"], "generator": row["generator"], "label": row["label"]}
    return said | {"llr": number(row["llr"], 4), "score": number(row["score"], 4), "side": number(row["side"], 4)}


def across(rows: pd.DataFrame, sets: Sequence[Sequence[str]]) -> list[float | None] | None:
    """Least and greatest area over the comparisons; None for fewer than two."""
    parts = [rows[rows["set"].isin(names)] for names in sets]
    values = [auc(p["fake"].to_numpy(bool), p["score"].to_numpy(float)) for p in parts if both(p)]
    return [number(min(values)), number(max(values))] if len(values) > 1 else None


