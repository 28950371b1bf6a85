"""What both StyleGANs are built of: equalized layers, filters, mapping, minibatch statistics.

Images are (N, 3, H, W) in [-1, 1]. Sources: Karras et al. 2018 (arXiv 1710.10196), 2019 (1812.04948) and 2020
(1912.04958).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

NOISE_MODES = ("const", "random", "none")
SQRT2 = math.sqrt(2.0)


class EqualizedLinear(nn.Module):
    """Dense layer whose weights are N(0, 1) and scaled when used: (N, in) to (N, out)."""

    def __init__(
        self, inputs: int, outputs: int, *, gain: float = 1.0, rate: float = 1.0, bias: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.coefficient = gain / math.sqrt(inputs) * rate
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        return functional.linear(x, weight * self.coefficient, bias * self.rate)


class EqualizedConv(nn.Module):
    """Convolution with equalized weights; `forward` keeps the size, `scaled` gives the kernel to others."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, gain: float = 1.0, bias: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.coefficient = gain / math.sqrt(inputs * kernel**2)

    def scaled(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """The kernel as it is used, (out, in, k, k)."""
        return (self.weight * self.coefficient).to(dtype)

    def shift(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """The bias as it is used; None for a layer without one."""
        return None if self.bias is None else self.bias.to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        padding = self.weight.shape[-1] // 2
        return functional.conv2d(x, self.scaled(x.dtype), self.shift(x.dtype), padding=padding)


def filter_kernel(taps: Sequence[float]) -> Tensor:
    """(k, k) outer product of a one-dimensional filter with itself, of sum 1."""
    line = torch.tensor(taps, dtype=torch.float32)
    kernel = torch.outer(line, line)
    return kernel / kernel.sum()


def fir(
    x: Tensor, kernel: Tensor, pad: tuple[int, int], *, down: int = 1, gain: float = 1.0
) -> Tensor:
    """Each channel filtered with a symmetric kernel after `pad` zeros before and behind, then thinned out."""
    channels = x.shape[1]
    weight = (kernel * gain).to(x.dtype).expand(channels, 1, *kernel.shape)
    if pad[0] == pad[1]:
        return functional.conv2d(x, weight, stride=down, padding=pad[0], groups=channels)
    x = functional.pad(x, (*pad, *pad))
    return functional.conv2d(x, weight, stride=down, groups=channels)


def upsample(x: Tensor, kernel: Tensor) -> Tensor:
    """Twice the size: zeros between the pixels, then the filter (1912.04958, appendix B)."""
    channels, size = x.shape[1], kernel.shape[-1]
    weight = (kernel * 4.0).to(x.dtype).expand(channels, 1, size, size)
    return functional.conv_transpose2d(
        x, weight, stride=2, padding=(size - 2) // 2, groups=channels
    )


def downsample(x: Tensor, kernel: Tensor) -> Tensor:
    """Half the size: the filter, then every second pixel."""
    return fir(x, kernel, ((kernel.shape[-1] - 2) // 2,) * 2, down=2)


def double(x: Tensor) -> Tensor:
    """Twice the size by repeating pixels."""
    return functional.interpolate(x, scale_factor=2, mode="nearest")


def halve(x: Tensor) -> Tensor:
    """Half the size by 2 x 2 means."""
    return functional.avg_pool2d(x, 2)


def normalise(x: Tensor, epsilon: float = 1e-8) -> Tensor:
    """Pixel norm: every vector over the channels scaled to a mean square of 1."""
    return x * (x.square().mean(1, keepdim=True) + epsilon).rsqrt()


def add_spread(x: Tensor, group: int = 4) -> Tensor:
    """Minibatch standard deviation as one more map: the mean spread over groups of pictures."""
    count, channels, height, width = x.shape
    size = next(g for g in range(min(group, count), 0, -1) if count % g == 0)
    y = x.float().reshape(size, count // size, channels, height, width)  # (G, M, C, H, W)
    y = (y - y.mean(0)).square().mean(0).add(1e-8).sqrt()  # (M, C, H, W)
    y = y.mean((1, 2, 3)).to(x.dtype).repeat(size)[:, None, None, None]  # (N, 1, 1, 1)
    return torch.cat([x, y.expand(count, 1, height, width)], 1)


class Mapping(nn.Module):
    """z (N, z_dim) and a one-hot class (N, classes) to w (N, w_dim); without layers only the norm.

    Labels join z by a matrix of their own before the pixel norm, as in both published versions.
    """

    def __init__(
        self, z_dim: int, w_dim: int, layers: int, classes: int = 0, *, rate: float = 0.01
    ) -> None:
        super().__init__()
        self.embed = nn.Parameter(torch.randn(classes, z_dim)) if classes else None
        width = z_dim * (2 if classes else 1)
        sizes = [width, *[w_dim] * layers]
        self.layers = nn.ModuleList(
            EqualizedLinear(a, b, gain=SQRT2, rate=rate)
            for a, b in pairwise(sizes)
        )

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        if self.embed is not None:
            if label is None:
                raise ValueError("Argument `label` is expected to be given for a network with classes")
            z = torch.cat([z, label.to(z.dtype) @ self.embed], 1)
        x = normalise(z)
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.2)
        return x


def noise_for(mode: str, stored: Tensor, count: int, like: Tensor) -> Tensor | None:
    """One noise map a picture (N, 1, H, W), the stored one (1, 1, H, W), or None."""
    if mode == "none":
        return None
    if mode == "const":
        return stored.to(like.dtype)[None, None]
    if mode != "random":
        raise ValueError(f"Argument `noise` is expected to be one of {NOISE_MODES} but got {mode!r}")
    return torch.randn(count, 1, *stored.shape, device=like.device, dtype=like.dtype)


def truncate(ws: Tensor, mean: Tensor, psi: float, cutoff: int | None = None) -> Tensor:
    """The first `cutoff` layers' w (all of them for None) drawn towards the mean by `psi` (1812.04948, B)."""
    if psi == 1.0:
        return ws
    layers = torch.arange(ws.shape[1], device=ws.device)
    chosen = layers < (ws.shape[1] if cutoff is None else cutoff)
    return torch.where(chosen[None, :, None], mean + psi * (ws - mean), ws)
