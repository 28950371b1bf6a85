"""From the table of the analyzers' statistics to what ships: reliability and bounded ratios by stratum (cues.json).

`python -m whichface.detectors.training.cue_fit --data DIR --table cues.csv -o detectors/weights/cues.json`

Three kinds of groups (dataset.for_tuning, the manifest's split): on one half of train the analyzers were designed, on
the other half they are calibrated, and val is in neither. Reliability is measured on the last two together (a monotone
calibration does not move an AUC), the ratio's cost on val alone.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..cues import LN10, STRATA, stratum_name
from ..dataset import MATCHED, for_tuning, in_scope, read_corpus
from ..metrics import auc, cllr
from .fusion import fit_stack, limits

Array = NDArray[np.float64]
NEVER = {
    "alignment": "how much an FFHQ-style crop says depends on who the photographs are: nothing among aligned ones",
}
"""Analyzers that get no ratio whatever their AUC, and why."""
LEAST = -0.1
"""Lowest log10 ratio of any cue: that it was not found is evidence of about nothing, never of a photograph."""


@dataclass(frozen=True, slots=True)
class FitConfig:
    """How an analyzer is measured and calibrated."""

    least: int = 10
    """Fewest pictures of each class that a set must have to be measured."""
    rounds: int = 600
    """Bootstrap rounds."""
    ridge: float = 0.002
    """L2 penalty on the slope of the standardised statistic."""
    clip: float = 0.01
    """Share of the statistics cut at either end: the fit says nothing about them."""
    seed: int = 0
    """Seed of the bootstrap."""


def read_table(path: Path, data: Path) -> pd.DataFrame:
    """The rows of cue_table with label, set, group and part (design, calibration, val) of their pictures."""
    samples = {str(s.path.relative_to(data)): s for s in in_scope(read_corpus(data))}
    rows = pd.read_csv(path, keep_default_na=False)
    rows = rows[rows["file"].isin(samples)].drop_duplicates(["file", "variant", "cue"])
    rows["statistic"] = pd.to_numeric(rows["statistic"], errors="coerce")
    compressed = rows["stratum"].str.endswith("-compressed")
    rows["stratum"] = [stratum_name(s, c) for s, c in zip(rows["side"], compressed, strict=True)]
    known = [samples[file] for file in rows["file"]]
    parts = ["design" if for_tuning(s) else "val" if s.split == "val" else "calibration" for s in known]
    return rows.assign(
        fake=[s.fake for s in known],
        set=[s.set for s in known],
        group=[s.group for s in known],
        generator=[s.generator for s in known],
        part=parts,
    ).reset_index(drop=True)


@dataclass(frozen=True, slots=True)
class Measured:
    """Mean of the matched sets' AUCs, each set weighing alike."""

    auc: float
    """The mean."""
    interval: tuple[float, float]
    """95 % interval, groups drawn with replacement within each set."""
    least: float
    """Lower end of the 99 % interval: some forty are looked at, so one in twenty by luck would be two."""
    sets: Mapping[str, float]
    """AUC by matched set."""
    pictures: int
    """Distinct pictures."""


def matched_parts(rows: pd.DataFrame, config: FitConfig) -> dict[str, pd.DataFrame]:
    """The rows with a statistic by matched set, where a set has enough of both classes."""
    known = rows.dropna(subset=["statistic"])
    found = {name: known[known["set"].isin(sets)] for name, sets in MATCHED.items()}
    return {
        name: part
        for name, part in found.items()
        if min(part.loc[part["fake"] == side, "file"].nunique() for side in (True, False)) >= config.least
    }


def measure(rows: pd.DataFrame, config: FitConfig, column: str = "statistic") -> Measured | None:
    """Reliability over the matched sets of these rows; None where no set has enough of both classes."""
    parts = matched_parts(rows, config)
    if not parts:
        return None
    values = {name: auc(p["fake"].to_numpy(bool), p[column].to_numpy(float)) for name, p in parts.items()}
    rng = np.random.default_rng(config.seed)
    draws = np.array([[_drawn(p, column, rng) for p in parts.values()] for _ in range(config.rounds)])
    means = draws.mean(1)
    low, high = np.nanpercentile(means, [2.5, 97.5])
    pictures = sum(p["file"].nunique() for p in parts.values())
    least = float(np.nanpercentile(means, 0.5))
    return Measured(float(np.mean(list(values.values()))), (float(low), float(high)), least, values, pictures)


def _drawn(part: pd.DataFrame, column: str, rng: np.random.Generator) -> float:
    """AUC of one set with its groups drawn with replacement (as Poisson counts)."""
    _, index = np.unique(part["group"].to_numpy(str), return_inverse=True)
    counts = rng.poisson(1.0, index.max() + 1)[index]
    rows = np.repeat(np.arange(len(part)), counts)
    fake = part["fake"].to_numpy(bool)[rows]
    if fake.all() or not fake.any():
        return float("nan")
    return auc(fake, part[column].to_numpy(float)[rows])


