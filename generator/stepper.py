"""One step of training: the generator's and the discriminator's losses, regularisation, averages.

All random numbers of a step come from the seed, the step's number and the process's, so a resumed run repeats them.
"""

from __future__ import annotations

import copy
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from .augment import adjusted, augment
from .batches import Batch
from .distributed import World, share_gradients, spread, total
from .losses import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    path_length_penalty,
    r1_penalty,
)
from .networks import Generator, build_discriminator
from .networks.common import double, halve
from .options import TrainOptions
from .schedule import Point, at

HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(slots=True)
class Progress:
    """The numbers of a run's state."""

    images: int = 0
    """Pictures of the real data that were shown."""
    step: int = 0
    """Steps that were made."""
    p: float = 0.0
    """Probability of augmentation."""
    sign_sum: float = 0.0
    """Signs of D at reals since p was last adjusted."""
    sign_count: float = 0.0
    seconds: float = 0.0
    """Time that the run has had."""
    tick: int = 0
    """Ticks that were reported."""


@dataclass(slots=True)
class Collector:
    """Means of what happened since the last tick."""

    sums: dict[str, list[Tensor]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, value: Tensor) -> None:
        """Note a loss's mean."""
        self.sums[name].append(value.detach().float().mean())

    def take(self) -> dict[str, float]:
        """The means, and begin anew."""
        means = {name: float(torch.stack(values).mean()) for name, values in self.sums.items()}
        self.sums.clear()
        return means


