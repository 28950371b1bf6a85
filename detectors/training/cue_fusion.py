"""Let analyzers that earned it count in a stack: a second logistic step on the experts' ratio and the cues' own ratios.

`python -m whichface.detectors.training.cue_fusion --data DIR --scores OUT --table cues.csv --cues spectrum \\
    --scale 512 --model detectors/weights/face-5`

The experts' out-of-fold ratio keeps its weight; only the cues' weights are fitted, on photographs and fakes as stored
that no analyzer was designed on. Where a cue abstains, the verdict is what it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from ..calibration import LN10
from ..cues import TABLE, load_cues
from ..dataset import MATCHED_AND_POOLED, in_scope, read_corpus
from ..metrics import auc
from .build_model import experts_of, part_of
from .cue_fit import read_table
from .folds import source_weights
from .fusion import FusionConfig, cross_fitted, limits, thresholds
from .scores import Array, ScoreTable


@dataclass(frozen=True, slots=True)
class Others:
    """Rows of the stratum without the cues' part: re-encoded pictures, and those that analyzers were designed on."""

    llr: Array
    """(rows,) log10 ratio of the experts' stack, cross-fitted."""
    fake: NDArray[np.bool_]
    sets: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Pictures as stored for which both the experts and the analyzers spoke or abstained."""

    experts: Array
    """(rows,) natural-log ratio of the experts' stack, cross-fitted."""
    cues: Array
    """(rows, cues) natural-log ratios of the analyzers; 0 where they abstained."""
    fake: NDArray[np.bool_]
    sets: NDArray[np.str_]
    groups: NDArray[np.str_]
    folds: NDArray[np.int64]
    weights: Array
    """(rows,) source-balanced; sum to 1."""
    others: Others
    """What else a threshold of the stratum is applied to."""

    def part(self, kept: NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        names = ("experts", "cues", "fake", "sets", "groups", "folds", "weights")
        return replace(self, **{name: getattr(self, name)[kept] for name in names})


def cue_ratios(table: pd.DataFrame, cues: Sequence[str]) -> dict[str, list[float]]:
    """Natural-log ratios of each picture as stored, by file; 0 for an abstention."""
    known = load_cues(TABLE)
    stored = table[(table["variant"] == "stored") & table["cue"].isin(cues)]
    found: dict[str, list[float]] = {}
    for file, part in stored.groupby("file"):
        ratios = {}
        for row in part.itertuples():
            entry = known.strata.get(row.cue, {}).get(row.stratum)
            if entry is not None and np.isfinite(row.statistic):
                ratios[row.cue] = entry.llr(row.statistic)
        found[str(file)] = [LN10 * (ratios.get(cue) or 0.0) for cue in cues]
    return found


def rows_of(data: Path, scores: Path, table: pd.DataFrame, cues: Sequence[str], scale: int) -> Rows:
    """The rows of one stratum."""
    samples = in_scope(read_corpus(data))
    ratios = cue_ratios(table, cues)
    part = part_of(ScoreTable.load(scores / "scores.npz"), samples, experts_of(scale))
    llr = cross_fitted(part.values, part.fake, part.weights, part.folds, FusionConfig().ridge)
    files = [str(samples[i].path.relative_to(data)) for i in part.sample]
    used = (part.variant == 0) & np.array([file in ratios for file in files])
    present = np.zeros(len(samples), bool)
    present[part.sample[used]] = True
    return Rows(
        experts=LN10 * llr[used],
        cues=np.array([ratios[file] for file, use in zip(files, used, strict=True) if use]),
        fake=part.fake[used],
        sets=part.sets[used],
        groups=part.groups[used],
        folds=part.folds[used],
        weights=source_weights(samples, present)[part.sample[used]],
        others=Others(llr[~used], part.fake[~used], part.sets[~used]),
    )


def fit_weights(rows: Rows, weights: Array, ridge: float) -> Array:
    """(cues,) weights in [0, 1] beside the experts' ratio, whose weight is 1, both classes weighing alike.

    No bias: where the cues abstain, nothing may change. A weight above 1 would claim more than the cue's own table.
    """
    weights = weights.copy()
    for side in (False, True):
        weights[rows.fake == side] /= 2 * weights[rows.fake == side].sum()
    sign = np.where(rows.fake, 1.0, -1.0)

    def loss(x: Array) -> float:
        margin = sign * (rows.experts + rows.cues @ x)
        return float(weights @ np.logaddexp(0, -margin) + ridge / 2 * x @ x)

    count = rows.cues.shape[1]
    return np.asarray(minimize(loss, np.full(count, 0.5), bounds=[(0.0, 1.0)] * count, method="L-BFGS-B").x)


def held_out(rows: Rows, ridge: float) -> Array:
    """(rows,) fused log10 ratios from weights that were fitted without the row's fold."""
    out = np.zeros(len(rows.fake))
    for fold in np.unique(rows.folds):
        held = rows.folds == fold
        kept = rows.part(~held)
        x = fit_weights(kept, kept.weights, ridge)
        out[held] = (rows.experts[held] + rows.cues[held] @ x) / LN10
    return out


def replicates(rows: Rows, count: int, config: FusionConfig) -> Array:
    """(count, cues) fits on resampled groups."""
    rng = np.random.default_rng(config.seed)
    _, index = np.unique(rows.groups, return_inverse=True)
    fits = []
    for _ in range(count):
        drawn = rng.poisson(1.0, index.max() + 1)[index]
        fits.append(fit_weights(rows, rows.weights * drawn, config.ridge))
    return np.array(fits)


def fused_entry(entry: Mapping[str, Any], rows: Rows, cues: Sequence[str], config: FusionConfig) -> dict[str, Any]:
    """The stratum of calibration.json with the cues in it.

    The threshold is that of all its rows, with or without the cues: of a few hundred photographs as stored alone, 1 %
    would be two, and one more or less moves it by a factor of two.
    """
    x, llr = fit_weights(rows, rows.weights, config.ridge), held_out(rows, config.ridge)
    ceiling, floor = limits(llr, rows.fake, rows.groups.tolist())
    every, fake = np.concatenate([llr, rows.others.llr]), np.concatenate([rows.fake, rows.others.fake])
    generated, _, _ = thresholds(every, fake, config, np.concatenate([rows.sets, rows.others.sets]))
    plain = np.asarray(entry["replicates"], float)[:, : 1 + len(entry["experts"])]
    extra = replicates(rows, len(plain), config)
    joined = np.hstack([plain, extra])
    threshold = round(generated, 3)
    return dict(entry) | {
        "cues": list(cues),
        "weights": [*entry["weights"][: len(entry["experts"])], *x.tolist()],
        "replicates": np.round(joined, 5).tolist(),
        "ceiling": round(max(ceiling, threshold), 3),
        "floor": round(max(floor, float(entry["floor"])), 3),
        "threshold": threshold,
        "false_alarm": float(np.mean(every[~fake] >= threshold)),
        "fusion": summary(rows, llr, threshold),
    }


def summary(rows: Rows, llr: Array, threshold: float) -> dict[str, Any]:
    """What the cues changed, cross-fitted: AUC and share called generated by matched set, false alarms by set."""
    found: dict[str, Any] = {"rows": len(llr), "matched": {}, "reals_generated": {}}
    for name, sets in MATCHED_AND_POOLED.items():
        here = np.isin(rows.sets, sets)
        if len(set(rows.fake[here])) == 2:
            before, after = rows.experts[here] / LN10, llr[here]
            found["matched"][name] = {
                "experts_auc": round(auc(rows.fake[here], before), 4),
                "fused_auc": round(auc(rows.fake[here], after), 4),
                "fakes_generated": round(float(np.mean(after[rows.fake[here]] >= threshold)), 4),
            }
    for name in np.unique(rows.sets[~rows.fake]):
        chosen = ~rows.fake & (rows.sets == name)
        found["reals_generated"][str(name)] = f"{int((llr[chosen] >= threshold).sum())}/{int(chosen.sum())}"
    return found


def write(model: Path, scale: int, rows: Rows, cues: Sequence[str]) -> dict[str, Any]:
    """Rewrite the model's calibration.json and the digest on its card; running it again starts from the plain stack."""
    path, card_path = model / "calibration.json", model / "card.json"
    calibration = json.loads(path.read_text(encoding="utf-8"))
    entry = calibration["strata"][str(scale)]
    calibration["strata"][str(scale)] = fused = fused_entry(entry, rows, cues, FusionConfig())
    path.write_text(json.dumps(calibration, indent=1) + "\n", encoding="utf-8")
    card = json.loads(card_path.read_text(encoding="utf-8"))
    card["files"]["calibration.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
    card["cues"] = {"scale": scale, "names": list(cues), "figures": fused["fusion"]}
    card_path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return fused


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--cues", nargs="+", required=True)
    parser.add_argument("--scale", type=int, default=512)
    parser.add_argument("--model", type=Path, required=True)
    args = parser.parse_args()
    rows = rows_of(args.data, args.scores, read_table(args.table, args.data), args.cues, args.scale)
    fused = write(args.model, args.scale, rows, args.cues)
    shown = ("cues", "weights", "ceiling", "floor", "threshold", "threshold_real", "false_alarm", "fusion")
    print(json.dumps({name: fused[name] for name in shown}, indent=1))


if __name__ == "__main__":
    main()
