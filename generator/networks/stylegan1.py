"""StyleGAN's generator (Karras et al. 2019, arXiv 1812.04948), configurations A to F, with progressive growing.

`lod` is the number of halvings that are left to the full resolution: 0 is full size, a fraction is a fade.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .common import (
    SQRT2,
    EqualizedConv,
    EqualizedLinear,
    double,
    filter_kernel,
    fir,
    noise_for,
    normalise,
)
from .config import NetworkConfig

FUSED_FROM = 128
"""Side from which up- and down-convolutions are one operation, as published."""


def shifted_sum(kernel: Tensor) -> Tensor:
    """(…, 3, 3) to (…, 4, 4): the sum of the kernel's four shifts by one pixel."""
    padded = functional.pad(kernel, (1, 1, 1, 1))
    top, left = padded[..., 1:, :], padded[..., :-1, :]
    return top[..., 1:] + top[..., :-1] + left[..., 1:] + left[..., :-1]


def up_convolution(x: Tensor, kernel: Tensor, *, fused: bool) -> Tensor:
    """Pixels doubled and convolved; fused: the same as one transposed convolution."""
    if not fused:
        return functional.conv2d(double(x), kernel, padding=1)
    weight = shifted_sum(kernel.flip(2, 3)).transpose(0, 1)
    return functional.conv_transpose2d(x, weight, stride=2, padding=1)


def down_convolution(x: Tensor, kernel: Tensor, *, fused: bool) -> Tensor:
    """Convolved and halved by means; fused: the same as one strided convolution."""
    if not fused:
        return functional.avg_pool2d(functional.conv2d(x, kernel, padding=1), 2)
    return functional.conv2d(x, shifted_sum(kernel) / 4, stride=2, padding=1)


def adain(x: Tensor, style: Tensor, epsilon: float = 1e-8) -> Tensor:
    """Adaptive instance normalisation (equation 1): style is (N, 2C), scales less one first."""
    scale, shift = style.to(x.dtype).reshape(x.shape[0], 2, -1, 1, 1).unbind(1)
    x = x - x.mean((2, 3), keepdim=True)
    x = x * (x.square().mean((2, 3), keepdim=True) + epsilon).rsqrt()
    return x * (scale + 1) + shift


class Epilogue(nn.Module):
    """What follows a convolution: noise, bias, leaky ReLU, instance norm and style, or pixel norm."""

    def __init__(self, config: NetworkConfig, maps: int, side: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(maps))
        self.strength = nn.Parameter(torch.zeros(maps)) if config.noise else None
        if config.noise:
            self.register_buffer("stored", torch.randn(side, side))
        self.style = EqualizedLinear(config.w_dim, 2 * maps) if config.styles else None

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        if self.strength is not None and noise is not None:
            x = x + noise * self.strength.to(x.dtype)[:, None, None]
        x = functional.leaky_relu(x + self.bias.to(x.dtype)[:, None, None], 0.2)
        return normalise(x) if self.style is None else adain(x, self.style(w))


class Start(nn.Module):
    """The 4 x 4 beginning: a learned constant of ones, or a dense layer on the latent vector."""

    def __init__(self, config: NetworkConfig, maps: int) -> None:
        super().__init__()
        self.maps = maps
        self.learned = config.constant
        if config.constant:
            self.constant = nn.Parameter(torch.ones(1, maps, 4, 4))
        else:
            self.dense = EqualizedLinear(config.w_dim, maps * 16, gain=SQRT2 / 4)
            self.dense.bias = None  # the epilogue has it

    def forward(self, w: Tensor) -> Tensor:
        if self.learned:
            return self.constant.expand(w.shape[0], -1, -1, -1)
        dense = functional.linear(w, self.dense.weight * self.dense.coefficient)
        return dense.reshape(w.shape[0], self.maps, 4, 4)


class Block(nn.Module):
    """Two layers at one resolution; the first doubles the size, except at 4 x 4."""

    def __init__(self, config: NetworkConfig, side: int) -> None:
        super().__init__()
        maps, before = config.maps(side), config.maps(side // 2)
        self.side, self.smooth, self.first = side, config.smooth, side == 4
        self.begin = Start(config, maps) if self.first else None
        self.up = None if self.first else EqualizedConv(before, maps, 3, gain=SQRT2, bias=False)
        self.conv = EqualizedConv(maps, maps, 3, gain=SQRT2, bias=False)
        self.ends = nn.ModuleList(Epilogue(config, maps, side) for _ in range(2))
        self.rgb = EqualizedConv(maps, config.channels, 1)
        self.register_buffer("kernel", filter_kernel((1, 2, 1)), persistent=False)
        self.dtype = torch.float32

    def grow(self, x: Tensor | None, w: Tensor) -> Tensor:
        """The first layer without its epilogue."""
        if self.begin is not None:
            return self.begin(w)
        if x is None or self.up is None:
            raise ValueError("Argument `x` is expected to be given above 4 x 4")
        x = up_convolution(x, self.up.scaled(x.dtype), fused=self.side >= FUSED_FROM)
        return fir(x, self.kernel, (1, 1)) if self.smooth else x

    def forward(self, x: Tensor | None, w: Tensor, noise: Sequence[Tensor | None]) -> Tensor:
        """w is (N, 2, w_dim)."""
        x = x if x is None else x.to(self.dtype, memory_format=torch.channels_last)
        x = self.ends[0](self.grow(x, w[:, 0]), w[:, 0], noise[0])
        return self.ends[1](self.conv(x), w[:, 1], noise[1])

    def noise(self, mode: str, given: Sequence[Tensor] | None, count: int) -> list[Tensor | None]:
        """Noise of both layers."""
        if self.ends[0].strength is None:
            return [None, None]
        if given is not None:
            return [map_.to(self.dtype) for map_ in given]
        like = self.rgb.weight.new_empty((), dtype=self.dtype)
        return [noise_for(mode, end.stored, count, like) for end in self.ends]


class Synthesis(nn.Module):
    """w (N, layers, w_dim) to pictures (N, 3, H, W), where H is the resolution over 2^floor(lod)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.blocks = nn.ModuleList(Block(config, 2**k) for k in range(2, config.log2 + 1))

    def set_half(self, dtype: torch.dtype, blocks: int = 4) -> None:
        """Let the last `blocks` blocks compute in `dtype`."""
        for block in self.blocks[max(1, len(self.blocks) - blocks) :]:
            block.dtype = dtype

    def noise_shapes(self) -> list[int]:
        """Side of every noise map in the order of the layers; empty without noise."""
        return [b.side for b in self.blocks for _ in range(2)] if self.config.noise else []

    def forward(
        self,
        ws: Tensor,
        noise: str = "random",
        *,
        lod: float = 0.0,
        maps: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """`maps` replaces the noise: one (N or 1, 1, side, side) a layer."""
        last = len(self.blocks) - 1 - math.floor(lod)
        fade = lod - math.floor(lod)
        x, older = None, None
        for number, block in enumerate(self.blocks[: last + 1]):
            given = maps[2 * number : 2 * number + 2] if maps else None
            x = block(x, ws[:, 2 * number : 2 * number + 2], block.noise(noise, given, ws.shape[0]))
            if number == last - 1 and fade:
                older = double(block.rgb(x).float())
        image = self.blocks[last].rgb(x).float()
        return image if older is None else torch.lerp(image, older, fade)
