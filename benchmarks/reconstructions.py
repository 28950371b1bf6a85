"""What photographs that a decoder of StyleGAN2's blocks has drawn anew teach, and what the detector says of them.

    python benchmarks/reconstructions.py --data ../shared/data/faces --pack .work/pack.npz \\
        --features .work/features.npy --network .work/pairs/reconstructor.safetensors --work .work/additions \\
        -o benchmarks/reconstructions.md
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
from gains import COLUMNS, WILD_COLUMNS, content_scores, frame, gain_lines, thumbnails, wild_line
from least_squares import Model, Scale, fit, moments, out_of_fold, scores
from numpy.typing import NDArray
from pseudo import SCALE, Pseudo, made, network_logits, originals, sharpness_alone
from tables import auc_text, head, publish

from whichface.detectors.canonical import CanonicalFace
from whichface.detectors.dataset import MATCHED_AND_POOLED, in_scope, read_corpus
from whichface.detectors.training.folds import FOLDS, source_weights, training_folds
from whichface.detectors.training.pack import Pack
from whichface.detectors.training.score import Material
from whichface.forensics.records import Pixels
from whichface.generator.reconstruct.network import ReconstructConfig, Reconstructor
from whichface.generator.reconstruct.pairs import reconstructed
from whichface.generator.reconstruct.training import read_average

SHARE = 0.25
"""What reconstructions weigh beside the fakes."""
INTRODUCTION = """\
1,000 training photographs at 256 px, each beside its reconstruction (`whichface gan reconstruct`, docs/generator.md):
one bottleneck of 64 px, StyleGAN2's blocks, bands as strong as the photograph's, one JPEG 75. The reconstructing
network saw the photographs of all folds, experts only those of theirs. Experts are linear, at 256 px, as in
[additions.md](additions.md); scores are out of fold, AUC with 95 % intervals, bootstrap by group, gains paired. The
shipped networks have seen the photographs, but no reconstruction."""


def drawn(network: Reconstructor, config: ReconstructConfig, crop: Pixels, number: int) -> tuple[Pixels, str]:
    """A canonical face drawn anew."""
    return reconstructed(network, crop, config, number), "reconstruction"


def fitted(scale: Scale, table: NDArray[np.float16], pairs: Pseudo) -> list[dict[str, Model]]:
    """Without each fold: the expert as it is, with reconstructions beside the fakes, and on the pairs alone."""
    material, found = scale.material, []
    place = np.searchsorted(scale.rows, originals(material, pairs.sample.tolist()))
    for fold in range(FOLDS):
        weights = scale.weights(fold)
        reals, fakes = (scale.of_class(table, weights, fake) for fake in (False, True))
        used = (material.folds >= 0) & (material.folds != fold)
        source = source_weights(material.samples, used)[pairs.sample]
        imitated = moments(scale.standardised(pairs.table), source)
        found.append({
            "base": fit(reals, fakes), "with": fit(reals, fakes.joined(imitated, SHARE)),
            "alone": fit(moments(table[place], source), imitated),
        })  # fmt: skip
    return found


def alone_lines(
    scale: Scale, models: list[dict[str, Model]], values: Mapping[str, NDArray], pairs: Pseudo
) -> list[str]:
    """How well the pairs are told apart, and what the expert that knows only them says of true fakes."""
    material = scale.material
    fake, sharp, groups = sharpness_alone(material, pairs)
    place = np.searchsorted(scale.rows, originals(material, pairs.sample.tolist()))
    lines = head("what", "reals, fakes", "AUC")
    counts = f"{len(place)}, {len(place)}"

    def told(name: str, reals: NDArray, fakes: NDArray) -> str:
        return f"| {name} | {counts} | {auc_text(fake, np.concatenate([reals, fakes]), groups)} |"

    lines.append(f"| pairs, sharpness alone | {counts} | {auc_text(fake, sharp, groups)} |")
    for title, name in (("an expert on pairs alone", "alone"), ("an expert on true fakes", "base")):
        each = scores(scale.standardised(pairs.table), [m[name] for m in models])
        own = each[np.arange(len(each)), material.folds[pairs.sample]]
        lines.append(told(f"pairs, {title}", values[name][place], own))
    reals = [CanonicalFace(material.pack.pixels(int(row)), np.ones((SCALE, SCALE), bool), SCALE)
             for row in originals(material, pairs.sample.tolist())]  # fmt: skip
    lines.append(told("pairs, the shipped networks", network_logits(reals), pairs.network))
    kept = (scale.fold >= 0) & (scale.variant == 0)
    samples = [material.samples[i] for i in scale.sample[kept]]
    for name, sets in MATCHED_AND_POOLED.items():
        part = np.array([s.set in sets for s in samples])
        labels, groups = np.array([s.fake for s in samples])[part], np.array([s.group for s in samples])[part].tolist()
        text = auc_text(labels, values["alone"][kept][part], groups)
        lines.append(f"| true fakes, {name}, an expert on pairs alone | {(~labels).sum()}, {labels.sum()} | {text} |")
    return lines


def beside_lines(scale: Scale, values: Mapping[str, NDArray], content: NDArray) -> list[str]:
    """What reconstructions bring beside the true fakes."""
    gains, wild = head(*COLUMNS), head(*WILD_COLUMNS)
    kept = scale.fold >= 0
    rows = frame(scale.material.samples, scale.sample[kept], content, variant=scale.variant[kept],
                 before=values["base"][kept], after=values["with"][kept])  # fmt: skip
    for title, chosen in (("as stored", rows["variant"] == 0), ("re-encoded", rows["variant"] > 0)):
        gains += gain_lines(("reconstructions", f"{SCALE} px", title), rows[chosen])
        wild.append(wild_line(("reconstructions", f"{SCALE} px", title), rows[chosen]))
    return [*gains, "", *wild]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--network", type=Path, required=True, help="reconstructor.safetensors of gan reconstruct")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is measured here")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    samples = in_scope(read_corpus(args.data))
    material = Material(samples, Pack(args.pack), training_folds(samples))
    network, config = read_average(args.network)
    pairs = made(material, args.work / "reconstructions.npz", partial(drawn, network, config))
    scale = Scale(SCALE, material)
    table = scale.read(np.load(args.features, mmap_mode="r"))
    models = fitted(scale, table, pairs)
    values = out_of_fold(scale, table, models)
    content = content_scores(samples, material.folds, thumbnails(material))
    command = f"Command: `python benchmarks/reconstructions.py {shlex.join(sys.argv[1:])}`, {date.today()}."
    lines = ["# Reconstructed photographs", "", command, "", INTRODUCTION, ""]
    lines += alone_lines(scale, models, values, pairs)
    lines += ["", "## Beside the true fakes, at a quarter of their weight", "", *beside_lines(scale, values, content)]
    publish("\n".join(lines) + "\n", args.output)


if __name__ == "__main__":
    main()
