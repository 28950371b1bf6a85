"""Train the face network: `python -m whichface.detectors.training.classifier --pack DIR -o DIR --minutes 60`.

All folds train side by side, batch by batch, so that a run may be stopped and resumed at any time and every fold has
had the same. The learning rate follows the share of the time budget that has passed (one cosine).
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..dataset import in_scope, read_corpus
from .folds import FOLDS, source_weights, training_folds
from .network import FaceNetwork, NetworkConfig
from .pack import Pack
from .pretrained import start_from
from .timed_run import follow, save_whole


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One training run."""

    minutes: float = 60.0
    """Time budget of the whole run."""
    batch: int = 32
    """Crops a step."""
    crop: int = 128
    """Side of a crop in pixels of the canonical face."""
    learning_rate: float = 3e-3
    """Peak learning rate of AdamW."""
    weight_decay: float = 0.03
    """AdamW's decoupled weight decay."""
    smoothing: float = 0.05
    """Label smoothing."""
    ema: float = 0.995
    """Decay of the averaged weights a step."""
    small_scale: float = 0.3
    """Share of crops from the 160-pixel scale."""
    grey: float = 0.2
    """Share of crops without colour."""
    threads: int = 1
    """torch threads."""
    seed: int = 0
    """Seed of folds, order and augmentation."""
    look: float = 0.0
    """Share of crops with strong contrast, gamma or saturation changes, or cut out before a plain colour."""
    pretrained: str = ""
    """File of weights that the backbone starts from; empty: from scratch."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Shape of the network."""


class Crops:
    """Random crops of one fold's training part, from both of the network's scales."""

    def __init__(self, pack: Pack, weights: NDArray[np.float64], config: TrainConfig) -> None:
        self.pack, self.config = pack, config
        self.rows: list[NDArray[np.int64]] = []
        self.odds: list[NDArray[np.float64]] = []
        for scale in (256, 160):
            rows = np.flatnonzero((pack.scale == scale) & (weights[pack.sample] > 0))
            counts = np.bincount(pack.sample[rows], minlength=len(weights))
            odds = weights[pack.sample[rows]] / counts[pack.sample[rows]]
            self.rows.append(rows)
            self.odds.append(np.cumsum(odds / odds.sum()))

    def batch(self, rng: np.random.Generator, fake: NDArray[np.bool_]) -> tuple[Tensor, Tensor]:
        """(N, 3, crop, crop) float RGB in [0, 255] and (N,) labels, 1 for generated."""
        images, labels = [], []
        for _ in range(self.config.batch):
            which = int(rng.random() < self.config.small_scale)
            which = which if len(self.rows[which]) else 1 - which
            place = min(int(np.searchsorted(self.odds[which], rng.random())), len(self.rows[which]) - 1)
            row = int(self.rows[which][place])
            images.append(augment(self.pack.pixels(row), self.config, rng))
            labels.append(float(fake[self.pack.sample[row]]))
        stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
        return stacked.contiguous(memory_format=torch.channels_last), torch.tensor(labels)


