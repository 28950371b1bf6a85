"""An expert at the picture's own resolution, pooled or one a family of generators, beside the canonical scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from gains import FALSE_ALARM, alarms, content_gain, gain_lines
from numpy.typing import NDArray
from tables import auc_text, head

from whichface.detectors.dataset import MATCHED, MATCHED_AND_POOLED, MATCHED_SETS, Sample
from whichface.detectors.leakage import out_of_fold as baseline
from whichface.detectors.metrics import auc
from whichface.detectors.training.folds import FOLDS, source_weights
from whichface.detectors.training.fusion import FusionConfig, apply, cross_fitted, fit_stack
from whichface.detectors.training.linear import Linear, LinearConfig, fit

Array = NDArray[np.float64]
SETS = tuple(name for name in MATCHED_AND_POOLED if name != "sg1-ffhq-256")
"""Comparisons that have pictures of 1024 px."""
FAMILIES = ("stylegan1", "stylegan2", "pggan")
CANONICAL = ["160", "256", "512"]
STORED = "as stored"


@dataclass(frozen=True, slots=True)
class Large:
    """Large pictures, a row a picture and change."""

    rows: pd.DataFrame
    """sample, change, fold (-1: no model saw it), part, fake, set, group, thumbnail, and the CANONICAL scores."""
    table: NDArray[np.float32]
    """(rows, features) at native resolution."""
    others: Array
    """(rows as stored in training, 3) of `native.other_measures`."""
    shipped: Array | None = None
    """(rows as stored in training, experts) out-of-fold scores of all experts that ship, networks too, where known."""


def train(large: Large, samples: Sequence[Sample], used: NDArray[np.bool_]) -> Linear:
    """The shipped linear half's settings, on the rows `used`; a picture's rows share its weight."""
    index = large.rows["sample"].to_numpy()[used]
    present = np.zeros(len(samples), bool)
    present[index] = True
    weights = source_weights(samples, present)[index] / np.bincount(index)[index]
    return fit(large.table[used], large.rows["fake"].to_numpy(bool)[used], weights, LinearConfig())


def regimes(large: Large, samples: Sequence[Sample]) -> dict[str, NDArray[np.bool_]]:
    """Rows that each model may learn from, before the folds are taken off: pooled, as stored alone, one a family."""
    rows = large.rows
    own = (rows["part"] == "train").to_numpy()
    generator = np.array([samples[i].generator for i in rows["sample"]])
    real = ~rows["fake"].to_numpy(bool)
    families = {name: own & (real | (generator == name)) for name in FAMILIES}
    return {"pooled": own, "stored only": own & (rows["change"] == STORED).to_numpy()} | families


def out_of_fold(large: Large, samples: Sequence[Sample]) -> pd.DataFrame:
    """(rows, models) scores by models that never saw the picture's fold; the folds' mean where no fold saw it."""
    folds = large.rows["fold"].to_numpy()
    found = {}
    for name, allowed in regimes(large, samples).items():
        models = [train(large, samples, allowed & (folds != k)) for k in range(FOLDS)]
        each = np.stack([m.scores(large.table) for m in models], 1)
        found[name] = np.where(folds < 0, each.mean(1), each[np.arange(len(folds)), folds])
    scores = pd.DataFrame(found)
    families = scores[list(FAMILIES)]
    return scores.assign(maximum=families.max(axis=1), mean=families.mean(axis=1))


def stacked(large: Large, samples: Sequence[Sample], values: Array) -> Array:
    """(rows,) log10 ratios of a stack of the columns of `values`: cross-fitted in training, one of all for the rest."""
    rows = large.rows
    own = (rows["part"] == "train").to_numpy()
    index = rows["sample"].to_numpy()[own]
    present = np.zeros(len(samples), bool)
    present[index] = True
    weights = source_weights(samples, present)[index] / np.bincount(index)[index]
    fake, ridge = rows["fake"].to_numpy(bool)[own], FusionConfig().ridge
    found = np.zeros(len(rows))
    found[own] = cross_fitted(values[own], fake, weights, rows["fold"].to_numpy()[own], ridge)
    found[~own] = apply(fit_stack(values[own], fake, weights, ridge), values[~own])
    return found


def left_out(large: Large, samples: Sequence[Sample]) -> dict[str, str]:
    """AUC on each comparison, as stored, of a pooled model that never saw it (nor its groups)."""
    rows, found = large.rows, {}
    own, stored = (rows["part"] == "train").to_numpy(), (rows["change"] == STORED).to_numpy()
    for name in SETS[:-1]:
        shown = own & stored & rows["set"].isin(MATCHED[name]).to_numpy()
        groups = set(rows["group"][shown])
        model = train(large, samples, own & ~rows["group"].isin(groups).to_numpy())
        fake = rows["fake"].to_numpy(bool)[shown]
        found[name] = auc_text(fake, model.scores(large.table[shown]), rows["group"][shown].tolist())
    return found


def alone_lines(rows: pd.DataFrame, scores: Mapping[str, Array]) -> list[str]:
    """One table row a change and comparison, one column a score."""
    lines = head("change", "sets", "reals, fakes", *scores)
    for change in rows["change"].unique():
        for name in SETS:
            kept = ((rows["change"] == change) & rows["set"].isin(MATCHED_AND_POOLED[name])).to_numpy()
            kept = kept & (rows["part"] == "train").to_numpy()
            fake, groups = rows["fake"].to_numpy(bool)[kept], rows["group"][kept].tolist()
            cells = [change, name, f"{(~fake).sum()}, {fake.sum()}"]
            for i, values in enumerate(scores.values()):
                text = auc_text(fake, values[kept], groups)
                cells.append(text if i < 2 or name == "pooled" else f"{auc(fake, values[kept]):.3f}")
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def report(large: Large, samples: Sequence[Sample], columns: Sequence[str]) -> list[str]:
    """The section of the page."""
    rows, alone = large.rows, out_of_fold(large, samples)
    canonical = rows[CANONICAL].to_numpy(float)
    before = stacked(large, samples, canonical)
    shown = {"canonical scales, stacked": before, "native, pooled": alone["pooled"].to_numpy(float),
             "native, learned as stored": alone["stored only"].to_numpy(float),
             "families: largest": alone["maximum"].to_numpy(float), "families: mean": alone["mean"].to_numpy(float),
             "families: stacked": stacked(large, samples, alone[list(FAMILIES)].to_numpy(float))}  # fmt: skip
    text = ["### Alone", "", *alone_lines(rows, shown)]
    text += ["", "### Stacked with the canonical scales", "", *head(*columns)]
    fused = {}
    for name, own in (("pooled", ["pooled"]), ("families", list(FAMILIES))):
        fused[name] = stacked(large, samples, np.hstack([canonical, alone[own].to_numpy(float)]))
        for part, title in (("train", ""), ("val", "validation, ")):
            for change in rows["change"].unique():
                kept = rows[((rows["part"] == part) & (rows["change"] == change)).to_numpy()]
                if len(kept):
                    pair = kept.assign(before=before[kept.index], after=fused[name][kept.index])
                    titles = (f"native, {name}", "stacked", title + change)
                    lines = gain_lines(titles, pair, SETS, content_gain if part == "train" else None)
                    text += lines
    text += ["", "### Beside sharpness and the spectrum cue", ""]
    text += [*head(*columns), *beside_others(large, samples, alone)]
    text += ["", "### A generator that it never saw", "", *head("left out, as stored", "AUC of the native expert")]
    text += [f"| {name} | {value} |" for name, value in left_out(large, samples).items()]
    return [*text, "", "### Large wild photographs", "", *wild_lines(rows, {"canonical": before} | fused)]


def beside_others(large: Large, samples: Sequence[Sample], alone: pd.DataFrame) -> list[str]:
    """As stored: the expert over sharpness; what the cue adds to the canonical scales, and the expert to both."""
    kept = ((large.rows["part"] == "train") & (large.rows["change"] == STORED)).to_numpy()
    rows = large.rows[kept].reset_index(drop=True)
    only = Large(rows, large.table[kept], large.others)
    native, cue = alone[["pooled"]].to_numpy(float)[kept], large.others[:, :1]
    cue = np.where(np.isnan(cue), np.nanmedian(cue), cue)
    sharp = np.zeros(len(rows))
    for name in SETS[:-1]:
        own = rows["set"].isin(MATCHED[name]).to_numpy()
        fake, folds = rows["fake"].to_numpy(bool)[own], rows["fold"].to_numpy()[own]
        sharp[own] = baseline(large.others[own, 1:], fake, folds)
    over = rows.assign(before=sharp, after=native[:, 0])
    text = gain_lines(("native, pooled, over sharpness", "alone", STORED), over, SETS)
    canonical = rows[CANONICAL].to_numpy(float)
    steps = [np.hstack(parts) for parts in ([canonical], [canonical, cue], [canonical, cue, native])]
    scored = [stacked(only, samples, values) for values in steps]
    names = ["spectrum cue", "native, pooled, after the cue"]
    pairs = list(pairwise(scored))
    if large.shipped is not None:
        names.append("native, pooled, after the cue and all experts")
        whole = np.hstack([large.shipped, cue])
        pairs.append((stacked(only, samples, whole), stacked(only, samples, np.hstack([whole, native]))))
    for name, (before, after) in zip(names, pairs, strict=True):
        text += gain_lines((name, "stacked", STORED), rows.assign(before=before, after=after), SETS)
    return text


def wild_lines(rows: pd.DataFrame, scores: Mapping[str, Array]) -> list[str]:
    """Shares of the wild photographs beyond what FALSE_ALARM of the matched photographs pass, as stored."""
    stored = (rows["change"] == STORED).to_numpy()
    reference = stored & (rows["part"] == "train").to_numpy() & ~rows["fake"].to_numpy(bool)
    reference &= rows["set"].isin(MATCHED_SETS).to_numpy()
    wild = (rows["part"] == "wild").to_numpy()
    lines = head("score", "wild photographs", f"beyond what {FALSE_ALARM:.0%} of the matched photographs pass")
    for name, values in scores.items():
        lines.append(f"| {name} | {wild.sum()} | {alarms(rows.assign(x=values), reference, wild, 'x')} |")
    return lines