def calibrate(rows: pd.DataFrame, config: FitConfig) -> dict[str, float] | None:
    """Logistic map of one stratum, fitted with each matched set weighing alike; None where it would not rise."""
    parts = matched_parts(rows, config)
    if not parts:
        return None
    joined = pd.concat(parts.values())
    weights = np.concatenate([np.full(len(p), 1.0 / len(p)) for p in parts.values()])
    values, fake = joined["statistic"].to_numpy(float), joined["fake"].to_numpy(bool)
    low, high = np.quantile(values, [config.clip, 1 - config.clip])
    clipped = np.clip(values, low, high)[:, None]
    bias, slope = fit_stack(clipped, fake, weights, config.ridge)
    if slope <= 0 or high <= low:
        return None
    llr = (bias + slope * clipped[:, 0]) / LN10
    ceiling, floor = limits(llr, fake, joined["group"].astype(str).tolist())
    floor = max(floor, LEAST)
    fitted = {"slope": slope, "bias": bias, "low": low, "high": high, "floor": floor, "ceiling": ceiling}
    return {name: float(f"{value:.6g}") for name, value in fitted.items()}


def ratios(rows: pd.DataFrame, fitted: Mapping[str, float]) -> Array:
    """log10 likelihood ratios of rows with a statistic."""
    values = np.clip(rows["statistic"].to_numpy(float), fitted["low"], fitted["high"])
    return np.clip((fitted["bias"] + fitted["slope"] * values) / LN10, fitted["floor"], fitted["ceiling"])


def stratum_entry(rows: pd.DataFrame, config: FitConfig, *, may: bool = True) -> dict[str, Any] | None:
    """What cues.json says of one analyzer in one stratum; None where it could not be measured.

    `may` allows a ratio, if the 99 % interval of the AUC lies above 0.5 and the ratio costs less on val than none.
    """
    held = rows[rows["part"] != "design"]
    found = measure(held, config)
    if found is None:
        return None
    entry: dict[str, Any] = {
        "auc": round(found.auc, 4),
        "interval": [round(v, 4) for v in found.interval],
        "pictures": found.pictures,
        "sets": {name: round(value, 4) for name, value in found.sets.items()},
        "coverage": round(float(held["statistic"].notna().mean()), 4),
        "calibration": None,
    }
    if may and found.least > 0.5:
        fitted = calibrate(rows[rows["part"] == "calibration"], config)
        val = rows[(rows["part"] == "val") & rows["set"].isin(sum(MATCHED.values(), ()))].dropna(subset=["statistic"])
        if fitted is not None and val["fake"].nunique() == 2:
            cost = cllr(val["fake"].to_numpy(bool), ratios(val, fitted))
            entry["cllr_val"] = round(cost, 4)
            entry["calibration"] = fitted if cost < 1 else None
    return entry


def generator_texts(rows: pd.DataFrame, config: FitConfig) -> dict[str, str]:
    """AUC with interval by matched set (that is, by generator and size), as stored."""
    stored = rows[(rows["part"] != "design") & (rows["variant"] == "stored")]
    found = {}
    for name, sets in MATCHED.items():
        one = measure(stored[stored["set"].isin(sets)], config)
        if one is not None:
            found[f"{name}, as stored"] = auc_text(one)
    return found


def auc_text(one: Measured) -> str:
    """AUC, interval and count as the field guide has them."""
    return f"AUC {one.auc:.2f} [{one.interval[0]:.2f}, {one.interval[1]:.2f}], {one.pictures} pictures"


def against_wild(rows: pd.DataFrame, config: FitConfig) -> dict[str, str]:
    """AUC of the matched fakes against photographs that nobody aligned, as stored; not one codec, so only shown."""
    stored = rows[(rows["part"] != "design") & (rows["variant"] == "stored")]
    fakes = stored[stored["fake"] & stored["set"].isin(sum(MATCHED.values(), ()))]
    wild = stored[~stored["fake"] & stored["set"].str.startswith("wild")]
    joined = pd.concat([fakes, wild]).assign(set=next(iter(MATCHED.values()))[0])
    one = measure(joined, config)
    return {} if one is None else {"all of these fakes against wild photographs, as stored": auc_text(one)}


def build(rows: pd.DataFrame, config: FitConfig) -> dict[str, Any]:
    """The content of cues.json."""
    cues: dict[str, Any] = {}
    for cue, part in rows.groupby("cue", sort=False):
        if cue == "provenance":
            continue
        may = cue not in NEVER
        entries = {name: stratum_entry(part[part["stratum"] == name], config, may=may) for name in STRATA}
        cues[str(cue)] = {
            "strata": {name: entry for name, entry in entries.items() if entry is not None},
            "generators": generator_texts(part, config) | against_wild(part, config),
        }
        if not may:
            cues[str(cue)]["never_calibrated"] = NEVER[str(cue)]
    return {
        "date": str(date.today()),
        "data": "matched sets; AUC on the calibration half of train and on val, ratios fitted on the calibration half",
        "sets": {name: list(sets) for name, sets in MATCHED.items()},
        "config": asdict(config),
        "cues": cues,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    content = build(read_table(args.table, args.data), FitConfig())
    args.output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for cue, data in content["cues"].items():
        for name, entry in data["strata"].items():
            state = "calibrated" if entry["calibration"] else "illustrative"
            print(f"{cue:12s} {name:18s} {entry['auc']:.3f} {entry['interval']} {state}")


if __name__ == "__main__":
    main()
