"""What a step looks like after so many pictures: resolution and fade, minibatch, learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

PUBLISHED_RATES = {128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}
"""Version 1's learning rates by resolution; 0.001 below (1812.04948, appendix C)."""
PUBLISHED_BATCHES = {4: 128, 8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4, 1024: 4}
"""Version 1's minibatches by resolution on one GPU."""
PUBLISHED_BATCHES_8 = {4: 512, 8: 256, 16: 128, 32: 64}
"""The same on eight; 32 from 64 pixels on."""


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    """How training proceeds."""

    resolution: int = 256
    """Final side in pixels."""
    growing: bool = False
    """Begin small and double."""
    first: int = 8
    """Side to begin with."""
    stable_kimg: float = 600.0
    """Thousands of pictures at each side."""
    fade_kimg: float = 600.0
    """Thousands of pictures from one side to the next."""
    rate: float | None = None
    """Learning rate; None: PUBLISHED_RATES."""
    batch: int | None = 32
    """Pictures a step; None: as published for so many processes."""
    processes: int = 1
    """GPUs that share a batch."""


@dataclass(frozen=True, slots=True)
class Point:
    """One step's settings."""

    lod: float
    """Halvings that are left to the full side; a fraction is a fade."""
    side: int
    """Side of the pictures at this step."""
    rate: float
    """Learning rate."""
    batch: int
    """Pictures a step over all processes."""

    def same_phase(self, other: Point) -> bool:
        """Whether no layers were added or settled between the two: else Adam's moments begin anew."""
        mine = (math.floor(self.lod), math.ceil(self.lod))
        return mine == (math.floor(other.lod), math.ceil(other.lod))


def lod_at(kimg: float, config: ScheduleConfig) -> float:
    """Falls by one over every fade, from the first side to the full one."""
    if not config.growing:
        return 0.0
    first = math.log2(config.resolution / config.first)
    phase, rest = divmod(kimg, config.stable_kimg + config.fade_kimg)
    faded = max(rest - config.stable_kimg, 0.0) / config.fade_kimg if config.fade_kimg else 0.0
    return max(first - phase - faded, 0.0)


def published_batch(side: int, processes: int) -> int:
    """Version 1's minibatch; between the published numbers of GPUs at least four pictures each."""
    if processes == 8:
        return PUBLISHED_BATCHES_8.get(side, 32)
    least = max(PUBLISHED_BATCHES[side], 4 * processes if processes > 1 else 1)
    return -(-least // processes) * processes


def at(images: int, config: ScheduleConfig) -> Point:
    """The settings after `images` pictures."""
    lod = lod_at(images / 1000, config)
    side = config.resolution >> math.floor(lod)
    rate = PUBLISHED_RATES.get(side, 0.001) if config.rate is None else config.rate
    batch = published_batch(side, config.processes) if config.batch is None else config.batch
    return Point(lod, side, rate, batch)
