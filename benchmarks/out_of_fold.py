"""Out-of-fold figures of the stack on the matched sets, with the baselines fitted on the same folds beside them.

    python benchmarks/out_of_fold.py --data ../shared/data/faces --scores .work/scored -o benchmarks/out_of_fold.md

The scores come from docs/training.md. Every row of the stack is cross-fitted: neither an expert nor the stack saw the
picture's group (matched sets) or its source (all others). Baselines see the picture as stored.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whichface.detectors.canonical import SCALES
from whichface.detectors.dataset import in_scope, read_corpus
from whichface.detectors.leakage import BASELINES, out_of_fold
from whichface.detectors.metrics import auc, bootstrap, true_rate_at
from whichface.detectors.training.build_model import MATCHED, experts_of, part_of
from whichface.detectors.training.folds import training_folds
from whichface.detectors.training.fusion import FusionConfig, cross_fitted
from whichface.detectors.training.scores import ScoreTable
from whichface.forensics.photo import open_photo

ARGUMENTS = "--data ../shared/data/faces --scores .work/scored -o benchmarks/out_of_fold.md"


def baselines(samples: list, folds: NDArray[np.int64]) -> dict[str, dict[int, float]]:  # type: ignore[type-arg]
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


def interval(fake: NDArray[np.bool_], scores: NDArray[np.float64], groups: list[str]) -> str:
    """AUC with its 95 % interval by group."""
    low, high = bootstrap(lambda i: auc(fake[i], scores[i]), groups, rounds=300)
    return f"{auc(fake, scores):.3f} [{low:.3f}, {high:.3f}]"


def gain(
    fake: NDArray[np.bool_], ours: NDArray[np.float64], floor: NDArray[np.float64], groups: list[str]
) -> str:
    """Paired gain of AUC over a baseline."""

    def of(i: NDArray[np.int64]) -> float:
        return auc(fake[i], ours[i]) - auc(fake[i], floor[i])

    low, high = bootstrap(of, groups, rounds=300)
    return f"{of(np.arange(len(fake))):+.3f} [{low:+.3f}, {high:+.3f}]"


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
    lines += [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for scale in SCALES:
        part, index, variant = rows_of(table, samples, scale)
        llr = cross_fitted(part.values, part.fake, part.weights, part.folds, FusionConfig().ridge)
        for title, kept in (("as stored", variant == 0), ("re-encoded", variant > 0)):
            for name, sets in [*MATCHED.items(), ("pooled", sum(MATCHED.values(), ()))]:
                rows = kept & np.isin(part.sets, sets)
                if len(set(part.fake[rows])) < 2:
                    continue
                fake, groups = part.fake[rows], part.groups[rows].tolist()
                under = {k: np.array([v[i] for i in index[rows]]) for k, v in floor.items()}
                cells = [str(scale), title, name, f"{(~fake).sum()}, {fake.sum()}"]
                cells += [interval(fake, llr[rows], groups), f"{true_rate_at(fake, llr[rows], 0.01):.2f}"]
                cells += [gain(fake, llr[rows], under["thumbnail"], groups)]
                cells += [interval(fake, scores, groups) for scores in under.values()]
                lines.append(f"| {' | '.join(cells)} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if args.output:
        args.output.write_text(text, encoding="utf-8")


def rows_of(table: ScoreTable, samples: list, scale: int):  # type: ignore[no-untyped-def,type-arg]
    """The stratum's rows, with the number of the sample and the variant of each."""
    experts = experts_of(scale)
    folds = training_folds(samples)
    used = np.isfinite(table.columns(experts)).all(1) & (folds[table.sample] >= 0)
    return part_of(table, samples, experts), table.sample[used], table.variant[used]


if __name__ == "__main__":
    main()
