"""Every analyzer, measured: coverage, ranking by set and processing, false alarms, gain beside the experts.

    python benchmarks/analyzers.py --data ../shared/data/faces --table .work/cues.csv --scores .work/scored \\
        -o benchmarks/analyzers.md

The table comes from `python -m whichface.detectors.training.cue_table` (docs/training.md). Pictures on which analyzers
were designed are left out. The thumbnail floor is fitted on other groups of the same set.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from tables import gain_text, head, publish

from whichface.detectors.cues import STRATA, CueStratum, CueTable, load_cues
from whichface.detectors.dataset import MATCHED, group_folds, in_scope, read_corpus
from whichface.detectors.leakage import BASELINES, out_of_fold
from whichface.detectors.metrics import auc, wilson
from whichface.detectors.training.cue_fit import (
    FitConfig,
    Measured,
    measure,
    read_table,
)
from whichface.detectors.training.folds import training_folds
from whichface.detectors.training.fusion import cross_fitted
from whichface.detectors.training.scores import ScoreTable
from whichface.forensics.photo import open_photo

CONFIG = FitConfig()
ALARM = 0.05
"""Share of the matched reals that the threshold of the false-alarm table lets through."""
CALIPER = 0.25
"""Fakes are compared with reals whose thumbnail score is this near, in standard deviations."""
CONFOUNDERS = {
    "padded border": lambda f: f["padding"] > 0.01,
    "no padded border": lambda f: f["padding"] <= 0.01,
    "glasses": lambda f: f["glasses"] > 0.004,
    "hat": lambda f: f["hat"] > 0.02,
    "earring": lambda f: f["earring"] > 0.001,
    "open mouth": lambda f: f["mouth"] > 0.008,
    "much hair": lambda f: f["hair"] > 0.3,
    "turned more than 15°": lambda f: f["yaw"].abs() > 15,
    "plain background": lambda f: f["background_spread"] < 4,
    "soft picture": lambda f: f["sharpness"] < 0.5,
}


def text(found: Measured | None) -> str:
    """AUC with its interval and the range over sets."""
    if found is None:
        return "–"
    low, high = found.interval
    values = list(found.sets.values())
    across = f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
    return f"{found.auc:.3f} [{low:.3f}, {high:.3f}]{across}"


def thumbnails(data: Path) -> dict[str, float]:
    """Out-of-fold thumbnail score by file, one model a matched set, groups undivided."""
    samples = in_scope(read_corpus(data))
    found: dict[str, float] = {}
    for sets in MATCHED.values():
        chosen = [s for s in samples if s.set in sets]
        values = np.stack([BASELINES["thumbnail"](open_photo(s.path)) for s in chosen])
        fake = np.array([s.fake for s in chosen])
        folds = group_folds([s.group for s in chosen], [str(s.fake) for s in chosen], 5)
        scores = out_of_fold(values, fake, folds)
        found |= dict(zip([str(s.path.relative_to(data)) for s in chosen], scores.tolist(), strict=True))
    return found


def content_controlled(rows: pd.DataFrame) -> str:
    """AUC over pairs of one set whose thumbnail scores are alike, averaged over the sets."""
    values = []
    for sets in MATCHED.values():
        part = rows[rows["set"].isin(sets)].dropna(subset=["statistic"])
        fakes, reals = part[part["fake"]], part[~part["fake"]]
        if min(len(fakes), len(reals)) < CONFIG.least:
            continue
        one, two = (p["thumbnail"].to_numpy(float) for p in (fakes, reals))
        near = np.abs(one[:, None] - two) < CALIPER * part["thumbnail"].std()
        gap = fakes["statistic"].to_numpy(float)[:, None] - reals["statistic"].to_numpy(float)
        if near.sum() >= 100:
            values.append(float(((gap > 0) + 0.5 * (gap == 0))[near].mean()))
    return f"{np.mean(values):.3f}" if values else "–"


def overview(rows: pd.DataFrame, cues: dict[str, object]) -> list[str]:
    """One line a cue and stratum."""
    lines = head(
        "cue", "stratum", "pictures", "coverage", "AUC [95 %] (sets)", "thumbnail floor", "content-controlled",
        "standing", "Cllr on val", "ratio, least to most",
    )  # fmt: skip
    for cue, part in rows.groupby("cue", sort=False):
        for stratum in STRATA:
            here = part[part["stratum"] == stratum]
            matched = here[here["set"].isin(sum(MATCHED.values(), ()))]
            found = measure(here, CONFIG)
            if found is None:
                continue
            entry = cues.get(str(cue), {}).get("strata", {}).get(stratum, {})  # type: ignore[attr-defined]
            fitted = entry.get("calibration")
            bounds = f"{10 ** fitted['floor']:.2g} to {10 ** fitted['ceiling']:.2g}" if fitted else "–"
            cells = [str(cue), stratum, str(found.pictures), f"{matched['statistic'].notna().mean():.0%}"]
            cells += [text(found), text(measure(here, CONFIG, "thumbnail")), content_controlled(here)]
            cells += ["calibrated" if fitted else "illustrative", str(entry.get("cllr_val", "–")), bounds]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def by_set(rows: pd.DataFrame) -> list[str]:
    """AUC by matched set and processing."""
    variants = list(dict.fromkeys(rows["variant"]))
    lines = head("cue", "set", *variants)
    for cue, part in rows.groupby("cue", sort=False):
        for name, sets in MATCHED.items():
            here = part[part["set"].isin(sets)]
            cells = [text(measure(here[here["variant"] == v], CONFIG)) for v in variants]
            lines.append(f"| {cue} | {name} | {' | '.join(cells)} |")
    return lines


def alarms(rows: pd.DataFrame) -> list[str]:
    """Share of photographs above the statistic that 5 % of the matched reals (calibration part) pass, as stored."""
    stored = rows[rows["variant"] == "stored"].dropna(subset=["statistic"])
    facts = pd.DataFrame([json.loads(f) for f in stored["facts"]], index=stored.index)
    stored = stored.join(facts)
    lines = head("cue", "stratum", *CONFOUNDERS, "wild photographs", "matched fakes")
    ffhq = sum(MATCHED.values(), ())
    for (cue, stratum), part in stored.groupby(["cue", "stratum"], sort=False):
        reals = part[~part["fake"] & part["set"].isin(ffhq)]
        base = reals[reals["part"] == "calibration"]["statistic"]
        if len(base) < 40:
            continue
        edge = float(np.quantile(base, 1 - ALARM))
        cells = [rate(reals[chosen(reals)]["statistic"], edge) for chosen in CONFOUNDERS.values()]
        wild = part[~part["fake"] & ~part["set"].isin(ffhq)]
        fakes = part[part["fake"] & part["set"].isin(ffhq)]
        cells += [rate(wild["statistic"], edge), rate(fakes["statistic"], edge)]
        lines.append(f"| {cue} | {stratum} | {' | '.join(cells)} |")
    return lines


def rate(values: pd.Series, edge: float) -> str:
    """Share above the edge with Wilson's interval."""
    hits = int((values > edge).sum())
    if len(values) < 10:
        return f"{hits}/{len(values)}" if len(values) else "–"
    low, high = wilson(hits, len(values))
    return f"{hits}/{len(values)} [{low:.0%}, {high:.0%}]"


