"""Losses at known values, and gradients of gradients against finite differences."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from whichface.generator.augment import augment
from whichface.generator.losses import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    path_length_penalty,
    path_lengths,
    r1_penalty,
)


def test_logistic_losses_at_zero_and_far_away():
    zero, far = torch.zeros(1), torch.tensor([30.0])
    assert generator_loss("logistic", zero).item() == pytest.approx(math.log(2))
    assert discriminator_loss("logistic", far, -far).item() == pytest.approx(0.0, abs=1e-6)
    assert discriminator_loss("wgan-gp", far, zero).item() == pytest.approx(-30 + 0.9)


def test_r1_of_a_plane_is_its_slope():
    slope = torch.randn(3, 4, 4)
    penalty = r1_penalty(lambda x: (x * slope).sum((1, 2, 3)), torch.randn(5, 3, 4, 4), 10.0)
    assert torch.allclose(penalty, (5 * slope.square().sum()).expand(5), rtol=1e-4)


def test_gradient_penalty_of_a_unit_slope_is_nothing():
    slope = torch.randn(3, 4, 4)
    slope /= slope.norm()
    images = torch.randn(2, 5, 3, 4, 4)
    penalty = gradient_penalty(lambda x: (x * slope).sum((1, 2, 3)), images[0], images[1])
    assert torch.allclose(penalty, torch.zeros(5), atol=1e-8)


class Curved(nn.Module):
    """Smooth and small, in double precision: a score (N,) and a map of w."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1).double()
        self.second = nn.Conv2d(4, 1, 3).double()

    def forward(self, x):
        return self.second(torch.tanh(self.first(x))).square().sum((1, 2, 3))


def check_against_finite_differences(network, value, epsilon=1e-5, tolerance=1e-5):
    """The gradient along a random direction of the weights is the quotient of differences."""
    weights = list(network.parameters())
    gradients = torch.autograd.grad(value(), weights, allow_unused=True)
    directions = [torch.randn_like(w) for w in weights]
    pairs = zip(gradients, directions, strict=True)
    slope = sum((g * d).sum() for g, d in pairs if g is not None)
    found = []
    for sign in (1, -1):
        with torch.no_grad():
            for weight, direction in zip(weights, directions, strict=True):
                weight += sign * epsilon * direction
        found.append(value().item())
        with torch.no_grad():
            for weight, direction in zip(weights, directions, strict=True):
                weight -= sign * epsilon * direction
    assert slope.item() == pytest.approx((found[0] - found[1]) / (2 * epsilon), rel=tolerance)


def test_r1_differentiates_twice():
    torch.manual_seed(0)
    network, images = Curved(), torch.randn(2, 3, 6, 6, dtype=torch.float64)
    check_against_finite_differences(
        network, lambda: r1_penalty(network, images, 1.0).double().sum(), 1e-3, 1e-3
    )


def test_r1_differentiates_twice_through_the_augmentation():
    network, images = Curved(), torch.randn(2, 3, 8, 8, dtype=torch.float64)

    def score(x):
        torch.manual_seed(3)
        return network(augment(x.float(), 0.9).double())

    check_against_finite_differences(
        network, lambda: r1_penalty(score, images, 1.0).double().sum(), 1e-3, 1e-3
    )


def test_path_lengths_of_a_linear_map():
    torch.manual_seed(0)
    matrix = torch.linalg.qr(torch.randn(64, 4))[0] * 3
    ws = torch.randn(2000, 1, 4, requires_grad=True)
    images = (ws[:, 0] @ matrix.t()).reshape(-1, 1, 8, 8)
    lengths = path_lengths(images, ws)
    # noise / 8 drawn on 4 orthogonal directions of length 3: 3/8 times a chi with 4 degrees of freedom
    assert lengths.square().mean().item() == pytest.approx((3 / 8) ** 2 * 4, rel=0.1)


def test_path_length_differentiates_twice():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 12), nn.Tanh(), nn.Linear(12, 48)).double()
    ws = torch.randn(3, 1, 4, dtype=torch.float64, requires_grad=True)

    torch.manual_seed(1)
    mean = torch.tensor(0.3, dtype=torch.float64)
    penalty, moved = path_length_penalty(network(ws[:, 0]).reshape(3, 3, 4, 4), ws, mean)
    assert penalty.shape == (3,) and 0.25 < moved.item() < 0.35
    check_against_finite_differences(network, lambda: _fixed_mean(network, ws))


def _fixed_mean(network, ws):
    """The penalty with the running mean held, as its gradient takes it."""
    torch.manual_seed(1)
    lengths = path_lengths(network(ws[:, 0]).reshape(3, 3, 4, 4), ws)
    return (lengths - 0.3).square().sum()
