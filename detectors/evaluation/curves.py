"""The curves of the report as lists of numbers, thinned so that the page stays small."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..calibration_metrics import (
    area_under_risk,
    brier,
    cllr_min,
    empirical_cross_entropy,
    expected_calibration_error,
    log_loss,
    pav_llr,
    reliability,
    risk_coverage,
    tippett,
)
from ..metrics import (
    auc,
    average_precision,
    balanced_accuracy,
    cllr,
    equal_error_rate,
    roc,
    true_rate_at,
)
from .drift import drift
from .figures import Values, interval, number, numbers

POINTS = 300
"""Most points of a curve."""
Array = NDArray[np.float64]


def _thin(*lines: Array, points: int = POINTS) -> list[list[float | None]]:
    """The lines at evenly spaced places, ends kept."""
    count = len(lines[0])
    kept = np.unique(np.linspace(0, count - 1, min(count, points)).round().astype(int))
    return [numbers(line[kept], 4) for line in lines]


def columns(rows: pd.DataFrame) -> tuple[NDArray[np.bool_], Array, Array]:
    """Labels, ranking scores and bounded log10 ratios."""
    return rows["fake"].to_numpy(bool), rows["score"].to_numpy(float), rows["llr"].to_numpy(float)


def discrimination(rows: pd.DataFrame) -> Values:
    """Figures that depend on the ranking, and balanced accuracy at the shipped threshold."""
    fake, score, _ = columns(rows)
    flagged = (rows["label"] == "generated").to_numpy()
    return {
        "average_precision": interval(lambda i: average_precision(fake[i], score[i]), rows),
        "equal_error_rate": interval(lambda i: equal_error_rate(fake[i], score[i]), rows),
        "tpr_at_1_percent": interval(lambda i: true_rate_at(fake[i], score[i], 0.01), rows),
        "tpr_at_0.1_percent": interval(lambda i: true_rate_at(fake[i], score[i], 0.001), rows),
        "balanced_accuracy": interval(lambda i: balanced_accuracy(fake[i], flagged[i]), rows),
        "even_accuracy": interval(lambda i: balanced_accuracy(fake[i], score[i] > 0), rows),
    }


def calibration(rows: pd.DataFrame) -> Values:
    """Figures of the likelihood ratios at an even prior, each with its interval."""
    fake, _, llr = columns(rows)
    found = {
        "cllr": interval(lambda i: cllr(fake[i], llr[i]), rows),
        "cllr_min": interval(lambda i: cllr_min(fake[i], llr[i]), rows, 100),
        "expected_calibration_error": interval(lambda i: expected_calibration_error(fake[i], llr[i]), rows, 200),
        "brier": interval(lambda i: brier(fake[i], llr[i]), rows),
        "log_loss": interval(lambda i: log_loss(fake[i], llr[i]), rows),
    }
    return found | {"cllr_cal": number(cllr(fake, llr) - cllr_min(fake, llr))}


def roc_curve(rows: pd.DataFrame, column: str = "score") -> Values | None:
    """False-alarm and detection rates, with the area; None without values."""
    rows = rows.dropna(subset=[column])
    if rows["fake"].nunique() < 2:
        return None
    fake, values = rows["fake"].to_numpy(bool), rows[column].to_numpy(float)
    false, true = _thin(*roc(fake, values))
    return {"false": false, "true": true, "auc": number(auc(fake, values))}


def histogram(rows: pd.DataFrame, bins: int = 24) -> Values:
    """Counts of log10 ratios of both classes."""
    fake, _, llr = columns(rows)
    reach = max(0.5, float(np.ceil(np.abs(llr).max() * 2)) / 2)
    edges = np.linspace(-reach, reach, bins + 1)
    counts = [np.histogram(llr[fake == side], edges)[0].tolist() for side in (False, True)]
    return {"edges": numbers(edges, 4), "reals": counts[0], "fakes": counts[1]}


def tippett_curves(rows: pd.DataFrame) -> Values:
    """Shares of both classes whose log10 ratio is at least so large, and how often it points the wrong way."""
    fake, _, llr = columns(rows)
    reach = max(0.5, float(np.abs(llr).max()) * 1.1)
    grid = np.linspace(-reach, reach, 241)
    reals, fakes = (tippett(llr[fake == side], grid) for side in (False, True))
    wrong = {"reals": number(float((llr[~fake] > 0).mean())), "fakes": number(float((llr[fake] < 0).mean()))}
    return {"grid": numbers(grid, 4), "reals": numbers(reals, 4), "fakes": numbers(fakes, 4), "misleading": wrong}


def cross_entropy_curves(rows: pd.DataFrame) -> Values:
    """Empirical cross-entropy over the prior: as stated, after the best monotone map, and saying nothing."""
    fake, _, llr = columns(rows)
    odds = np.linspace(-2.5, 2.5, 51)
    ways = {"stated": llr, "best": pav_llr(fake, llr), "nothing": np.zeros(len(llr))}
    curves = {name: numbers(empirical_cross_entropy(fake, ratios, odds), 4) for name, ratios in ways.items()}
    return {"prior_log10_odds": numbers(odds, 4), **curves}


def risk_curve(rows: pd.DataFrame) -> Values:
    """Error against coverage, and where the shipped policy stands (an error is a wrong word; inconclusive is none)."""
    fake, score, _ = columns(rows)
    coverage, risk = risk_coverage(fake, score)
    label = rows["label"].to_numpy(str)
    decided, wrong = label != "inconclusive", np.where(fake, label == "real", label == "generated")
    weights = np.where(fake, 0.5 / fake.sum(), 0.5 / (~fake).sum())
    covered = float(weights[decided].sum())
    policy = {"coverage": number(covered), "risk": number(float(weights[wrong].sum()) / covered) if covered else None}
    thin = _thin(coverage, risk)
    return {"coverage": thin[0], "risk": thin[1], "area": number(area_under_risk(coverage, risk)), "policy": policy}


def reliability_bins(rows: pd.DataFrame) -> list[Values]:
    """The reliability diagram at an even prior, with counts."""
    fake, _, llr = columns(rows)
    return [{n: v if isinstance(v, int) else number(v) for n, v in asdict(b).items()} for b in reliability(fake, llr)]


def all_curves(rows: pd.DataFrame, scored: pd.DataFrame) -> Values:
    """Every curve of the headline pictures `rows`; the drift over all in scope, as sizes differ more there."""
    return {
        "roc": roc_curve(rows),
        "roc_thumbnail": roc_curve(rows, "thumbnail"),
        "histogram": histogram(rows),
        "tippett": tippett_curves(rows),
        "cross_entropy": cross_entropy_curves(rows),
        "reliability": reliability_bins(rows),
        "risk_coverage": risk_curve(rows),
        "drift": drift(scored),
    }
