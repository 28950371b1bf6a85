"""Can a diffusion portrait be known as one? One source teaches, the other is asked; and what the pattern says.

    python benchmarks/diffusion.py --data ../shared/data/faces --pack .work/pack.npz --features .work/features.npy \\
        --run .work/net0 -o benchmarks/diffusion.md

There are 25 portraits of Stable Diffusion 2.1 and 40 of FaceChain; the detector has never learned from them. `--run` is
a network of fold 0 (docs/training.md): what it says of the photographs of that fold and of the validation part is as
new to it as the portraits are.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import auc_text, head, publish

from whichface.detectors import ExamineOptions, Examiner
from whichface.detectors.canonical import canonical_face, network_input
from whichface.detectors.dataset import OUT_OF_SCOPE, Sample, in_scope, read_corpus
from whichface.detectors.features import features
from whichface.detectors.training.folds import training_folds
from whichface.detectors.training.network_export import load_networks
from whichface.detectors.training.pack import STORED, Pack, PackConfig, opened
from whichface.detectors.verdict import PATTERN
from whichface.forensics.errors import ForensicsError
from whichface.forensics.geometry import crop_frame
from whichface.forensics.parallel import spread
from whichface.forensics.records import Pixels

Array = NDArray[np.float32]
SCALES = (160, 256)
FALSE = 0.01
LARGE = 400.0
"""Least side of the face in pixels of the pictures beside the portraits."""
COMPONENTS, STRENGTH = 200, 1e-3
TAUGHT = """\
A logistic regression ({components} principal components, C = {strength}) learns the portraits of one diffusion source
against training photographs of fold 0, or against those and the StyleGAN fakes beside them; it is asked about the other
source and validation photographs, all as stored. AUC with 95 % intervals, bootstrap by group; "found" is the share
above what 1 % of the photographs pass. Below 0.5 the other source looks less like the first than photographs do."""
SEEN = """\
The verdict when the spectrum analyzer points out a pattern in the pixels and the rest does not make it a StyleGAN: the
face is not called real, and the verdict says that another kind of generator may have left it. Pictures as stored;
"photographs" and "StyleGAN fakes" are the validation pictures whose face has 400 pixels and more."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Rows of one kind of values at one scale."""

    values: Array
    groups: tuple[str, ...]


def embedded(network: torch.nn.Module, faces: Sequence[Pixels]) -> Array:
    """(faces, 2 x channels) mean and spread of what the network's head sees."""
    out = []
    with torch.inference_mode():
        for start in range(0, len(faces), 32):
            images = np.stack([network_input(face).transpose(2, 0, 1) for face in faces[start : start + 32]])
            maps = network.maps(torch.from_numpy(images).float())
            out.append(torch.cat([maps.mean((2, 3)), maps.std((2, 3))], 1).numpy())
    return np.concatenate(out)


def drawn(samples: Sequence[Sample], network: torch.nn.Module, scale: int, kind: str) -> dict[str, Seen]:
    """The portraits' values by set."""
    out = {}
    for name in OUT_OF_SCOPE:
        own = [s for s in samples if s.set == name]
        faces = [canonical_face(*opened(s, PackConfig()), scale) for s in own]
        textures = kind == "textures"
        values = np.stack([features(f) for f in faces]) if textures else embedded(network, [f.pixels for f in faces])
        out[name] = Seen(values.astype(np.float32), tuple(s.group for s in own))
    return out


