"""Bilinear sampling that can be differentiated twice with respect to the picture.

Sampling is linear in the picture, so its gradient is the adjoint map, and that one's gradient is sampling again.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


class _Sample(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = image.shape
        return _sample(image, grid)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        (grid,) = ctx.saved_tensors
        return _Adjoint.apply(gradient, grid, ctx.shape), None


class _Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        empty = torch.zeros(shape, dtype=gradient.dtype, device=gradient.device)
        backward = torch.ops.aten.grid_sampler_2d_backward
        result = backward(gradient.contiguous(), empty, grid, 0, 0, False, [True, False])
        return result[0]

    @staticmethod
    def backward(ctx: Any, again: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        (grid,) = ctx.saved_tensors
        return _Sample.apply(again, grid), None, None


def _sample(image: Tensor, grid: Tensor) -> Tensor:
    return functional.grid_sample(
        image, grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )


def sample(image: Tensor, grid: Tensor) -> Tensor:
    """Pictures (N, C, H, W) at the places of `grid` (N, h, w, 2), x and y in [-1, 1]; zero outside."""
    return _Sample.apply(image, grid)
