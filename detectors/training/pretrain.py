"""Self-supervised pre-training of the face network: which crops went through the same camera, codecs and sizes?

`python -m whichface.detectors.training.pretrain --data DIR --pack pack.npz -o ssl.safetensors --minutes 20`

No label of real or generated is used. Two crops of one canonical face are to be found among all crops of the batch,
half of which show the same faces through another chain of codecs and sizes (`training.pack`): what they show does not
help, the traces do (after Noiseprint: Cozzolino & Verdoliva 2018, arXiv 1808.08396). The loss is that of SimCLR (Chen
et al. 2020, arXiv 2002.05709). The file is one for `face_networks --init`. Given again, the command goes on where it
was cut off. Pictures of the validation part are not looked at.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ..classifier import NETWORK_SCALES
from .classifier import TrainConfig, augment, learning_rate
from .face_networks import material_of
from .network import FaceNetwork, NetworkConfig
from .network_import import write_networks
from .network_steps import hash_of
from .pack import Pack, Packs
from .pretrained import start_from
from .timed_run import TimedRun


@dataclass(frozen=True, slots=True)
class PretrainConfig:
    """One pre-training."""

    train: TrainConfig = field(default_factory=TrainConfig)
    """Network, crop, rate, seed; `batch` counts faces, of which each gives two crops; `minutes` is the length."""
    temperature: float = 0.1
    """Of the softmax over the similarities."""
    width: int = 128
    """Length of the vectors that are compared."""


def contrast(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """NT-Xent: row i of `first` belongs to row i of `second`, (N, width) each; every other row is a wrong answer."""
    rows = functional.normalize(torch.cat([first, second]), dim=1)
    likeness = (rows @ rows.t() / temperature).fill_diagonal_(float("-inf"))
    count = len(first)
    partner = torch.cat([torch.arange(count) + count, torch.arange(count)]).to(rows.device)
    return functional.cross_entropy(likeness, partner)


class Faces:
    """Pairs of crops; half of a batch shows the faces of the other half as another chain left them."""

    def __init__(self, pack: Pack | Packs, used: NDArray[np.bool_], config: TrainConfig) -> None:
        self.pack, self.config = pack, config
        rows = np.flatnonzero(np.isin(pack.scale, NETWORK_SCALES) & used[pack.sample])
        keys = np.stack([pack.sample[rows], pack.scale[rows]], 1)
        _, of = np.unique(keys, axis=0, return_inverse=True)
        order = np.argsort(of.ravel(), kind="stable")
        parts = np.split(rows[order], np.flatnonzero(np.diff(of.ravel()[order])) + 1)
        self.faces = [part for part in parts if len(part) > 1]
        if not self.faces:
            raise ValueError("no picture of the pack went through two chains")

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Two of (batch, 3, crop, crop) float RGB in [0, 255]: row i of either is of one row of the pack."""
        pairs: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
        for face in rng.integers(0, len(self.faces), self.config.batch // 2):
            for row in rng.choice(self.faces[face], 2, replace=False):
                pixels = self.pack.pixels(int(row))
                pairs.append((augment(pixels, self.config, rng), augment(pixels, self.config, rng)))
        first, second = (torch.from_numpy(np.stack(side)).permute(0, 3, 1, 2) for side in zip(*pairs, strict=True))
        return first, second


class Compared(nn.Module):
    """The network and the layer whose vectors are compared: (N, 3, H, W) to (N, width)."""

    def __init__(self, config: PretrainConfig) -> None:
        super().__init__()
        self.network = FaceNetwork(config.train.network)
        if config.train.pretrained:
            start_from(self.network.backbone, Path(config.train.pretrained))
        self.compare = nn.Linear(self.network.head.in_channels, config.width)

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.compare(self.network.maps(pixels).mean((2, 3)))
        return found


def begin(config: PretrainConfig, state: Path) -> TimedRun[Compared]:
    """A fresh run, or the one whose state is there."""
    torch.manual_seed(config.train.seed)
    net, mean, train = Compared(config), Compared(config).eval(), config.train
    return TimedRun.begin(net, mean, state, rate=train.learning_rate, weight_decay=train.weight_decay, best=0.0)


def step(run: TimedRun[Compared], faces: Faces, config: PretrainConfig, share: float) -> None:
    """One step at `share` of the length; what it draws follows from the seed and its number."""
    torch.manual_seed(hash_of(config.train.seed, 0, run.step))
    first, second = faces.batch(np.random.default_rng([config.train.seed, run.step]))
    both = run.net(torch.cat([first, second]).contiguous(memory_format=torch.channels_last))
    loss = contrast(both[: len(first)], both[len(first) :], config.temperature)
    run.descend(loss, learning_rate(share, config.train), 2.0)
    run.follow(config.train.ema)


def pretrain(faces: Faces, config: PretrainConfig, out: Path, told: Callable[[str], None] = print) -> int:
    """Pre-train for the configuration's minutes, all calls together, and write the network; the number of steps."""
    out.parent.mkdir(parents=True, exist_ok=True)
    state = out.with_suffix(".state.pt")
    run, length = begin(config, state), config.train.minutes * 60
    while run.spent < length:
        began = time.monotonic()
        step(run, faces, config, run.spent / length)
        run.spent += time.monotonic() - began
        if run.step % 50 == 0:
            run.save(state)
            told(f"step {run.step}, {run.spent / length:.0%}: loss {run.loss:.4f}")
    run.save(state)
    write_networks([run.mean.network], out)
    return run.step


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="as for face_networks")
    parser.add_argument("--more-pack", type=Path, nargs="*", default=[], help="their packs, in this order")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--backbone", default=NetworkConfig().backbone)
    parser.add_argument("--stages", type=int, default=0)
    parser.add_argument("--hidden", type=int, default=0)
    parser.add_argument("--pretrained", default="", help="as for face_networks")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    network = NetworkConfig(args.backbone, stages=args.stages, hidden=args.hidden)
    train = TrainConfig(minutes=args.minutes, batch=args.batch, learning_rate=args.rate, seed=args.seed,
                        pretrained=args.pretrained, network=network)  # fmt: skip
    material = material_of(args.data, args.pack, args.more, args.more_pack)
    used = np.array([s.split == "train" for s in material.samples])
    steps = pretrain(Faces(material.pack, used, train), PretrainConfig(train), args.output)
    print(f"{args.output}: {steps} steps")


if __name__ == "__main__":
    main()
