"""Adaptive discriminator augmentation (Karras et al. 2020, arXiv 2006.06676): the pipe `bgc` and its probability.

Pixel blitting, geometry and colour, each applied with probability p to reals and fakes alike, differentiable.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from .augment_config import AugmentConfig
from .grid_sample import sample

SYM6 = (
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633,
    0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252,
    -0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148,
)  # fmt: skip
"""Low-pass filter of the symlet with six vanishing moments."""
EDGE = 3
"""Pixels around the picture that the filters reach."""


def adjusted(p: float, mean_sign: float, images: int, config: AugmentConfig) -> float:
    """p after `images` more pictures: up when D is too sure of reals, else down, never below 0."""
    step = math.copysign(1.0, mean_sign - config.target) if mean_sign != config.target else 0.0
    return max(p + step * images / (config.ramp_kimg * 1000), 0.0)


def _matrices(count: int, size: int, device: torch.device) -> Tensor:
    return torch.eye(size, device=device).repeat(count, 1, 1)


class Dice:
    """Random numbers for one batch, with the chance that anything happens at all."""

    def __init__(self, count: int, p: float, device: torch.device) -> None:
        self.count, self.p, self.device = count, p, device

    def keep(self, value: Tensor, neutral: float, p: float | None = None) -> Tensor:
        """`value` with probability p, else what changes nothing."""
        chance = self.p if p is None else p
        hit = torch.rand(self.count, device=self.device) < chance
        return torch.where(hit, value, torch.full_like(value, neutral))

    def uniform(self) -> Tensor:
        """In [-1, 1)."""
        return torch.rand(self.count, device=self.device) * 2 - 1

    def normal(self) -> Tensor:
        """N(0, 1)."""
        return torch.randn(self.count, device=self.device)

    def whole(self, high: int) -> Tensor:
        """0 to high - 1."""
        return torch.randint(high, (self.count,), device=self.device).float()


def _scaling(x: Tensor, y: Tensor) -> Tensor:
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    return torch.stack([x, zero, zero, zero, y, zero, zero, zero, one], 1).reshape(-1, 3, 3)


def _rotation(angle: Tensor) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    one, zero = torch.ones_like(cos), torch.zeros_like(cos)
    return torch.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], 1).reshape(-1, 3, 3)


def _translation(x: Tensor, y: Tensor) -> Tensor:
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    return torch.stack([one, zero, x, zero, one, y, zero, zero, one], 1).reshape(-1, 3, 3)


def geometry(dice: Dice, side: int, config: AugmentConfig) -> Tensor:
    """(N, 3, 3) from places of the augmented picture to the original, in pixels from the centre."""
    flip = dice.keep(1 - 2 * dice.whole(2), 1.0)
    matrix = _scaling(flip, torch.ones_like(flip))
    matrix = matrix @ _rotation(dice.keep(dice.whole(4), 0.0) * (math.pi / 2))
    moved = torch.rand(dice.count, device=dice.device) < dice.p
    shifts = [torch.round(dice.uniform() * config.shift * side) * moved for _ in range(2)]
    matrix = matrix @ _translation(*shifts)
    size = dice.keep(torch.exp2(dice.normal() * config.scale), 1.0)
    matrix = matrix @ _scaling(1 / size, 1 / size)
    chance = 1 - math.sqrt(1 - min(max(dice.p, 0.0), 1.0))  # so that either rotation happens with p
    matrix = matrix @ _rotation(dice.keep(dice.uniform() * math.pi, 0.0, chance))
    ratio = dice.keep(torch.exp2(dice.normal() * config.scale), 1.0)
    matrix = matrix @ _scaling(1 / ratio, ratio)
    matrix = matrix @ _rotation(dice.keep(dice.uniform() * math.pi, 0.0, chance))
    moved = torch.rand(dice.count, device=dice.device) < dice.p
    shifts = [dice.normal() * config.shift * side * moved for _ in range(2)]
    return matrix @ _translation(*shifts)


def colour(dice: Dice, config: AugmentConfig) -> Tensor:
    """(N, 4, 4) on homogeneous RGB."""
    device = dice.device
    matrix = _matrices(dice.count, 4, device)
    matrix[:, :3, 3] = dice.keep(dice.normal() * config.brightness, 0.0)[:, None]
    contrast = dice.keep(torch.exp2(dice.normal() * config.contrast), 1.0)
    matrix = _homogeneous(torch.eye(3, device=device) * contrast[:, None, None]) @ matrix
    axis = torch.full((3,), 1 / math.sqrt(3), device=device)
    luma = torch.outer(axis, axis)
    flip = dice.keep(dice.whole(2), 0.0)[:, None, None]
    matrix = _homogeneous(torch.eye(3, device=device) - 2 * luma * flip) @ matrix
    angle = dice.keep(dice.uniform() * math.pi, 0.0)
    matrix = _homogeneous(_turn(axis, angle)) @ matrix
    factor = dice.keep(torch.exp2(dice.normal() * config.saturation), 1.0)[:, None, None]
    return _homogeneous(luma + (torch.eye(3, device=device) - luma) * factor) @ matrix


def _homogeneous(linear: Tensor) -> Tensor:
    matrix = _matrices(len(linear), 4, linear.device)
    matrix[:, :3, :3] = linear
    return matrix


def _turn(axis: Tensor, angle: Tensor) -> Tensor:
    """Rotation about an axis (Rodrigues)."""
    x, y, z = axis.tolist()
    cross = torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]], device=axis.device)
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    return (
        cos * torch.eye(3, device=axis.device)
        + sin * cross
        + (1 - cos) * torch.outer(axis, axis)
    )


def _filtered(x: Tensor, *, up: bool) -> Tensor:
    """Twice or half the size through the wavelet's low-pass, axis by axis; each undoes the other's shift."""
    taps = torch.tensor(SYM6, device=x.device, dtype=x.dtype)
    taps = taps / taps.sum()
    channels, length = x.shape[1], len(SYM6)
    for shape, stride, pad in (((length, 1), (2, 1), (5, 0)), ((1, length), (1, 2), (0, 5))):
        weight = taps.reshape(1, 1, *shape).expand(channels, 1, *shape)
        if up:
            x = functional.conv_transpose2d(x, weight * 2, stride=stride, padding=pad, groups=channels)
        else:
            x = functional.conv2d(x, weight, stride=stride, groups=channels)
    return x


def warp(images: Tensor, matrix: Tensor) -> Tensor:
    """Pictures resampled: mirrored at the border, twice the size, sampled, and halved again."""
    side = images.shape[-1]
    half = side / 2
    corners = torch.tensor(
        [[-half, -half, 1], [half, -half, 1], [half, half, 1], [-half, half, 1]],
        device=images.device,
    )
    reach = (matrix[:, :2] @ corners.t()).abs().amax().item()
    margin = min(max(math.ceil(reach - half) + 2 * EDGE, 0), side - 1)
    x = _filtered(functional.pad(images, (margin,) * 4, mode="reflect"), up=True)
    steps = 2 * (side + 2 * EDGE)
    line = (torch.arange(steps, device=images.device) + 0.5) / 2 - steps / 4
    y_axis, x_axis = torch.meshgrid(line, line, indexing="ij")
    places = torch.stack([x_axis, y_axis, torch.ones_like(x_axis)], -1)  # (h, w, 3)
    grid = torch.einsum("nij,hwj->nhwi", matrix[:, :2], places) / (half + margin)
    x = sample(x, grid)
    return _filtered(x[:, :, 1:-1, 1:-1], up=False)


def augment(images: Tensor, p: float, config: AugmentConfig | None = None) -> Tensor:
    """Pictures (N, 3, H, W) through the whole pipe; unchanged for p = 0."""
    if p <= 0:
        return images
    config = config or AugmentConfig()
    dice = Dice(len(images), p, images.device)
    images = warp(images, geometry(dice, images.shape[-1], config))
    matrix = colour(dice, config)
    flat = matrix[:, :3, :3] @ images.flatten(2) + matrix[:, :3, 3:]
    return flat.reshape(images.shape)