def taught_lines(args: argparse.Namespace, everything: Sequence[Sample]) -> Iterator[str]:
    """What one source teaches of the other, at every scale."""
    samples, pack, table = in_scope(everything), Pack(args.pack), np.load(args.features, mmap_mode="r")
    (network,) = load_networks([args.run])[:1]
    folds = training_folds(samples)
    val, fake = (np.array([getattr(s, what) == value for s in samples]) for what, value in
                 (("split", "val"), ("fake", True)))  # fmt: skip
    for scale in SCALES:
        stored = (pack.scale == scale) & (pack.variant == STORED) & ((folds[pack.sample] == 0) | val[pack.sample])
        rows = np.flatnonzero(stored)
        number = pack.sample[rows]
        for kind in ("textures", "network's maps"):
            values = np.asarray(table[rows], np.float32)
            if kind != "textures":
                values = embedded(network, [pack.pixels(int(row)) for row in rows])
            portraits = drawn(everything, network, scale, kind)
            asked = val[number] & ~fake[number]
            photographs = Seen(values[asked], tuple(samples[i].group for i in number[asked]))
            negatives = {"photographs": ~fake[number], "photographs, StyleGAN": np.ones(len(rows), bool)}
            for against, chosen in negatives.items():
                for teacher, other in (OUT_OF_SCOPE, OUT_OF_SCOPE[::-1]):
                    known = values[chosen & ~val[number]]
                    figures = asked_about(portraits[teacher], known, portraits[other], photographs)
                    yield f"| {scale} | {kind} | {teacher} | {against} | {other} | {' | '.join(figures)} |"


def asked_about(teacher: Seen, photographs: Array, other: Seen, held: Seen) -> tuple[str, str]:
    """AUC of the other source against held photographs, and what is found of it."""
    model = make_pipeline(StandardScaler(), PCA(min(COMPONENTS, photographs.shape[1]), random_state=0),
                          LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=3000))  # fmt: skip
    known = np.concatenate([photographs, teacher.values])
    model.fit(known, np.arange(len(known)) >= len(photographs))
    ours, theirs = model.decision_function(other.values), model.decision_function(held.values)
    labels = np.arange(len(ours) + len(theirs)) < len(ours)
    area = auc_text(labels, np.concatenate([ours, theirs]), [*other.groups, *held.groups])
    return area, f"{np.mean(ours > np.quantile(theirs, 1 - FALSE)):.2f}"


@cache
def examiner() -> Examiner:
    """One a process."""
    cv2.setNumThreads(1)
    return Examiner(ExamineOptions(max_faces=1))


def said(path: Path) -> tuple[str, bool] | None:
    """Label of the largest face, and whether its verdict says that another generator may have left a pattern."""
    try:
        faces = examiner().examine(path).faces
    except ForensicsError:
        return None
    return (faces[0].verdict.label.value, PATTERN in faces[0].verdict.reasons) if faces else None


def seen_lines(samples: Sequence[Sample], workers: int) -> Iterator[str]:
    """What is said of the portraits, of photographs and of StyleGAN's fakes."""
    large = [s for s in in_scope(samples) if s.split == "val" and s.landmarks is not None
             and crop_frame(s.landmarks).side >= LARGE]  # fmt: skip
    kinds = {name: [s for s in samples if s.set == name] for name in OUT_OF_SCOPE}
    kinds |= {"photographs": [s for s in large if not s.fake], "StyleGAN fakes": [s for s in large if s.fake]}
    for name, chosen in kinds.items():
        found = [one for one in spread(said, [s.path for s in chosen], workers) if one]
        labels = Counter(label for label, _ in found)
        cells = [name, len(found), *(labels[label] for label in ("generated", "inconclusive", "real")),
                 sum(hinted for _, hinted in found)]  # fmt: skip
        yield f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--data", "--pack", "--features", "--run"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    everything = read_corpus(args.data)
    command = "python benchmarks/diffusion.py --data ../shared/data/faces --pack .work/pack.npz " \
              "--features .work/features.npy --run .work/net0 -o benchmarks/diffusion.md"  # fmt: skip
    columns = ("scale", "values", "learned from", "against", "asked about", "AUC v photographs", "found")
    seen = head("set", "pictures", "generated", "inconclusive", "real", "another generator suspected")
    page = ["# Diffusion portraits", "", f"Command: `{command}`, {date.today()}.", "",
            TAUGHT.format(components=COMPONENTS, strength=STRENGTH), "",
            *head(*columns), *taught_lines(args, everything), "",
            "## The warning", "", SEEN, "", *seen, *seen_lines(everything, args.workers)]  # fmt: skip
    publish("\n".join(page) + "\n", args.output)


if __name__ == "__main__":
    main()