def experts_by_file(data: Path, scores: Path) -> dict[str, float]:
    """Out-of-fold ratio of the stack at the largest scale of each picture as stored."""
    from whichface.detectors.training.build_model import experts_of, part_of
    from whichface.detectors.training.fusion import FusionConfig

    samples = in_scope(read_corpus(data))
    table = ScoreTable.load(scores / "scores.npz")
    found: dict[str, float] = {}
    for scale in (160, 256, 512):
        part = part_of(table, samples, experts_of(scale))
        llr = cross_fitted(part.values, part.fake, part.weights, part.folds, FusionConfig().ridge)
        stored = part.variant == 0
        files = [str(samples[i].path.relative_to(data)) for i in part.sample[stored]]
        found |= dict(zip(files, llr[stored].tolist(), strict=True))
    return found


def gains(rows: pd.DataFrame, experts: dict[str, float], data: Path) -> list[str]:
    """What each cue adds to the experts' ratio: logistic, cross-fitted by group, abstention as a flag."""
    lines = head("cue", *(f"{name}: experts alone, gain with the cue" for name in MATCHED))
    known = {str(s.path.relative_to(data)): f for s, f in _folds(data)}
    stored = rows[(rows["variant"] == "stored") & rows["file"].isin(experts)].copy()
    stored = stored[stored["file"].map(known).fillna(-1) >= 0]
    for cue, part in stored.groupby("cue", sort=False):
        cells = [_gain(part[part["set"].isin(sets)], experts, known) for sets in MATCHED.values()]
        lines.append(f"| {cue} | {' | '.join(cells)} |")
    return lines


