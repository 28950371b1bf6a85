"""Each analyzer alone: coverage, ranking, what it adds to the score, and false alarms by confounder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ..dataset import group_folds
from ..leakage import out_of_fold
from ..metrics import cllr
from .content import FOLDS, LEAST, content_controlled
from .figures import Values, area, both, gain, number, rate
from .wild import wild_sets

ALARM = 0.05
"""Share of the headline photographs above the statistic at which false alarms are counted."""
LEAST_REALS = 40
"""Photographs that this statistic is taken from."""
CONFOUNDERS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "head turned 20° or more": lambda rows: rows["yaw"].abs() >= 20,
    "face below 229 px": lambda rows: rows["side"] < 229,
    "effective resolution below 0.5": lambda rows: rows["resolution"] < 0.5,
    "wild photographs": lambda rows: rows["set"].isin(wild_sets(rows)),
}
"""What photographs may have that is no trace of a generator."""
_SIDES = (("reals", False), ("fakes", True))


def cues(rows: pd.DataFrame, parts: Sequence[pd.DataFrame], scored: pd.DataFrame) -> list[Values] | None:
    """One line an analyzer. None when none was run.

    `rows` are the headline pictures as stored, `parts` the comparisons among them with their thumbnail scores, `scored`
    all pictures in scope, whose photographs the false alarms are counted on.
    """
    names = sorted({name for said in rows["cues"] for name in said})
    return [_line(name, rows, parts, scored) for name in names] if names else None


def _line(name: str, rows: pd.DataFrame, parts: Sequence[pd.DataFrame], scored: pd.DataFrame) -> Values:
    told = _told(rows, name)
    fake = rows["fake"].astype(bool)
    llr = told.dropna(subset=["cue_llr"])
    return {
        "name": name,
        "coverage": {
            "reals": rate(int(told.loc[~fake, "statistic"].notna().sum()), int((~fake).sum())),
            "fakes": rate(int(told.loc[fake, "statistic"].notna().sum()), int(fake.sum())),
        },
        "auc": area(told, "statistic", rounds=200),
        "content_controlled": content_controlled([_told(p, name) for p in parts], "statistic", 100),
        "gain": beside_score(told),
        "alarms": alarms(told, _told(scored, name)),
        "calibrated": len(llr),
        "cllr": number(cllr(llr["fake"].to_numpy(bool), llr["cue_llr"].to_numpy(float))) if both(llr) else None,
        "mean_llr": {side: number(float(llr.loc[llr["fake"] == f, "cue_llr"].mean())) for side, f in _SIDES},
    }


def _told(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows with the analyzer's statistic and ratio; NaN for an abstention."""
    said = [(row.get(name) or (np.nan, None)) for row in rows["cues"]]
    ratios = [np.nan if ratio is None else float(ratio) for _, ratio in said]
    return rows.assign(statistic=[float(s) for s, _ in said], cue_llr=ratios)


def beside_score(told: pd.DataFrame) -> Values | None:
    """AUC of score and statistic together less that of the score alone, where the analyzer looked.

    Both are linear machines fitted out of fold, groups undivided. An analyzer that the model counts already is in its
    score, and adds what its share leaves. None with fewer than `LEAST` pictures or `FOLDS` groups of a class.
    """
    rows = told.dropna(subset=["statistic", "score"])
    fake, groups = rows["fake"].to_numpy(bool), rows["group"].astype(str).to_numpy()
    if not both(rows, LEAST) or min(len(set(groups[fake == side])) for side in (False, True)) < FOLDS:
        return None
    folds = group_folds(groups.tolist(), [str(f) for f in fake], FOLDS)
    values = rows[["score", "statistic"]].to_numpy(float)
    alone, together = (out_of_fold(values[:, :n], fake, folds, kernel="linear") for n in (1, 2))
    return gain(rows.assign(alone=alone, together=together), "together", "alone", rounds=200)


def alarms(told: pd.DataFrame, scored: pd.DataFrame) -> Values | None:
    """Shares of photographs, by confounder, above the statistic that `ALARM` of the headline photographs pass.

    Beside them the headline fakes above it. None with fewer than `LEAST_REALS` photographs.
    """
    fake = told["fake"].astype(bool)
    base = told.loc[~fake, "statistic"].dropna()
    if len(base) < LEAST_REALS:
        return None
    edge = float(base.quantile(1 - ALARM))
    reals = scored[~scored["fake"].astype(bool)].dropna(subset=["statistic"])
    found = {name: _above(reals[chosen(reals)]["statistic"], edge) for name, chosen in CONFOUNDERS.items()}
    return {"at": number(edge), "fakes": _above(told.loc[fake, "statistic"].dropna(), edge), "confounders": found}


def _above(values: pd.Series, edge: float) -> Values | None:
    return rate(int((values > edge).sum()), len(values))
