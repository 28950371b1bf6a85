"""StyleGAN's discriminator: that of Progressive GAN with blurred downsampling (arXiv 1812.04948)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .common import SQRT2, EqualizedConv, EqualizedLinear, add_spread, filter_kernel, fir, halve
from .config import NetworkConfig
from .stylegan1 import FUSED_FROM, down_convolution


class Block(nn.Module):
    """Two convolutions at one resolution, the second of which halves it."""

    def __init__(self, config: NetworkConfig, side: int) -> None:
        super().__init__()
        maps, after = config.maps(side), config.maps(side // 2)
        self.side, self.smooth = side, config.smooth
        self.rgb = EqualizedConv(config.channels, maps, 1, gain=SQRT2)
        self.conv = EqualizedConv(maps, maps, 3, gain=SQRT2)
        self.down = EqualizedConv(maps, after, 3, gain=SQRT2)
        self.register_buffer("kernel", filter_kernel((1, 2, 1)), persistent=False)
        self.dtype = torch.float32

    def enter(self, image: Tensor) -> Tensor:
        """From colours to feature maps."""
        return functional.leaky_relu(self.rgb(image.to(self.dtype, memory_format=torch.channels_last)), 0.2)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.leaky_relu(self.conv(x.to(self.dtype)), 0.2)
        x = fir(x, self.kernel, (1, 1)) if self.smooth else x
        x = down_convolution(x, self.down.scaled(x.dtype), fused=self.side >= FUSED_FROM)
        bias = self.down.shift(x.dtype)
        return functional.leaky_relu(x + bias[:, None, None], 0.2)


class Head(nn.Module):
    """4 x 4 maps to one number a picture (the class's own, where there are classes)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        maps = config.maps(4)
        self.rgb = EqualizedConv(config.channels, maps, 1, gain=SQRT2)
        self.conv = EqualizedConv(maps + 1, maps, 3, gain=SQRT2)
        self.dense = EqualizedLinear(maps * 16, config.maps(2), gain=SQRT2)
        self.out = EqualizedLinear(config.maps(2), max(config.classes, 1))

    def enter(self, image: Tensor) -> Tensor:
        """From colours to feature maps."""
        return functional.leaky_relu(self.rgb(image), 0.2)

    def forward(self, x: Tensor, label: Tensor | None) -> Tensor:
        x = functional.leaky_relu(self.conv(add_spread(x)), 0.2)
        x = self.out(functional.leaky_relu(self.dense(x.flatten(1)), 0.2))
        return x[:, 0] if label is None else (x * label).sum(1)


class Discriminator(nn.Module):
    """Pictures (N, 3, H, W) of the resolution at `lod` to scores (N,)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.blocks = nn.ModuleList(Block(config, 2**k) for k in range(config.log2, 2, -1))
        self.head = Head(config)

    def set_half(self, dtype: torch.dtype, blocks: int = 4) -> None:
        """Let the first `blocks` blocks compute in `dtype`."""
        for block in self.blocks[:blocks]:
            block.dtype = dtype

    def forward(self, image: Tensor, label: Tensor | None = None, *, lod: float = 0.0) -> Tensor:
        first, fade = math.floor(lod), lod - math.floor(lod)
        parts = [*self.blocks, self.head]
        x = parts[first].enter(image)
        for number, block in enumerate(self.blocks[first:], first):
            x = block(x)
            if number == first and fade:
                older = parts[first + 1].enter(halve(image))
                x = torch.lerp(x.float(), older.float(), fade)
        return self.head(x.float(), label if self.config.classes else None)
