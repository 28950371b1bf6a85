"""What ranking loses from the file as it is to the small, strongly compressed one: a target of the project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ..robustness import SMALL_JPEG, STORED
from .figures import Values, area, gain
from .rows import EXAMINED, NO_FACE

LIMIT = 0.08
"""Largest loss of AUC that the target allows."""


def target(table: pd.DataFrame, comparisons: Mapping[str, Sequence[str]]) -> Values | None:
    """AUC as stored and under `SMALL_JPEG` on the same pictures, and the loss with its paired interval.

    `table` has rows of every condition with the column scope, `comparisons` the names of sets by name of the line.
    None where the grid has not that condition.
    """
    if not (table["scope"] & (table["condition"] == SMALL_JPEG)).any():
        return None
    known = paired(table)
    lines = [_line(name, known[known["set"].isin(sets)]) for name, sets in comparisons.items()]
    return {"condition": SMALL_JPEG, "limit": LIMIT, "lines": lines}


def paired(table: pd.DataFrame) -> pd.DataFrame:
    """Rows under `SMALL_JPEG` in scope whose picture has a score as stored, with that one as the column before.

    `table` has a row a picture and condition, with the columns file, condition, status, score and scope.
    """
    inside = table[table["scope"]]
    stored = inside[(inside["condition"] == STORED) & (inside["status"] == EXAMINED)].set_index("file")["score"]
    under = inside[inside["condition"] == SMALL_JPEG]
    return under.assign(before=under["file"].map(stored)).dropna(subset=["before"])


def _line(name: str, known: pd.DataFrame) -> Values:
    both_scored = known[known["status"] == EXAMINED]
    fake = both_scored["fake"].astype(bool)
    loss = gain(both_scored, "before", "score")
    return {
        "name": name,
        "reals": int((~fake).sum()),
        "fakes": int(fake.sum()),
        "no_face": int((known["status"] == NO_FACE).sum()),
        "stored": area(both_scored, "before"),
        "under": area(both_scored),
        "loss": loss,
        **_judged(loss),
    }


def _judged(loss: Values | None) -> Values:
    """Whether the target is met, and whether the whole interval says so."""
    if loss is None or loss["value"] is None:
        return {"met": None, "certain": None}
    met = loss["value"] <= LIMIT
    known = loss["low"] is not None and loss["high"] is not None
    return {"met": met, "certain": known and (loss["high"] <= LIMIT if met else loss["low"] > LIMIT)}
