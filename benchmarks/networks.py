"""Face networks beside each other, out of fold: one row a model, or a mean of several models' scores.

    python benchmarks/networks.py --data ../shared/data/faces --scores face-3=.work/scored face-4=.work/f5scored \\
        both=face-3+face-4 -o benchmarks/networks.md

NAME=FOLDER is what training.score wrote; NAME=A+B is the mean of the scores of A and B, as if both networks were run.
Networks alone: no textures, no stack. What a fold left out is scored by its network; no validation picture takes part.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tables import auc_text, head, publish

from whichface.detectors.classifier import NETWORK_SCALES
from whichface.detectors.dataset import MATCHED_SETS, in_scope, read_corpus
from whichface.detectors.metrics import true_rate_at
from whichface.detectors.training.folds import training_folds, whole_source_fold
from whichface.detectors.training.scores import ScoreTable, arrays

FFHQ = ("sg1-ffhq-256", "sg1-ffhq-1024", "sg2-ffhq-1024")
Mask = NDArray[np.bool_]
Asked = tuple[str, Mask, Mask]
"""A question: its name, and which samples are the fakes and which the photographs."""


def tables(named: Sequence[str]) -> dict[str, ScoreTable]:
    """Score tables by name. Raises ValueError for a mean of what is not named before it."""
    found: dict[str, ScoreTable] = {}
    for text in named:
        name, _, what = text.partition("=")
        if Path(what).is_dir():
            found[name] = ScoreTable.load(Path(what) / "scores.npz")
            continue
        parts = what.split("+")
        if not set(parts) <= set(found):
            raise ValueError(f"{what} is neither a folder nor a sum of models named before it")
        first = found[parts[0]]
        if any(not np.array_equal(found[p].sample, first.sample) for p in parts):
            raise ValueError(f"{what} are tables of different packs")
        values = np.mean([found[p].columns(first.experts) for p in parts], 0)
        found[name] = ScoreTable(first.sample, first.variant, first.experts, values)
    return found


def questions(data: Path) -> tuple[list[Asked], Mask, list[str]]:
    """What is asked, which samples are fakes, and the group of each."""
    samples = in_scope(read_corpus(data))
    fake, sets, groups = arrays(samples)
    seen = training_folds(samples) >= 0
    left = np.array([whole_source_fold(s) is not None for s in samples])
    ffhq, wild = np.isin(sets, FFHQ), np.char.startswith(sets, "wild-")
    matched = np.isin(sets, MATCHED_SETS)
    return [
        ("matched sets", seen & fake & matched, seen & ~fake & matched),
        ("fakes of sources that left, FFHQ's photographs", seen & fake & left, seen & ~fake & ffhq),
        ("all fakes, wild photographs", seen & fake, seen & ~fake & wild),
    ], fake, groups.tolist()


def rows(named: Mapping[str, ScoreTable], asked: Sequence[Asked], fake: Mask, groups: Sequence[str]) -> list[str]:
    """One line a question, scale, condition and model."""
    lines = []
    for question, fakes, photographs in asked:
        for scale in NETWORK_SCALES:
            for title, first in (("as stored", True), ("re-encoded", False)):
                for name, table in named.items():
                    column = table.columns((f"network-{scale}",))[:, 0]
                    kept = (fakes | photographs)[table.sample] & ((table.variant == 0) == first) & np.isfinite(column)
                    label, scores = fake[table.sample[kept]], column[kept]
                    clusters = [groups[i] for i in table.sample[kept]]
                    figures = [auc_text(label, scores, clusters), f"{true_rate_at(label, scores, 0.01):.2f}"]
                    counts = f"{(~label).sum()}, {label.sum()}"
                    lines.append(f"| {' | '.join([question, str(scale), title, counts, name, *figures])} |")
    return lines


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scores", nargs="+", required=True, metavar="NAME=WHAT")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    asked, fake, groups = questions(args.data)
    lines = [f"Command: `python benchmarks/networks.py {' '.join(sys.argv[1:])}`, {date.today()}.", ""]
    lines += head("question", "scale", "pictures", "reals, fakes", "model", "AUC", "TPR at 1 % FPR")
    lines += rows(tables(args.scores), asked, fake, groups)
    publish("\n".join(lines) + "\n", args.output)


if __name__ == "__main__":
    main()
