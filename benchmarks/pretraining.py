"""What a network begins with: single runs on one schedule, beside each other on validation pictures.

    python -m whichface.detectors.training.pretrain --data ../shared/data/faces --pack .work/pack.npz \\
        --more .work/more --more-pack .work/more.npz -o .work/ssl.safetensors --minutes 20 \\
        --backbone tf_efficientnet_lite0 --stages 5 --hidden 256 --pretrained LITE0
    python -m whichface.detectors.training.face_networks --data ../shared/data/faces --pack .work/pack.npz \\
        -o .work/self-supervised --epochs 3 --init .work/ssl.safetensors \\
        --backbone tf_efficientnet_lite0 --stages 5 --hidden 256 --rate 1e-3 --look 0.15
    python benchmarks/pretraining.py --data ../shared/data/faces --pack .work/pack.npz \\
        --runs ImageNet=.work/left-out/nothing self-supervised=.work/self-supervised -o benchmarks/pretraining.md

The first run is the control: benchmarks/left_out_network.py says how it was made.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from left_out import WILD
from left_out_network import Scorer
from numpy.typing import NDArray
from tables import auc_text, gain_text, head, publish

from whichface.detectors.dataset import MATCHED_SETS, Sample, in_scope, read_corpus
from whichface.detectors.training.pack import Pack

VARIANTS = 3
INTRODUCTION = """\
Each run has seen every generator, in three passes, and no validation picture; one seed each. The score is the mean
logit at 256 and 160 px, AUC with 95 % intervals, bootstrap by group, gains paired. Self-supervised pre-training
(`detectors/training/pretrain.py`) began with the ImageNet weights as well and saw every training face, no label."""
Scores = Mapping[tuple[int, int], float]


def rows(name: str, found: Scores, control: Scores, samples: Sequence[Sample]) -> list[str]:
    """A line each for the matched sets and for fakes against wild photographs, as stored and re-encoded."""
    keys = list(found)
    index = np.array([key[0] for key in keys])
    fake, sets, groups = (np.array([getattr(samples[i], what) for i in index]) for what in ("fake", "set", "group"))
    ours, theirs = (np.array([values[key] for key in keys]) for values in (found, control))
    matched = np.isin(sets, MATCHED_SETS)
    questions = {"matched sets": matched, "their fakes, wild photographs": (matched & fake) | np.isin(sets, WILD)}
    lines = []
    for question, asked in questions.items():
        for title, first in (("as stored", True), ("re-encoded", False)):
            kept = asked & np.array([(key[1] == 0) is first for key in keys])
            labels, clusters = fake[kept], groups[kept].tolist()
            gain = gain_text(labels, ours[kept], theirs[kept], clusters) if found is not control else "–"
            counts = f"{(~labels).sum()}, {labels.sum()}"
            cells = [name, question, title, counts, auc_text(labels, ours[kept], clusters), gain]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def held_out(samples: Sequence[Sample]) -> NDArray[np.bool_]:
    """(samples,) True for validation pictures that some question is about."""
    return np.array([s.split == "val" and (s.set in MATCHED_SETS or s.set in WILD) for s in samples])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--runs", nargs="+", required=True, metavar="NAME=RUN", help="the first is the control")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    samples, pack = in_scope(read_corpus(args.data)), Pack(args.pack)
    wanted = held_out(samples)
    named = [text.partition("=")[::2] for text in args.runs]
    found = {name: Scorer(Path(run), pack, VARIANTS).scores(wanted) for name, run in named}
    control = found[named[0][0]]
    command = f"Command: `python benchmarks/pretraining.py {shlex.join(sys.argv[1:])}`, {date.today()}."
    lines = ["# What a network begins with", "", command, "", INTRODUCTION, ""]
    lines += head("began with", "question", "pictures", "reals, fakes", "AUC", "gain over the first")
    for name, scores in found.items():
        lines += rows(name, scores, control, samples)
    publish("\n".join(lines) + "\n", args.output)


if __name__ == "__main__":
    main()
