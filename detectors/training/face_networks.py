"""Train the face network of one fold of the shipped model, or of none: without a generator.

`python -m whichface.detectors.training.face_networks --data DIR --pack pack.npz -o RUN --fold 0 --minutes 60`

Given again, it goes on where it was cut off. No validation picture is looked at: the last averaged weights are taken.
With `--without GENERATOR` a single network learns from all training pictures but those of one generator and of the
photographs that are paired with it, which benchmarks/left_out_network.py then shows it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..dataset import FACE_ONLY, Sample, in_scope, read_corpus
from .classifier import TrainConfig
from .folds import FOLDS, source_weights, training_folds, without_generator
from .network import NetworkConfig
from .network_export import BESIDE
from .network_run import NetworkRun
from .network_steps import NetworkRunConfig, RunData
from .observer import Silent
from .pack import Pack, Packs
from .teachers import Teachers


class Lines(Silent):
    """An observer that prints what is worth reading."""

    def told(self, text: str) -> None:
        """One line."""
        print(text, flush=True)

    def warned(self, text: str) -> None:
        """One line, on the standard error."""
        print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Material:
    """What the networks learn from."""

    samples: Sequence[Sample]
    """The corpus that is divided into folds, then what every network sees besides."""
    pack: Pack | Packs
    """Canonical faces of all of them."""
    divided: int
    """How many samples are divided into folds."""

    def seen_by(self, fold: int, without: str = "") -> NDArray[np.bool_]:
        """(samples,) what a network may learn from. Raises ValueError for a generator that there is not."""
        folds = training_folds(self.samples[: self.divided])
        beside = [s.split == "train" for s in self.samples[self.divided :]]
        seen = np.concatenate([(folds >= 0) & (folds != fold), np.array(beside, bool)]) | self.veiled
        return seen & without_generator(self.samples, without) if without else seen

    @property
    def veiled(self) -> NDArray[np.bool_]:
        """(samples,) True for training pictures that are blurred around the face: nothing else of them is learned.

        A corpus without any beside it is that of the models before, which never saw them.
        """
        beside = len(self.samples) > self.divided
        return np.array([beside and s.split == "train" and s.set in FACE_ONLY for s in self.samples], bool)

    def data(self, fold: int, without: str = "", power: float = 0.6, matched: float = 0.0) -> RunData:
        """What a run of the fold learns from; `power` and `matched` weigh its sets (`folds.source_weights`)."""
        weights = source_weights(self.samples, self.seen_by(fold, without), power, matched)
        fake = np.array([s.fake for s in self.samples])
        veiled = frozenset(np.flatnonzero(self.veiled).tolist())
        return RunData(self.pack, fake, (weights,), folds=(max(fold, 0),), veiled=veiled)

    def beside(self, fold: int, without: str = "") -> Counter[str]:
        """How many pictures of each set a network learns from that no fold divides."""
        loose = self.veiled | (np.arange(len(self.samples)) >= self.divided)
        used = self.seen_by(fold, without) & loose
        return Counter(s.set for s, use in zip(self.samples, used, strict=True) if use)


def material_of(data: Path, pack: Path, more: Sequence[Path] = (), more_packs: Sequence[Path] = ()) -> Material:
    """The corpus and its pack, and others that every fold sees (`training.more_data` makes them)."""
    parts = [in_scope(read_corpus(folder)) for folder in (data, *more)]
    packs = [Pack(path) for path in (pack, *more_packs)]
    joined = Packs(packs, [len(part) for part in parts[:-1]]) if more else packs[0]
    return Material([sample for part in parts for sample in part], joined, len(parts[0]))


def run(
    material: Material, out: Path, fold: int, config: NetworkRunConfig, data: RunData | None = None, without: str = ""
) -> Path:
    """Train a network to the end of its length, in `out`, from `data` or all that the fold may see; returns `out`."""
    out.mkdir(parents=True, exist_ok=True)
    named = json.dumps(material.beside(fold, without), indent=1, sort_keys=True)
    (out / BESIDE).write_text(named, encoding="utf-8")
    return NetworkRun(out, data or material.data(fold, without), config, Lines()).train()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="corpus with manifest.csv and landmarks478.npz")
    parser.add_argument("--pack", type=Path, required=True, help="made by training.pack from the same corpus")
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="corpora that every network sees")
    parser.add_argument("--more-pack", type=Path, nargs="*", default=[], help="their packs, in this order")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--fold", type=int, default=-1, choices=range(-1, FOLDS), help="its number; -1: none")
    parser.add_argument("--without", default="", metavar="GENERATOR", help="leave this generator out as well")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=60.0)
    length.add_argument("--epochs", type=float)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backbone", default=NetworkConfig().backbone)
    parser.add_argument("--stem-stride", type=int, default=2)
    parser.add_argument("--stages", type=int, default=0, help="stages of the backbone that are kept (0: all)")
    parser.add_argument("--hidden", type=int, default=0, help="channels of a layer before the head (0: none)")
    parser.add_argument("--pretrained", default="", help="local file of weights that the backbone starts from")
    parser.add_argument("--init", default="", help="networks.safetensors of earlier runs to go on from")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--amp", default="off", choices=("off", "bf16", "fp16"))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--rate", type=float, default=3e-3, help="peak learning rate")
    parser.add_argument("--ema", type=float, default=0.995, help="decay of the averaged weights a step")
    parser.add_argument("--look", type=float, default=0.0, help="share of crops with a changed look")
    parser.add_argument("--soft", type=float, default=0.0, help="share of crops that lose fine detail")
    parser.add_argument("--veil", type=float, default=0.0, help="share of crops whose background is blurred")
    parser.add_argument("--power", type=float, default=0.6, help="sets weigh by their size to this power")
    parser.add_argument("--matched", type=float, default=0.0, metavar="SHARE",
                        help="of the photographs' weight for those that stand beside fakes in one codec (0: by size)")
    parser.add_argument("--teacher", type=Path, nargs="*", default=[], metavar="RUN",
                        help="run folders of this fold, or network.onnx files, whose mean the labels follow")
    parser.add_argument("--taught", type=float, default=0.7, metavar="SHARE", help="of a label that is the teachers'")
    args = parser.parse_args()
    network = NetworkConfig(args.backbone, stem_stride=args.stem_stride, stages=args.stages, hidden=args.hidden)
    train = TrainConfig(
        minutes=args.minutes, batch=args.batch, crop=args.crop, learning_rate=args.rate, ema=args.ema, look=args.look,
        soft=args.soft, veil=args.veil,
        threads=args.threads, seed=args.seed, pretrained=args.pretrained, network=network,
    )  # fmt: skip
    config = NetworkRunConfig(
        train=train, epochs=args.epochs, device=args.device, amp=args.amp, patience=0, init=args.init
    )
    material = material_of(args.data, args.pack, args.more, args.more_pack)
    data = material.data(args.fold, args.without, args.power, args.matched)
    if args.teacher:
        number = data.numbers[0]
        taught = Teachers(args.teacher, number, args.taught, network, args.output, material.pack)
        data = replace(data, teachers={number: taught})
    run(material, args.output, args.fold, config, data, args.without)


if __name__ == "__main__":
    main()
