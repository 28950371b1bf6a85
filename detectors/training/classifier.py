"""What the face network learns by: settings, random crops, one step, the course of the learning rate."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .network import FaceNetwork, NetworkConfig
from .pack import Pack, Packs
from .pretrained import start_from
from .timed_run import follow


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
    soft: float = 0.0
    """Share of crops that lose fine detail, as by enlarging: of both classes, so that softness tells nothing."""
    veil: float = 0.0
    """Share of crops whose surroundings of the face are blurred, of both classes; `veiled` pictures always are."""
    pretrained: str = ""
    """File of weights that the backbone starts from; empty: from scratch."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Shape of the network."""


class Crops:
    """Random crops of one fold's training part, from both of the network's scales."""

    def __init__(
        self,
        pack: Pack | Packs,
        weights: NDArray[np.float64],
        config: TrainConfig,
        veiled: frozenset[int] = frozenset(),
    ) -> None:
        self.pack, self.config, self.veiled = pack, config, veiled
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
            sample = int(self.pack.sample[row])
            pixels = self.pack.pixels(row)
            if sample in self.veiled or rng.random() < self.config.veil:
                pixels = behind_veil(pixels, rng)
            images.append(augment(pixels, self.config, rng))
            labels.append(float(fake[sample]))
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
    if rng.random() < config.soft:
        crop = softened(crop, rng)
    if rng.random() < config.grey:
        crop = np.repeat(crop @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, axis=2)
    if rng.random() < config.look:
        crop = changed_look(crop, rng)
    gain = np.exp(rng.normal(0, 0.08)) * np.exp(rng.normal(0, 0.03, 3))
    return np.ascontiguousarray(crop * gain + rng.normal(0, 10), dtype=np.float32)


def softened(crop: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Without the finest detail, as an enlarged or badly focused picture: a Gaussian of 0.5 to 2 pixels."""
    sigma = float(np.exp(rng.uniform(np.log(0.5), np.log(2.0))))
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float32)


def behind_veil(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Everything but the face blurred, as call programs and portrait modes do; an oval of random size stays sharp."""
    side = pixels.shape[0]
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    centre, half = rng.normal((0.56, 0.5), 0.02), rng.uniform((0.30, 0.24), (0.40, 0.34))  # of FFHQ's square
    away = np.hypot((y - centre[0]) / half[0], (x - centre[1]) / half[1])
    share = np.clip((away - 1) / rng.uniform(0.1, 0.4), 0, 1)[..., None]
    blurred = cv2.GaussianBlur(pixels, (0, 0), side * rng.uniform(0.02, 0.06), borderType=cv2.BORDER_REFLECT)
    return np.asarray(np.rint(pixels * (1 - share) + blurred * share), np.uint8)


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
    """The state of one fold on a device: network, averaged network, optimiser; in mixed precision where asked for."""

    def __init__(
        self, config: TrainConfig, number: int = 0, device: torch.device | str = "cpu", amp: str = "off"
    ) -> None:
        """Weights that no file gives are drawn by seed and `number`, the fold's; `amp` is off, bf16 or fp16."""
        torch.manual_seed(config.seed * 1000 + number)
        self.config, self.device, self.amp = config, torch.device(device), amp
        network = FaceNetwork(config.network)
        if config.pretrained:
            start_from(network.backbone, Path(config.pretrained))
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=amp == "fp16")
        self.steps = 0

    def step(self, images: Tensor, labels: Tensor, rate: float) -> float:
        """One step at learning rate `rate`; returns the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self.loss(images.to(self.device), labels.to(self.device))
        self.optimiser.zero_grad(set_to_none=True)
        self.descend(loss)
        self.steps += 1
        follow(self.average, self.network, self.steps, self.config.ema)
        return float(loss.detach())

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of the mean of the map, with smoothed labels; both are on the device."""
        target = labels * (1 - self.config.smoothing) + self.config.smoothing / 2
        kind = torch.float16 if self.amp == "fp16" else torch.bfloat16
        with torch.autocast(self.device.type, kind, enabled=self.amp != "off"):
            logits = self.network(images).mean((1, 2, 3))
        return nn.functional.binary_cross_entropy_with_logits(logits.float(), target)

    def descend(self, loss: Tensor) -> None:
        """One step of the optimiser, the gradient's norm cut to 2; scaled in fp16, where small ones would be lost."""
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.scaler.step(self.optimiser)
        self.scaler.update()

    def state(self) -> dict[str, object]:
        """Everything a resumed run needs."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "steps": self.steps,
            "scaler": self.scaler.state_dict(),
        }

    def load(self, state: dict[str, object]) -> None:
        """Take up a stored state."""
        self.network.load_state_dict(state["network"])  # type: ignore[arg-type]
        self.average.load_state_dict(state["average"])  # type: ignore[arg-type]
        self.optimiser.load_state_dict(state["optimiser"])  # type: ignore[arg-type]
        self.steps = int(state["steps"])  # type: ignore[call-overload]
        self.scaler.load_state_dict(state["scaler"])  # type: ignore[arg-type]


def learning_rate(share: float, config: TrainConfig) -> float:
    """Warm-up over the first 3 %, then a cosine to a hundredth, by the `share` of the budget passed."""
    if share < 0.03:
        return config.learning_rate * (share / 0.03 + 0.02)
    return config.learning_rate * float(0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * min(share, 1.0))))