def augment(
    pixels: NDArray[np.uint8], config: TrainConfig, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A random crop, mirrored half the time, with light, contrast and colour changed a little."""
    side = pixels.shape[0]
    y, x = rng.integers(0, side - config.crop + 1, 2)
    crop = pixels[y : y + config.crop, x : x + config.crop].astype(np.float32)
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if rng.random() < config.grey:
        crop = np.repeat(crop @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, axis=2)
    if rng.random() < config.look:
        crop = changed_look(crop, rng)
    gain = np.exp(rng.normal(0, 0.08)) * np.exp(rng.normal(0, 0.03, 3))
    return np.ascontiguousarray(crop * gain + rng.normal(0, 10), dtype=np.float32)


def changed_look(crop: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """What editors of profile pictures do, to either class alike: tone curves, saturation, a round cut-out."""
    grey = crop.mean(2, keepdims=True)
    crop = grey + (crop - grey) * rng.uniform(0.2, 1.8)
    crop = 255 * (np.clip(crop, 0, 255) / 255) ** np.exp(rng.normal(0, 0.35))
    crop = np.clip((crop - 127.5) * np.exp(rng.normal(0, 0.3)) + 127.5, 0, 255)
    if rng.random() < 0.25:
        side = crop.shape[0]
        y, x = np.ogrid[:side, :side]
        centre, radius = rng.uniform(-0.2, 1.2, 2) * side, rng.uniform(0.6, 1.1) * side
        outside = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 > radius**2
        plain = np.full(3, rng.choice([0.0, 255.0])) if rng.random() < 0.7 else rng.uniform(0, 255, 3)
        crop = np.where(outside[..., None], plain, crop)
    return crop.astype(np.float32)


class Trainer:
    """The state of one fold: network, averaged network, optimiser."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        network = FaceNetwork(config.network)
        if config.pretrained:
            start_from(network.backbone, Path(config.pretrained))
        self.network = network.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.steps = 0

    def step(self, images: Tensor, labels: Tensor, rate: float) -> float:
        """One step at learning rate `rate`; returns the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self.loss(images, labels)
        self.optimiser.zero_grad(set_to_none=True)
        self.descend(loss)
        self.steps += 1
        follow(self.average, self.network, self.steps, self.config.ema)
        return float(loss.detach())

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of the mean of the map, with smoothed labels."""
        target = labels * (1 - self.config.smoothing) + self.config.smoothing / 2
        logits = self.network(images).mean((1, 2, 3))
        return nn.functional.binary_cross_entropy_with_logits(logits.float(), target)

    def descend(self, loss: Tensor) -> None:
        """One step of the optimiser, the gradient's norm cut to 2."""
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()

    def state(self) -> dict[str, object]:
        """Everything a resumed run needs."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "steps": self.steps,
        }

    def load(self, state: dict[str, object]) -> None:
        """Take up a stored state."""
        self.network.load_state_dict(state["network"])  # type: ignore[arg-type]
        self.average.load_state_dict(state["average"])  # type: ignore[arg-type]
        self.optimiser.load_state_dict(state["optimiser"])  # type: ignore[arg-type]
        self.steps = int(state["steps"])  # type: ignore[call-overload]


def learning_rate(share: float, config: TrainConfig) -> float:
    """Warm-up over the first 3 %, then a cosine to a hundredth, by the `share` of the budget passed."""
    if share < 0.03:
        return config.learning_rate * (share / 0.03 + 0.02)
    return config.learning_rate * float(0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * min(share, 1.0))))


def run(data: Path, pack: Pack, out: Path, config: TrainConfig, only: Sequence[int] | None = None) -> None:
    """Train the folds (or `only` some) to the end of the budget, saving as it goes; resumes from `out`."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(asdict(config), indent=1))
    samples = in_scope(read_corpus(data))
    folds, fake = training_folds(samples), np.array([s.fake for s in samples])
    numbers = range(FOLDS) if only is None else only
    crops = [Crops(pack, source_weights(samples, (folds >= 0) & (folds != k)), config) for k in numbers]
    trainers = [Trainer(config) for _ in numbers]
    spent = _resume(out, trainers)
    rng = np.random.default_rng([config.seed, int(spent)])
    last = saved = time.monotonic()
    losses: list[float] = []
    while spent < config.minutes * 60:
        rate = learning_rate(spent / (config.minutes * 60), config)
        losses += [t.step(*c.batch(rng, fake), rate) for t, c in zip(trainers, crops, strict=True)]
        spent, last = spent + time.monotonic() - last, time.monotonic()
        if last - saved > 120:
            print(f"{spent / 60:6.1f} min  step {trainers[0].steps}  loss {np.mean(losses):.4f}", flush=True)
            _save(out, numbers, trainers, spent)
            saved, losses = last, []
    _save(out, numbers, trainers, spent)


def _save(out: Path, numbers: Sequence[int], trainers: Sequence[Trainer], spent: float) -> None:
    save_whole({"spent": spent, "numbers": list(numbers), "folds": [t.state() for t in trainers]}, out / "state.pt")


def _resume(out: Path, trainers: Sequence[Trainer]) -> float:
    if not (out / "state.pt").exists():
        return 0.0
    state = torch.load(out / "state.pt", weights_only=True)
    for trainer, stored in zip(trainers, state["folds"], strict=True):
        trainer.load(stored)
    return float(state["spent"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="corpus with manifest.csv and landmarks478.npz")
    parser.add_argument("--pack", type=Path, required=True, help="made by training.pack from the same corpus")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the folds that this process trains")
    parser.add_argument("--backbone", default=NetworkConfig().backbone)
    parser.add_argument("--stem-stride", type=int, default=2)
    parser.add_argument("--stages", type=int, default=0, help="stages of the backbone that are kept (0: all)")
    parser.add_argument("--hidden", type=int, default=0, help="channels of a layer before the head (0: none)")
    parser.add_argument("--pretrained", default="", help="local file of weights that the backbone starts from")
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--rate", type=float, default=3e-3, help="peak learning rate")
    parser.add_argument("--look", type=float, default=0.0, help="share of crops with a changed look")
    args = parser.parse_args()
    network = NetworkConfig(args.backbone, stem_stride=args.stem_stride, stages=args.stages, hidden=args.hidden)
    config = TrainConfig(
        minutes=args.minutes,
        threads=args.threads,
        crop=args.crop,
        learning_rate=args.rate,
        look=args.look,
        pretrained=args.pretrained,
        network=network,
    )
    run(args.data, Pack(args.pack), args.output, config, args.only)


if __name__ == "__main__":
    main()
