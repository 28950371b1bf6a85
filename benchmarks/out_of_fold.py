"""Out-of-fold figures of the stack on the matched sets, with the baselines fitted on the same folds beside them.

    python benchmarks/out_of_fold.py --data ../shared/data/faces --scores .work/scored -o benchmarks/out_of_fold.md

The scores come from docs/training.md. Every row of the stack is cross-fitted: neither an expert nor the stack saw the
picture's group (matched sets) or its source (all others). Baselines see the picture as stored.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tables import auc_text, gain_text, head, publish

from whichface.detectors.calibration_metrics import cllr_min, expected_calibration_error
from whichface.detectors.canonical import SCALES
from whichface.detectors.dataset import (
    MATCHED,
    MATCHED_AND_POOLED,
    MATCHED_SETS,
    Sample,
    in_scope,
    read_corpus,
)
from whichface.detectors.leakage import BASELINES, out_of_fold
from whichface.detectors.metrics import bootstrap, cllr, true_rate_at
from whichface.detectors.training.build_model import Part, experts_of, part_of
from whichface.detectors.training.folds import training_folds, whole_source_fold
from whichface.detectors.training.fusion import (
    FusionConfig,
    apply,
    cross_fitted,
    fit_stack,
    for_means,
)
from whichface.detectors.training.scores import ScoreTable, between
from whichface.forensics.photo import open_photo

CALIBRATION = """\
The cross-fitted ratios of one network a picture; what ships is the mean of three (docs/decisions.md). "Left-out
sources": both classes of sources that left as a whole, so that neither expert nor stack has seen any picture of theirs.
ECE is the expected calibration error, ten bins, both classes weighing alike; 95 % intervals, bootstrap by group."""
ALONE = """\
Matched sets, validation parts as stored, without cues and bounds: what each network would say alone with the stack for
one, and what their mean says with the stack that ships."""
ARGUMENTS = "--data ../shared/data/faces --scores .work/scored -o benchmarks/out_of_fold.md"


def baselines(samples: list[Sample], folds: NDArray[np.int64]) -> dict[str, dict[int, float]]:
    """Decision value of each baseline by number of the sample, one model a matched set and fold."""
    found: dict[str, dict[int, float]] = {name: {} for name in BASELINES}
    for sets in MATCHED.values():
        chosen = [i for i, s in enumerate(samples) if s.set in sets and folds[i] >= 0]
        photos = [open_photo(samples[i].path) for i in chosen]
        fake = np.array([samples[i].fake for i in chosen])
        for name, measure in BASELINES.items():
            values = np.stack([measure(photo) for photo in photos])
            scores = out_of_fold(values, fake, folds[chosen])
            found[name] |= dict(zip(chosen, scores.tolist(), strict=True))
    return found


def calibration_lines(part: Part, llr: NDArray[np.float64], samples: list[Sample], scale: int) -> list[str]:
    """How far the cross-fitted ratios can be believed: on the matched sets, and on sources that left as a whole."""
    left = np.array([whole_source_fold(samples[i]) is not None for i in part.sample])
    asked = {"matched sets": np.isin(part.sets, MATCHED_SETS), "left-out sources": left, "all": np.ones(len(llr), bool)}
    lines = []
    for title, kept in (("as stored", part.variant == 0), ("re-encoded", part.variant > 0)):
        for name, of in asked.items():
            rows = kept & of
            fake, said = part.fake[rows], llr[rows]
            if len(set(fake)) < 2:
                continue
            lines.append(calibration_line((str(scale), title, name), fake, said, part.groups[rows].tolist()))
    return lines


def calibration_line(
    names: Sequence[str], fake: NDArray[np.bool_], said: NDArray[np.float64], groups: list[str]
) -> str:
    """One row: counts, expected calibration error with its interval, costs."""
    low, high = bootstrap(lambda i: expected_calibration_error(fake[i], said[i]), groups, rounds=300)
    cells = [*names, f"{(~fake).sum()}, {fake.sum()}"]
    cells += [f"{expected_calibration_error(fake, said):.3f} [{low:.3f}, {high:.3f}]"]
    cells += [f"{cllr(fake, said):.3f}", f"{cllr_min(fake, said):.3f}"]
    return f"| {' | '.join(cells)} |"


def alone_lines(part: Part, table: ScoreTable, samples: list[Sample], scores: Path, scale: int) -> list[str]:
    """What each network says of validation pictures with the stack for one, and their mean with that for the mean."""
    experts, ridge = experts_of(scale), FusionConfig().ridge
    alone = [ScoreTable.load(path) for path in sorted(scores.glob("unseen-*.npz"))]
    single = fit_stack(part.values, part.fake, part.weights, ridge)
    mean = for_means(single, part.values, part.fake, part.weights, between(alone, experts), len(alone))
    whole = [with_networks(table, one, experts) for one in alone]
    held = np.array([s.split == "val" and s.set in MATCHED_SETS for s in samples])[table.sample]
    rows = held & (table.variant == 0) & np.isfinite(whole).all((0, 2))
    index = table.sample[rows]
    fake, groups = np.array([samples[i].fake for i in index]), [samples[i].group for i in index]
    ratios = {f"network {k + 1}": apply(single, values[rows]) for k, values in enumerate(whole)}
    ratios["their mean"] = apply(mean, np.mean(whole, 0)[rows])
    return [calibration_line((str(scale), name), fake, llr, groups) for name, llr in ratios.items()]


def with_networks(table: ScoreTable, network: ScoreTable, experts: Sequence[str]) -> NDArray[np.float64]:
    """(rows, experts) scores, those of networks from `network`."""
    return np.stack([(network if e in network.experts else table).columns([e])[:, 0] for e in experts], 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    samples = in_scope(read_corpus(args.data))
    folds, table = training_folds(samples), ScoreTable.load(args.scores / "scores.npz")
    floor = baselines(samples, folds)
    names = ("largest scale", "pictures", "set", "reals, fakes", "AUC", "TPR at 1 % FPR", "gain over thumbnail", *floor)
    lines = [f"Command: `python benchmarks/out_of_fold.py {ARGUMENTS}`, {date.today()}.", ""]
    lines += head(*names)
    calibrated = head("largest scale", "pictures", "set", "reals, fakes", "ECE at even prior", "Cllr", "Cllr, at best")
    apart = head("largest scale", "who says it", "reals, fakes", "ECE at even prior", "Cllr", "Cllr, at best")
    for scale in SCALES:
        part = part_of(table, samples, experts_of(scale))
        llr = cross_fitted(part.values, part.fake, part.weights, part.folds, FusionConfig().ridge)
        calibrated += calibration_lines(part, llr, samples, scale)
        apart += alone_lines(part, table, samples, args.scores, scale)
        for title, kept in (("as stored", part.variant == 0), ("re-encoded", part.variant > 0)):
            for name, sets in MATCHED_AND_POOLED.items():
                rows = kept & np.isin(part.sets, sets)
                if len(set(part.fake[rows])) < 2:
                    continue
                fake, groups = part.fake[rows], part.groups[rows].tolist()
                under = {k: np.array([v[i] for i in part.sample[rows]]) for k, v in floor.items()}
                cells = [str(scale), title, name, f"{(~fake).sum()}, {fake.sum()}"]
                cells += [auc_text(fake, llr[rows], groups), f"{true_rate_at(fake, llr[rows], 0.01):.2f}"]
                cells += [gain_text(fake, llr[rows], under["thumbnail"], groups)]
                cells += [auc_text(fake, scores, groups) for scores in under.values()]
                lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## Calibration", "", CALIBRATION, "", *calibrated]
    lines += ["", "## One network and three, on validation pictures", "", ALONE, "", *apart]
    text = "\n".join(lines) + "\n"
    publish(text, args.output)


if __name__ == "__main__":
    main()
