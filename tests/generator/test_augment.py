"""The augmentation: nothing for p = 0, a true warp, colours by their matrices, p steered by signs."""

from __future__ import annotations

import math

import pytest
import torch

from whichface.generator.augment import SYM6, Dice, adjusted, augment, colour, geometry, warp
from whichface.generator.augment_config import AugmentConfig


def test_nothing_happens_without_a_chance():
    images = torch.randn(2, 3, 16, 16)
    assert augment(images, 0.0) is images
    dice = Dice(4, 0.0, torch.device("cpu"))
    assert torch.allclose(geometry(dice, 16, AugmentConfig()), torch.eye(3).expand(4, 3, 3))
    assert torch.allclose(colour(dice, AugmentConfig()), torch.eye(4).expand(4, 4, 4), atol=1e-6)


def test_the_filter_is_orthonormal():
    taps = torch.tensor(SYM6, dtype=torch.float64)
    assert taps.sum().item() == pytest.approx(math.sqrt(2), abs=1e-6)
    for shift in range(0, 12, 2):
        product = (taps[shift:] * taps[: 12 - shift]).sum().item()
        assert product == pytest.approx(1.0 if shift == 0 else 0.0, abs=1e-6)


def smooth(side=32):
    line = torch.linspace(0, math.pi, side)
    ramp = torch.sin(line)[:, None] * torch.cos(line * 1.5)[None]
    return ramp.expand(1, 3, side, side).contiguous()


def test_identity_and_quarter_turns_come_back():
    image = smooth()
    inner = (..., slice(6, -6), slice(6, -6))
    same = warp(image, torch.eye(3)[None])
    assert torch.allclose(same[inner], image[inner], atol=2e-2)
    turn = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])[None]
    turned = warp(image, turn)
    found = [torch.allclose(turned[inner], torch.rot90(image, k, (2, 3))[inner], atol=0.12) for k in (1, 3)]
    assert sum(found) == 1


def test_translation_moves_by_whole_pixels():
    image, matrix = smooth(), torch.eye(3)[None].clone()
    matrix[0, 0, 2] = 3.0
    moved = warp(image, matrix)
    assert torch.allclose(moved[..., 6:-9], image[..., 9:-6], atol=2e-2)


def test_colours_keep_grey_grey_without_brightness_and_hue():
    dice = Dice(8, 1.0, torch.device("cpu"))
    matrix = colour(dice, AugmentConfig(brightness=0.0, contrast=0.0))
    grey = matrix[:, :3, :3] @ torch.ones(3)
    assert torch.allclose(grey, grey[:, :1].expand(-1, 3), atol=1e-5)
    assert torch.allclose(grey.abs(), torch.ones(8, 3), atol=1e-5)


def test_the_pipe_changes_pictures_and_carries_gradients():
    torch.manual_seed(0)
    images = torch.randn(4, 3, 16, 16, requires_grad=True)
    out = augment(images, 1.0)
    assert out.shape == images.shape and not torch.allclose(out, images)
    (gradient,) = torch.autograd.grad(out.square().sum(), images)
    assert gradient.isfinite().all() and gradient.abs().sum() > 0


@pytest.mark.parametrize(("sign", "expected"), [(0.9, 0.101), (0.1, 0.099), (0.6, 0.1)])
def test_p_follows_the_signs(sign, expected):
    assert adjusted(0.1, sign, 500, AugmentConfig()) == pytest.approx(expected)


def test_p_stays_above_zero():
    assert adjusted(0.0, 0.0, 500, AugmentConfig()) == 0.0
