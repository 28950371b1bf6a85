"""StyleGAN2's skip generator with weight demodulation (Karras et al. 2020, arXiv 1912.04958)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .common import SQRT2, EqualizedLinear, filter_kernel, fir, noise_for, upsample
from .config import NetworkConfig

FILTER = (1.0, 3.0, 3.0, 1.0)


def modulated_conv(
    x: Tensor,
    weight: Tensor,
    style: Tensor,
    *,
    demodulate: bool = True,
    up_kernel: Tensor | None = None,
) -> Tensor:
    """Convolution whose input maps are scaled by `style` (N, in) and whose outputs are scaled back.

    Equations 1 and 3, with the scaling moved from the weights to the maps. With `up_kernel` the size doubles.
    """
    if x.dtype == torch.float16 and demodulate:  # equal up to the epsilon, and no sum overflows
        style = style / style.abs().amax(1, keepdim=True).clamp_min(1e-8)
        largest = weight.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-8)
        weight = weight / (largest * math.sqrt(weight[0].numel()))
    kernel = weight.to(x.dtype)
    y = x * style.to(x.dtype)[:, :, None, None]
    if up_kernel is None:
        y = functional.conv2d(y, kernel, padding=weight.shape[-1] // 2)
    else:
        y = functional.conv_transpose2d(y, kernel.transpose(0, 1), stride=2)
        y = fir(y, up_kernel, (1, 1), gain=4.0)
    if demodulate:
        energy = style.float().square() @ weight.float().square().sum((2, 3)).t()  # (N, out)
        y = y * (energy + 1e-8).rsqrt().to(y.dtype)[:, :, None, None]
    return y


class Layer(nn.Module):
    """Modulated convolution, noise of one learned strength, bias, leaky ReLU."""

    def __init__(self, config: NetworkConfig, inputs: int, side: int, *, up: bool = False) -> None:
        super().__init__()
        maps = config.maps(side)
        self.side, self.up = side, up
        self.affine = EqualizedLinear(config.w_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(maps, inputs, 3, 3))
        self.coefficient = 1 / math.sqrt(inputs * 9)
        self.bias = nn.Parameter(torch.zeros(maps))
        self.strength = nn.Parameter(torch.zeros(())) if config.noise else None
        if config.noise:
            self.register_buffer("stored", torch.randn(side, side))
        self.register_buffer("kernel", filter_kernel(FILTER), persistent=False)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        up = self.kernel if self.up else None
        x = modulated_conv(x, self.weight * self.coefficient, self.affine(w), up_kernel=up)
        if self.strength is not None and noise is not None:
            x = x + noise * self.strength.to(x.dtype)
        x = functional.leaky_relu(x + self.bias.to(x.dtype)[:, None, None], 0.2) * SQRT2
        return x if x.dtype == torch.float32 else x.clamp(-256, 256)

    def noise(self, mode: str, count: int, like: Tensor) -> Tensor | None:
        """The layer's noise map."""
        return None if self.strength is None else noise_for(mode, self.stored, count, like)


class ToRGB(nn.Module):
    """Modulated 1 x 1 convolution to colours, not demodulated."""

    def __init__(self, config: NetworkConfig, maps: int) -> None:
        super().__init__()
        self.affine = EqualizedLinear(config.w_dim, maps, bias=1.0)
        self.weight = nn.Parameter(torch.randn(config.channels, maps, 1, 1))
        self.bias = nn.Parameter(torch.zeros(config.channels))
        self.coefficient = 1 / math.sqrt(maps)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.affine(w) * self.coefficient
        y = modulated_conv(x, self.weight, style, demodulate=False)
        return y.float() + self.bias[:, None, None]


class Block(nn.Module):
    """The layers at one resolution: one at 4 x 4, two above it, and their colours."""

    def __init__(self, config: NetworkConfig, side: int) -> None:
        super().__init__()
        maps = config.maps(side)
        self.side, self.first = side, side == 4
        if self.first:
            self.constant = nn.Parameter(torch.randn(maps, 4, 4))
            self.layers = nn.ModuleList([Layer(config, maps, side)])
        else:
            up = Layer(config, config.maps(side // 2), side, up=True)
            self.layers = nn.ModuleList([up, Layer(config, maps, side)])
        self.rgb = ToRGB(config, maps)
        self.register_buffer("kernel", filter_kernel(FILTER), persistent=False)
        self.dtype = torch.float32

    def forward(
        self, x: Tensor | None, image: Tensor | None, w: Tensor, noise: Sequence[Tensor | None]
    ) -> tuple[Tensor, Tensor]:
        """w is (N, layers + 1, w_dim): the last one is for the colours."""
        x = self.constant.expand(w.shape[0], -1, -1, -1) if x is None else x
        x = x.to(self.dtype, memory_format=torch.channels_last)
        for number, layer in enumerate(self.layers):
            x = layer(x, w[:, number], noise[number])
        colours = self.rgb(x, w[:, len(self.layers)])
        return x, colours if image is None else upsample(image, self.kernel) + colours


class Synthesis(nn.Module):
    """w (N, layers, w_dim) to pictures (N, 3, H, W) about [-1, 1]."""

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
        sides = [layer.side for block in self.blocks for layer in block.layers]
        return sides if self.config.noise else []

    def forward(
        self,
        ws: Tensor,
        noise: str = "random",
        *,
        lod: float = 0.0,
        maps: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """`maps` replaces the noise: one (N or 1, 1, side, side) a layer. Version 2 does not grow: lod is 0."""
        if lod:
            raise ValueError(f"Argument `lod` is expected to be 0 for version 2 but got {lod}")
        x, image, at = None, None, 0
        for block in self.blocks:
            used = len(block.layers)
            if maps:
                given = [map_.to(block.dtype) for map_ in maps[at : at + used]]
            else:
                like = block.rgb.weight.new_empty((), dtype=block.dtype)
                given = [layer.noise(noise, ws.shape[0], like) for layer in block.layers]
            x, image = block(x, image, ws[:, at : at + used + 1], given)
            at += used
        if image is None:
            raise ValueError("A synthesis network has at least one block")
        return image
