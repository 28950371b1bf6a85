"""How long a training will take: a few steps measured, the rest reckoned by what each size costs."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from .batches import Batch
from .costs import relative_cost, remaining_cost
from .distributed import World
from .options import TrainOptions
from .stepper import Stepper
from .ticks import cpu_gigabytes, gpu_gigabytes

V100_DAYS = {  # 25,000 kimg, configuration F of version 1, from the published code's page
    1024: (41.17, 6.58),
    512: (24.88, 4.42),
    256: (14.92, 3.33),
}
"""Days on one and on eight V100 by resolution."""
V100_ADA = {128: 12.8, 256: 21.6, 512: 72.5, 1024: 154.0}
"""Seconds a kimg on one V100, version 2 with ADA, by resolution."""
A100_LATER = {128: 6.8, 256: 12.5, 512: 41.0, 1024: 90.0}
"""The same on one A100 with later code."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What was measured, and what follows from it."""

    seconds_per_kimg: float
    """At full size."""
    steps: int
    """Steps that were measured."""
    total_seconds: float
    """Of the whole training."""
    gigabytes: float
    """Largest memory, of the GPU where there is one."""


def measure(options: TrainOptions, device: torch.device, seconds: float = 20.0) -> Estimate:
    """Time steps at full size for about so many seconds, on random pictures; the first one does not count.

    The measured steps hold the share of lazy regularisation that is due to them when 16 or more fit.
    """
    stepper = Stepper(options, device, World())
    if options.schedule.growing:
        stepper.progress.images = round(options.kimg * 1000) + 10**9
    point = stepper.point()
    size = options.network.resolution
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (point.batch, 3, size, size), generator=generator)
    labels = None
    if options.network.classes:
        labels = torch.nn.functional.one_hot(
            torch.zeros(point.batch, dtype=torch.int64), options.network.classes
        ).float()
    batch = Batch(images.to(torch.uint8), labels)
    steps, spent = _timed(stepper, batch, device, seconds)
    per_image = spent / (steps * point.batch)
    memory = gpu_gigabytes(device) or cpu_gigabytes()
    work = remaining_cost(options.network, options.schedule, 0, round(options.kimg * 1000))
    total = per_image * work / relative_cost(options.network, size)
    return Estimate(per_image * 1000, steps, total, memory)


def _timed(
    stepper: Stepper, batch: Batch, device: torch.device, seconds: float
) -> tuple[int, float]:
    stepper.step(batch)
    _settle(device)
    began, steps = time.perf_counter(), 0
    while steps < 2 or (time.perf_counter() - began < seconds and steps < 64):
        stepper.step(batch)
        _settle(device)
        steps += 1
    return steps, time.perf_counter() - began


def _settle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
