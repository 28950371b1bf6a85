"""Losses and regularisation of both StyleGANs; scores are (N,), pictures (N, 3, H, W)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import softplus

Score = Callable[[Tensor], Tensor]


def generator_loss(kind: str, fake: Tensor) -> Tensor:
    """Non-saturating logistic loss, or that of WGAN; (N,)."""
    return -fake if kind == "wgan-gp" else softplus(-fake)


def discriminator_loss(kind: str, real: Tensor, fake: Tensor) -> Tensor:
    """Logistic loss, or WGAN's with a drift penalty on reals (1710.10196, A.1); (N,)."""
    if kind == "wgan-gp":
        return fake - real + 1e-3 * real.square()
    return softplus(fake) + softplus(-real)


def r1_penalty(score: Score, real: Tensor, gamma: float) -> Tensor:
    """gamma / 2 times the squared gradient at real pictures (Mescheder et al. 2018, equation 9); (N,)."""
    real = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(score(real).sum(), real, create_graph=True)
    return gradient.float().square().sum((1, 2, 3)) * (gamma / 2)


def gradient_penalty(score: Score, real: Tensor, fake: Tensor, weight: float = 10.0) -> Tensor:
    """Squared distance of the gradient's length from 1 between reals and fakes (Gulrajani et al. 2017); (N,)."""
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    mixed = torch.lerp(real, fake.detach(), share).requires_grad_(True)
    (gradient,) = torch.autograd.grad(score(mixed).sum(), mixed, create_graph=True)
    length = gradient.float().square().sum((1, 2, 3)).add(1e-12).sqrt()
    return weight * (length - 1).square()


def path_lengths(images: Tensor, ws: Tensor) -> Tensor:
    """Length of the pictures' change along w for a random direction of pixels (1912.04958, equation 4); (N,)."""
    noise = torch.randn_like(images) / math.sqrt(images.shape[2] * images.shape[3])
    (gradient,) = torch.autograd.grad((images * noise).sum(), ws, create_graph=True)
    return gradient.square().sum(2).mean(1).sqrt()


def path_length_penalty(
    images: Tensor, ws: Tensor, mean: Tensor, *, decay: float = 0.01
) -> tuple[Tensor, Tensor]:
    """Squared distance of the lengths from their running mean (N,), and that mean moved on."""
    lengths = path_lengths(images, ws)
    moved = torch.lerp(mean, lengths.detach().mean(), decay)
    return (lengths - moved).square(), moved