def step_seed(seed: int, step: int, rank: int) -> int:
    """A 63-bit number for this step and process."""
    digest = hashlib.sha256(f"{seed}/{step}/{rank}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def faded(images: Tensor, lod: float) -> Tensor:
    """Real pictures in [-1, 1] at the schedule's size, blended with their next smaller form during a fade."""
    whole, share = int(lod), lod - int(lod)
    x = avg_pool2d(images, 2**whole) if whole else images
    return torch.lerp(x, double(halve(x)), share) if share else x


def lazy_adam(parameters: Iterator[nn.Parameter], rate: float, every: int) -> torch.optim.Adam:
    """Adam, adjusted to a regulariser that has a step of its own every `every` steps (1912.04958, B)."""
    share = every / (every + 1) if every > 1 else 1.0
    return torch.optim.Adam(parameters, rate * share, betas=(0.0, 0.99**share), eps=1e-8)


class Stepper:
    """Networks, optimisers and averages of one process."""

    def __init__(self, options: TrainOptions, device: torch.device, world: World) -> None:
        self.options, self.device, self.world = options, device, world
        torch.manual_seed(options.seed)
        self.generator = Generator(options.network)
        self.discriminator = build_discriminator(options.network)
        for network in (self.generator, self.discriminator):
            network.to(device, memory_format=torch.channels_last)
            spread(network, world)
        self.ema = copy.deepcopy(self.generator).eval().requires_grad_(False)
        if options.precision in HALF:
            for network in (self.generator.synthesis, self.discriminator):
                network.set_half(HALF[options.precision])
        self.path_mean = torch.zeros((), device=device)
        self.progress = Progress(p=options.p)
        self.stats = Collector()
        rate = at(0, options.schedule).rate
        every = options.path_every if options.path_length else 1
        self.adam_g = lazy_adam(self.generator.parameters(), rate, every)
        self.adam_d = lazy_adam(self.discriminator.parameters(), rate, options.r1_every)

    def point(self) -> Point:
        """The settings of the next step."""
        return at(self.progress.images, self.options.schedule)

    def step(self, batch: Batch) -> None:
        """Learn from this process's share of a batch; (n, 3, H, W) uint8 and labels."""
        point = self.point()
        torch.manual_seed(step_seed(self.options.seed, self.progress.step, self.world.rank))
        reals = batch.images.to(self.device).float() / 127.5 - 1
        reals = faded(reals, point.lod)
        labels = None if batch.labels is None else batch.labels.to(self.device)
        parts = self._parts(reals, labels)
        self._set_rate(point.rate)
        self._learn_generator(parts, point)
        self._learn_discriminator(parts, point)
        self._average(point)
        self._adjust(point)
        self.progress.images += point.batch
        self.progress.step += 1
        if not self.point().same_phase(point):
            self.adam_g.state.clear()
            self.adam_d.state.clear()

    def _parts(self, reals: Tensor, labels: Tensor | None) -> list[tuple[Tensor, Tensor | None]]:
        """The batch in pieces that are computed at once."""
        size = self.options.batch_gpu or len(reals)
        pieces = reals.split(size)
        marks = [None] * len(pieces) if labels is None else labels.split(size)
        return list(zip(pieces, marks, strict=True))

    def _set_rate(self, rate: float) -> None:
        options = self.options
        every = options.path_every if options.path_length else 1
        for adam, interval in ((self.adam_g, every), (self.adam_d, options.r1_every)):
            share = interval / (interval + 1) if interval > 1 else 1.0
            adam.param_groups[0]["lr"] = rate * share

    def _styles(self, count: int, label: Tensor | None, lod: float) -> Tensor:
        """w for every layer with style mixing: one decision and one cut for all."""
        generator, config = self.generator, self.options.network
        z = torch.randn(count, config.z_dim, device=self.device)
        w = generator.mapping(z, label)
        with torch.no_grad():
            generator.w_avg.lerp_(w.detach().float().mean(0), 1 - self.options.w_decay)
        ws = w[:, None].expand(-1, config.layers, -1)
        used = config.layers - 2 * int(lod)
        if torch.rand(()) < self.options.mixing:
            cut = int(torch.randint(1, used, ()))
            other = generator.mapping(torch.randn_like(z), label)[:, None]
            second = torch.arange(config.layers, device=self.device)[None, :, None] >= cut
            ws = torch.where(second, other, ws)
        return ws

    def _score(self, images: Tensor, label: Tensor | None, lod: float) -> Tensor:
        seen = augment(images, self.progress.p, self.options.augment)
        return self.discriminator(seen, label, lod=lod)

    def _learn_generator(self, parts: list[tuple[Tensor, Tensor | None]], point: Point) -> None:
        self.generator.requires_grad_(True)
        self.discriminator.requires_grad_(False)
        for reals, label in parts:
            ws = self._styles(len(reals), label, point.lod)
            fakes = self.generator.synthesis(ws, lod=point.lod)
            loss = generator_loss(self.options.loss, self._score(fakes, label, point.lod))
            self.stats.add("loss_g", loss)
            loss.mean().div(len(parts)).backward()
        self._apply(self.adam_g, self.generator)
        options = self.options
        if options.path_length and self.progress.step % options.path_every == 0:
            self._regularise_paths(parts, point)

    def _regularise_paths(self, parts: list[tuple[Tensor, Tensor | None]], point: Point) -> None:
        """Path length regularisation on half of the batch (1912.04958, equation 4)."""
        weight = self.options.path_length * self.options.path_every
        for reals, label in parts:
            count = max(1, len(reals) // 2)
            ws = self._styles(count, None if label is None else label[:count], point.lod)
            if not ws.requires_grad:  # a mapping network without layers learns nothing
                ws = ws.detach().requires_grad_(True)
            images = self.generator.synthesis(ws, lod=point.lod)
            penalty, mean = path_length_penalty(images, ws, self.path_mean)
            self.path_mean = total(mean, self.world) / self.world.size
            self.stats.add("path_length", penalty)
            (penalty.mean() * weight / len(parts)).backward()
        self._apply(self.adam_g, self.generator)

    def _learn_discriminator(self, parts: list[tuple[Tensor, Tensor | None]], point: Point) -> None:
        options = self.options
        self.generator.requires_grad_(False)
        self.discriminator.requires_grad_(True)
        lazy = options.r1_every > 1
        for reals, label in parts:
            loss = self._compare(reals, label, point)
            if not lazy:
                loss = loss + self._penalty(reals, label, point)
            loss.mean().div(len(parts)).backward()
        self._apply(self.adam_d, self.discriminator)
        if lazy and options.gamma and self.progress.step % options.r1_every == 0:
            for reals, label in parts:
                penalty = self._penalty(reals, label, point) * options.r1_every
                penalty.mean().div(len(parts)).backward()
            self._apply(self.adam_d, self.discriminator)

    def _compare(self, reals: Tensor, label: Tensor | None, point: Point) -> Tensor:
        """D's loss on reals and new fakes."""
        with torch.no_grad():
            ws = self._styles(len(reals), label, point.lod)
            fakes = self.generator.synthesis(ws, lod=point.lod)
        fake = self._score(fakes, label, point.lod)
        real = self._score(reals, label, point.lod)
        self.progress.sign_sum += float(real.detach().sign().sum())
        self.progress.sign_count += len(real)
        loss = discriminator_loss(self.options.loss, real, fake)
        self.stats.add("loss_d", loss)
        self.stats.add("score_real", real)
        self.stats.add("score_fake", fake)
        self.stats.add("sign_real", real.detach().sign())
        if self.options.loss == "wgan-gp":
            loss = loss + gradient_penalty(lambda x: self._score(x, label, point.lod), reals, fakes)
        return loss

    def _penalty(self, reals: Tensor, label: Tensor | None, point: Point) -> Tensor:
        """R1, or nothing with WGAN-GP, which has a penalty of its own."""
        if self.options.loss == "wgan-gp":
            return torch.zeros(len(reals), device=self.device)
        score = lambda x: self._score(x, label, point.lod)  # noqa: E731
        penalty = r1_penalty(score, reals, self.options.gamma)
        self.stats.add("r1", penalty)
        return penalty

    def _apply(self, adam: torch.optim.Adam, network: nn.Module) -> None:
        """One step of the optimiser with the gradients of all processes."""
        used = [p for p in network.parameters() if p.grad is not None]
        share_gradients(used, self.world)
        if self.options.precision == "fp16":
            for parameter in used:
                torch.nan_to_num(parameter.grad, 0.0, 1e5, -1e5, out=parameter.grad)
        adam.step()
        adam.zero_grad(set_to_none=True)

    @torch.no_grad()
    def _average(self, point: Point) -> None:
        """Move the averaged generator: half-life of `ema_kimg` (1710.10196)."""
        half_life = self.options.ema_kimg * 1000
        if self.options.ema_ramp is not None:
            half_life = min(half_life, self.progress.images * self.options.ema_ramp)
        share = 0.5 ** (point.batch / max(half_life, 1e-8))
        pairs = zip(self.ema.parameters(), self.generator.parameters(), strict=True)
        for mine, theirs in pairs:
            mine.copy_(theirs.lerp(mine, share))
        for mine, theirs in zip(self.ema.buffers(), self.generator.buffers(), strict=True):
            mine.copy_(theirs)

    def _adjust(self, point: Point) -> None:
        """Steer p (2006.06676, section 3)."""
        options, progress = self.options, self.progress
        every = options.augment.interval
        if options.aug != "ada":
            progress.sign_sum = progress.sign_count = 0.0
        elif (progress.step + 1) % every == 0:
            sums = torch.tensor([progress.sign_sum, progress.sign_count], dtype=torch.float64)
            sign_sum, count = total(sums.to(self.device), self.world).tolist()
            progress.p = adjusted(progress.p, sign_sum / count, every * point.batch, options.augment)
            progress.sign_sum = progress.sign_count = 0.0
