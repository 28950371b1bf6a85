"""The reconstructing network: a small picture and a style of it, through StyleGAN2's blocks, to a picture of full size.

StyleGAN2 (Karras et al. 2020, arXiv 1912.04958) begins with a constant; here it begins with maps of the photograph at
the bottleneck's size, as generators for enlarging do (Chan et al. 2021, arXiv 2012.00739). Everything above it, where a
generator's traces arise, is StyleGAN2: modulated and demodulated convolutions, the filter after zero insertion, noise,
colours by skips.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks import NetworkConfig
from ..networks.common import SQRT2, EqualizedConv, EqualizedLinear, halve
from ..networks.stylegan2 import Block


@dataclass(frozen=True, slots=True)
class ReconstructConfig:
    """The network, and how it learns."""

    resolution: int = 256
    """Side of the pictures, a power of two."""
    factor: int = 4
    """The bottleneck's side is the resolution over this power of two."""
    fmap_base: int = 2048
    """Feature maps at side s are 2 fmap_base / s …"""
    fmap_max: int = 128
    """… and at most so many."""
    w_dim: int = 128
    """Length of the style."""
    crop: int = 128
    """Side of the squares that it learns from."""
    batch: int = 8
    """Squares a step."""
    rate: float = 0.002
    """Adam's learning rate, of both networks."""
    gamma: float = 2.0
    """Weight of R1."""
    r1_every: int = 16
    """Steps between two of R1."""
    consistency: float = 10.0
    """Weight of the mean difference from the photograph at the bottleneck's size, in [-1, 1] …"""
    likeness: float = 1.0
    """… and at full size."""
    ema: float = 0.995
    """Decay of the averaged network a step."""
    seed: int = 0
    """Seed of weights, squares and noise."""

    def __post_init__(self) -> None:
        """Raises ValueError for sizes that do not fit each other."""
        sizes = ("resolution", self.resolution, 16), ("crop", self.crop, 8), ("factor", self.factor, 2)
        for name, side, least in sizes:
            if side < least or side & (side - 1):
                raise ValueError(f"Argument `{name}` is expected to be a power of two from {least} on but got {side}")
        if self.crop > self.resolution or self.crop < 4 * self.factor:
            raise ValueError("the squares lie between four times the factor and the resolution")

    def _shape(self, side: int) -> NetworkConfig:
        # The maps of a square are those of its place in the whole picture.
        base = self.fmap_base * side // self.resolution
        return NetworkConfig(
            resolution=side, z_dim=self.w_dim, w_dim=self.w_dim, fmap_base=max(base, 1), fmap_max=self.fmap_max
        )

    @property
    def bottleneck(self) -> int:
        """Its side in pixels."""
        return self.resolution // self.factor

    @property
    def adversary(self) -> NetworkConfig:
        """Shape of the discriminator, which sees squares."""
        return self._shape(self.crop)

    @property
    def network(self) -> NetworkConfig:
        """Shape of the blocks."""
        return self._shape(self.resolution)


class Reconstructor(nn.Module):
    """Pictures (N, 3, h, w) about [-1, 1] at the bottleneck's size to `factor` times both sides."""

    def __init__(self, config: ReconstructConfig) -> None:
        super().__init__()
        shape, side = config.network, config.bottleneck
        maps = shape.maps(side)
        self.stem = nn.ModuleList([EqualizedConv(3, maps, 3), EqualizedConv(maps, maps, 3)])
        self.look = nn.ModuleList(EqualizedConv(maps, maps, 3) for _ in range(2))
        self.style = EqualizedLinear(maps, config.w_dim)
        sides = [side * 2**k for k in range(1, config.factor.bit_length())]
        self.blocks = nn.ModuleList(Block(shape, s) for s in sides)

    def forward(self, low: Tensor, draw: torch.Generator | None = None) -> Tensor:
        """`draw` gives the noise of every layer; torch's own numbers where it is None."""
        x = low
        for conv in self.stem:
            x = functional.leaky_relu(conv(x), 0.2) * SQRT2
        y = x
        for conv in self.look:
            y = functional.leaky_relu(conv(halve(y)), 0.2) * SQRT2
        w = functional.leaky_relu(self.style(y.mean((2, 3))), 0.2) * SQRT2
        image = low
        for block in self.blocks:
            shape = (len(low), 1, 2 * x.shape[2], 2 * x.shape[3])
            noise = [torch.randn(shape, generator=draw, device=low.device) for _ in block.layers]
            x, image = block(x, image, w[:, None].expand(-1, len(block.layers) + 1, -1), noise)
        return image