def _folds(data: Path) -> list[tuple[object, int]]:
    samples = in_scope(read_corpus(data))
    return list(zip(samples, training_folds(samples).tolist(), strict=True))


def _gain(part: pd.DataFrame, experts: dict[str, float], known: dict[str, int]) -> str:
    fake = part["fake"].to_numpy(bool)
    if min(fake.sum(), (~fake).sum()) < 2 * CONFIG.least:
        return "–"
    own = np.array([experts[f] for f in part["file"]])
    statistic = part["statistic"].to_numpy(float)
    missing = np.isnan(statistic)
    filled = np.where(missing, np.nanmean(statistic) if (~missing).any() else 0.0, statistic)
    both = np.column_stack([own, filled, ~missing])
    folds = np.array([known[f] for f in part["file"]])
    weights = np.ones(len(part))
    with_cue = cross_fitted(both.astype(float), fake, weights, folds, 0.02)
    alone = cross_fitted(own[:, None], fake, weights, folds, 0.02)
    groups = part["group"].astype(str).tolist()
    return f"{auc(fake, alone):.3f}, {gain_text(fake, with_cue, alone, groups)}"


def stability(rows: pd.DataFrame, table: CueTable) -> list[str]:
    """Whether the shipped ratio drifts with size and compression, reals and fakes apart: mean log10 ratio."""
    variants = list(dict.fromkeys(rows["variant"]))
    lines = head("cue", "class", *variants)
    sets = [s for name, names in MATCHED.items() if "256" not in name for s in names]
    for cue, part in rows[rows["set"].isin(sets)].groupby("cue", sort=False):
        known = table.strata.get(str(cue), {})
        if all(entry.slope is None for entry in known.values()):
            continue
        part = part.dropna(subset=["statistic"])
        part = part.assign(llr=[_ratio(known.get(r.stratum), r.statistic) for r in part.itertuples()])
        for fake in (False, True):
            here = part[part["fake"] == fake]
            cells = [f"{here.loc[here['variant'] == v, 'llr'].mean():+.3f}" for v in variants]
            lines.append(f"| {cue} | {'fake' if fake else 'real'} | {' | '.join(cells)} |".replace("+nan", "–"))
    return lines


def _ratio(entry: CueStratum | None, statistic: float) -> float:
    return (entry.llr(statistic) or 0.0) if entry is not None else 0.0


def report(rows: pd.DataFrame, cues: dict[str, object], experts: dict[str, float], data: Path, table: Path) -> str:
    """The whole page."""
    command = (
        "python benchmarks/analyzers.py --data ../shared/data/faces --table .work/cues.csv "
        "--scores .work/scored -o benchmarks/analyzers.md"
    )
    sections = {
        "Every cue by stratum": overview(rows, cues),
        "By matched set and processing: AUC [95 %]": by_set(rows),
        f"False alarms: reals above the statistic that {ALARM:.0%} of the matched reals pass": alarms(rows),
        "Gain in AUC beside the experts, as stored, train (out of fold)": gains(rows, experts, data),
        "Drift: mean log10 ratio of 1,024-px pictures by processing, as shipped (0 while illustrative)": stability(
            rows, load_cues(table)
        ),
    }
    lines = [f"Command: `{command}`, {date.today()}. Design pictures left out. Provenance is not measured."]
    for title, body in sections.items():
        lines += ["", f"## {title}", "", *body]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--cues", type=Path, default=Path("detectors/weights/cues.json"))
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    rows = read_table(args.table, args.data)
    rows = rows[(rows["part"] != "design") & (rows["cue"] != "provenance")]
    floor = thumbnails(args.data)
    rows = rows.assign(thumbnail=rows["file"].map(floor))
    cues = json.loads(args.cues.read_text(encoding="utf-8"))["cues"]
    page = report(rows, cues, experts_by_file(args.data, args.scores), args.data, args.cues)
    publish(page, args.output)



if __name__ == "__main__":
    main()
