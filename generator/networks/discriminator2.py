"""StyleGAN2's residual discriminator (arXiv 1912.04958)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .common import (
    SQRT2,
    EqualizedConv,
    EqualizedLinear,
    add_spread,
    downsample,
    filter_kernel,
    fir,
)
from .config import NetworkConfig
from .stylegan2 import FILTER


def _activate(x: Tensor) -> Tensor:
    x = functional.leaky_relu(x, 0.2) * SQRT2
    return x if x.dtype == torch.float32 else x.clamp(-256, 256)


class Block(nn.Module):
    """Residual block that halves the size: (x + skip) / sqrt 2."""

    def __init__(self, config: NetworkConfig, side: int) -> None:
        super().__init__()
        maps, after = config.maps(side), config.maps(side // 2)
        self.conv = EqualizedConv(maps, maps, 3)
        self.down = EqualizedConv(maps, after, 3)
        self.skip = EqualizedConv(maps, after, 1, bias=False)
        self.register_buffer("kernel", filter_kernel(FILTER), persistent=False)
        self.dtype = torch.float32

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.dtype)
        skip = self.skip(downsample(x, self.kernel))
        x = fir(_activate(self.conv(x)), self.kernel, (2, 2))
        x = functional.conv2d(x, self.down.scaled(x.dtype), self.down.shift(x.dtype), stride=2)
        return (_activate(x) + skip) / math.sqrt(2)


class Discriminator(nn.Module):
    """Pictures (N, 3, H, W) to scores (N,); with classes, the score of the picture's class."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.rgb = EqualizedConv(config.channels, config.maps(config.resolution), 1)
        self.blocks = nn.ModuleList(Block(config, 2**k) for k in range(config.log2, 2, -1))
        maps = config.maps(4)
        self.conv = EqualizedConv(maps + 1, maps, 3)
        self.dense = EqualizedLinear(maps * 16, maps)
        self.out = EqualizedLinear(maps, max(config.classes, 1))

    def set_half(self, dtype: torch.dtype, blocks: int = 4) -> None:
        """Let the first `blocks` blocks compute in `dtype`."""
        for block in self.blocks[:blocks]:
            block.dtype = dtype

    def forward(self, image: Tensor, label: Tensor | None = None, *, lod: float = 0.0) -> Tensor:
        if lod:
            raise ValueError(f"Argument `lod` is expected to be 0 for version 2 but got {lod}")
        x = image.to(self.blocks[0].dtype, memory_format=torch.channels_last)
        x = _activate(self.rgb(x))
        for block in self.blocks:
            x = block(x)
        x = _activate(self.conv(add_spread(x.float())))
        x = self.out(_activate(self.dense(x.flatten(1))))
        if not self.config.classes:
            return x[:, 0]
        if label is None:
            raise ValueError("Argument `label` is expected to be given for a network with classes")
        return (x * label).sum(1)
