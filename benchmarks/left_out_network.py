"""Leave one generator out of the face network: trained on a short schedule without it, then shown it.

    for g in nothing stylegan1 stylegan2 pggan; do
        python -m whichface.detectors.training.face_networks --data ../shared/data/faces --pack .work/pack.npz \
            -o .work/left-out/$g $([ $g = nothing ] || echo --without $g) --epochs 3 \
            --backbone tf_efficientnet_lite0 --stages 5 --hidden 256 --pretrained LITE0 --rate 1e-3 --look 0.15
    done
    python benchmarks/left_out_network.py --data ../shared/data/faces --pack .work/pack.npz --runs .work/left-out \
        --variants 1 -o benchmarks/left_out_network.md

The network of `nothing` has seen every generator and the same photographs, on the same schedule: what a generator's
absence costs is the difference, on validation pictures that neither has seen.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from left_out import WILD
from numpy.typing import NDArray
from tables import auc_text, gain_text, head, publish

from whichface.detectors.classifier import NETWORK_SCALES
from whichface.detectors.dataset import FACE_ONLY, Sample, in_scope, read_corpus
from whichface.detectors.training.folds import without_generator
from whichface.detectors.training.network_export import load_networks, score_rows
from whichface.detectors.training.pack import Pack

ARGUMENTS = (
    "--data ../shared/data/faces --pack .work/pack.npz --runs .work/left-out --variants 1 "
    "-o benchmarks/left_out_network.md"
)
CONTROL = "nothing"
VARIANTS = 3
INTRODUCTION = """\
One network a row, from ImageNet weights, three passes over what it may see ({steps} steps with every generator): far
shorter than the shipped ones. A generator leaves
with its fakes, the photographs that are paired with them, and all of their groups. The score is the mean logit at 256
and 160 px. AUC with 95 % intervals, bootstrap by group; validation pictures alone. "Loss" is the
AUC less that of the network that has seen every generator, on the same validation pictures, paired. "Wild" are
validation photographs of wild sources whose other pictures are trained on, so that this column is the easier one."""
Array = NDArray[np.float64]


class Scorer:
    """Scores of one network by picture and variant."""

    def __init__(self, run: Path, pack: Pack, variants: int) -> None:
        self.network, self.pack, self.variants = load_networks([run])[0], pack, variants

    def scores(self, wanted: NDArray[np.bool_]) -> dict[tuple[int, int], float]:
        """Mean logit over the network's scales of each (picture, variant) of the `wanted` pictures."""
        found: dict[tuple[int, int], list[float]] = {}
        for scale in NETWORK_SCALES:
            chosen = (self.pack.scale == scale) & (self.pack.variant < self.variants) & wanted[self.pack.sample]
            rows = np.flatnonzero(chosen)
            for row, value in zip(rows, score_rows(self.network, self.pack, rows), strict=True):
                found.setdefault((int(self.pack.sample[row]), int(self.pack.variant[row])), []).append(float(value))
        return {key: float(np.mean(values)) for key, values in found.items()}


def lines(
    name: str, samples: Sequence[Sample], left: dict[tuple[int, int], float], control: dict[tuple[int, int], float]
) -> list[str]:
    """One row of the table a kind of processing."""
    out = []
    fake = np.array([s.fake for s in samples])
    own_sets = {s.set for s in samples if s.fake and s.generator == name}
    paired = ~without_generator(samples, name)
    for label, first in (("as stored", True), ("re-encoded", False)):
        keys = [key for key in left if (key[1] == 0) is first]
        if not keys:
            continue
        index = np.array([k[0] for k in keys])
        values, other = np.array([left[k] for k in keys]), np.array([control.get(k, np.nan) for k in keys])
        own = np.array([samples[i].set in own_sets and fake[i] for i in index])
        against, wild = paired[index] & ~fake[index], np.array([samples[i].set in WILD for i in index])
        held = np.array([samples[i].split == "val" for i in index])
        groups = np.array([samples[i].group for i in index])
        cells = [name, label]
        for rows in (own | against, own | wild):
            cells += _figure(fake[index][rows], values[rows], groups[rows])
        rows = (own | against) & held
        both = len(set(fake[index][rows])) == 2
        cells.append(gain_text(fake[index][rows], values[rows], other[rows], groups[rows].tolist()) if both else "–")
        rows = (own | wild) & held
        cells.append(gain_text(fake[index][rows], values[rows], other[rows], groups[rows].tolist()))
        out.append(f"| {' | '.join(cells)} |")
    return out


def _figure(fake: NDArray[np.bool_], values: Array, groups: NDArray[np.str_]) -> list[str]:
    if len(set(fake)) < 2:
        return ["–"]
    return [f"{auc_text(fake, values, groups.tolist())} ({int((~fake).sum())}, {int(fake.sum())})"]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True, help="folder with a run a generator, and one named nothing")
    parser.add_argument("--train", action="store_true", help="show the left-out pictures of the train split as well")
    parser.add_argument("--variants", type=int, default=VARIANTS, help="1: as stored alone")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    samples, pack = in_scope(read_corpus(args.data)), Pack(args.pack)
    names = sorted(p.name for p in args.runs.iterdir() if (p / "state.pt").is_file() and p.name != CONTROL)
    held = np.array([s.split == "val" and s.set not in FACE_ONLY for s in samples])
    wild = np.array([s.set in WILD for s in samples])
    control = Scorer(args.runs / CONTROL, pack, args.variants).scores(held)
    columns = ("left out", "pictures", "v the paired photographs (reals, fakes)",
               "v wild photographs", "loss, paired", "loss, wild")  # fmt: skip
    table = head(*columns)
    for name in names:
        own = np.array([s.fake and s.generator == name and s.set not in FACE_ONLY for s in samples])
        shown = (own | ~without_generator(samples, name) | wild) & (held | (args.train & ~wild))
        table += lines(name, samples, Scorer(args.runs / name, pack, args.variants).scores(shown), control)
        print("\n".join(table[-2:]), flush=True)
    command = f"Command: `python benchmarks/left_out_network.py {ARGUMENTS}`, {date.today()}."
    about = INTRODUCTION.format(steps=_steps(args.runs / CONTROL))
    page = ["# The face network without a generator", "", command, "", about, "", *table]
    publish("\n".join(page) + "\n", args.output)


def _steps(run: Path) -> str:
    import torch

    return f"{torch.load(run / 'state.pt', weights_only=True)['folds'][0]['steps']:,}"


if __name__ == "__main__":
    main()
