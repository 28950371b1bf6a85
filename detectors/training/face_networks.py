"""Train the face network of one fold of the shipped model, or of none: without a generator.

`python -m whichface.detectors.training.face_networks --data DIR --pack pack.npz -o RUN --fold 0 --minutes 60`

Given again, it goes on where it was cut off. No validation picture is looked at: the last averaged weights are taken.
With `--without GENERATOR` a single network learns from all training pictures but those of one generator and of the
photographs that are paired with it, which benchmarks/left_out_network.py then shows it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..dataset import Sample, in_scope, read_corpus
from .classifier import TrainConfig
from .folds import FOLDS, source_weights, training_folds, without_generator
from .network import NetworkConfig
from .network_run import NetworkRun
from .network_steps import NetworkRunConfig, RunData
from .observer import Silent
from .pack import Pack


class Lines(Silent):
    """An observer that prints what is worth reading."""

    def told(self, text: str) -> None:
        """One line."""
        print(text, flush=True)

    def warned(self, text: str) -> None:
        """One line, on the standard error."""
        print(text, file=sys.stderr, flush=True)


def seen_by(samples: Sequence[Sample], fold: int, without: str) -> NDArray[np.bool_]:
    """(samples,) what a network may learn from. Raises ValueError for a generator that there is not."""
    folds = training_folds(samples)
    seen = (folds >= 0) & (folds != fold)
    return seen & without_generator(samples, without) if without else seen


def run(
    samples: Sequence[Sample], pack: Pack, out: Path, fold: int, config: NetworkRunConfig, without: str = ""
) -> Path:
    """Train a network to the end of its length, in `out`; returns the finished folder."""
    seen, fake, number = seen_by(samples, fold, without), np.array([s.fake for s in samples]), max(fold, 0)
    data = RunData(pack, fake, (source_weights(samples, seen),), folds=(number,))
    return NetworkRun(out, data, config, Lines()).train()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="corpus with manifest.csv and landmarks478.npz")
    parser.add_argument("--pack", type=Path, required=True, help="made by training.pack from the same corpus")
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
    args = parser.parse_args()
    network = NetworkConfig(args.backbone, stem_stride=args.stem_stride, stages=args.stages, hidden=args.hidden)
    train = TrainConfig(
        minutes=args.minutes, batch=args.batch, crop=args.crop, learning_rate=args.rate, ema=args.ema, look=args.look,
        threads=args.threads, seed=args.seed, pretrained=args.pretrained, network=network,
    )  # fmt: skip
    config = NetworkRunConfig(
        train=train, epochs=args.epochs, device=args.device, amp=args.amp, patience=0, init=args.init
    )
    run(in_scope(read_corpus(args.data)), Pack(args.pack), args.output, args.fold, config, args.without)


if __name__ == "__main__":
    main()
