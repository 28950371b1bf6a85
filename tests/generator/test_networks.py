"""Parameter counts of the published tables, shapes, and layers against independent references."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from whichface.generator.networks import RECIPES, Generator, NetworkConfig, build_discriminator
from whichface.generator.networks.common import (
    Mapping,
    add_spread,
    downsample,
    filter_kernel,
    fir,
    truncate,
    upsample,
)
from whichface.generator.networks.stylegan1 import adain, down_convolution, up_convolution
from whichface.generator.networks.stylegan2 import modulated_conv


def small(name, **changes):
    shape = dict(RECIPES[name].network) | {"resolution": 16, "z_dim": 8, "w_dim": 8, "fmap_max": 8}
    if shape.get("mapping_layers", 8):
        shape["mapping_layers"] = 2
    return NetworkConfig(**shape | changes)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("name", "generator", "discriminator"),
    [("stylegan1-f", 26_219_627, 23_087_249), ("stylegan2-f", 30_370_060, 29_012_513)],
)
def test_published_parameter_counts_at_1024(name, generator, discriminator):
    config = NetworkConfig(**RECIPES[name].network | {"resolution": 1024})
    assert parameters(Generator(config)) == generator
    assert parameters(build_discriminator(config)) == discriminator
    assert config.layers == 18


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_draws_and_scores(name):
    config = small(name)
    image = Generator(config)(torch.randn(4, 8))
    assert image.shape == (4, 3, 16, 16) and image.isfinite().all()
    assert build_discriminator(config)(image).shape == (4,)


@pytest.mark.parametrize("name", ["stylegan1-a", "stylegan1-f"])
@pytest.mark.parametrize(("lod", "side"), [(0.0, 16), (0.4, 16), (1.0, 8), (1.5, 8), (2.0, 4)])
def test_growing_gives_the_size_of_the_phase(name, lod, side):
    config = small(name)
    image = Generator(config)(torch.randn(2, 8), lod=lod)
    assert image.shape[-1] == side
    assert build_discriminator(config)(image, lod=lod).shape == (2,)


@pytest.mark.parametrize("name", ["stylegan1-a", "stylegan1-d", "stylegan1-f"])
def test_output_is_continuous_when_a_fade_begins_and_ends(name):
    torch.manual_seed(0)
    config = small(name)
    generator, discriminator = Generator(config), build_discriminator(config)
    z = torch.randn(2, 8)

    def draw(lod):
        return generator(z, lod=lod, noise="const")

    doubled = functional.interpolate(draw(1.0), scale_factor=2)
    assert torch.allclose(draw(1 - 1e-6), doubled, atol=1e-4)
    assert torch.allclose(draw(1e-6), draw(0.0), atol=1e-4)
    image = torch.randn(4, 3, 8, 8)
    grown = functional.interpolate(image, scale_factor=2)
    before, after = discriminator(image, lod=1.0), discriminator(grown, lod=1 - 1e-6)
    assert torch.allclose(before, after, atol=1e-4)


def test_classes_choose_the_score_and_enter_the_mapping():
    config = small("stylegan2-f", classes=3)
    generator, discriminator = Generator(config), build_discriminator(config)
    labels = torch.eye(3)
    z = torch.randn(1, 8).expand(3, -1)
    image = generator(z, labels, noise="const")
    assert not torch.allclose(image[0], image[1])
    every = torch.stack([discriminator(image, labels[[k] * 3]) for k in range(3)], 1)
    assert torch.allclose(discriminator(image, labels), every.diagonal(), atol=1e-6)
    with pytest.raises(ValueError, match="label"):
        generator(z)


@pytest.mark.parametrize(
    ("field", "value"), [("resolution", 48), ("resolution", 2048), ("version", 3), ("fmap_max", 0)]
)
def test_impossible_shapes_are_refused(field, value):
    with pytest.raises(ValueError, match="expected"):
        NetworkConfig(**{field: value})


def test_adain_is_instance_norm_with_a_style():
    x, style = torch.randn(2, 5, 7, 7), torch.randn(2, 10)
    scale, shift = style[:, :5, None, None], style[:, 5:, None, None]
    expected = functional.instance_norm(x, eps=1e-8) * (scale + 1) + shift
    assert torch.allclose(adain(x, style), expected, atol=1e-5)


@pytest.mark.parametrize("demodulate", [True, False])
def test_modulation_is_the_papers_convolution_of_each_picture(demodulate):
    x, weight, style = torch.randn(3, 4, 6, 6), torch.randn(5, 4, 3, 3), torch.randn(3, 4)
    found = modulated_conv(x, weight, style, demodulate=demodulate)
    for picture, scales, result in zip(x, style, found, strict=True):
        own = weight * scales[None, :, None, None]
        if demodulate:
            own = own / own.square().sum((1, 2, 3), keepdim=True).add(1e-8).sqrt()
        expected = functional.conv2d(picture[None], own, padding=1)[0]
        assert torch.allclose(result, expected, atol=1e-5)


def test_modulation_with_doubling_filters_zeros_between_pixels():
    x, weight, style = torch.randn(2, 3, 5, 5), torch.randn(4, 3, 3, 3), torch.ones(2, 3)
    kernel = filter_kernel((1, 3, 3, 1))
    found = modulated_conv(x, weight, style, demodulate=False, up_kernel=kernel)
    wide = torch.zeros(2, 3, 10, 10)
    wide[..., ::2, ::2] = x
    wide = functional.pad(wide, (2, 1, 2, 1))  # full convolution, then the filter
    full = functional.conv2d(wide, weight.flip(2, 3))
    blurred = functional.conv2d(
        functional.pad(full, (1, 1, 1, 1)), kernel.expand(4, 1, 4, 4) * 4, groups=4
    )
    assert torch.allclose(found, blurred[..., : found.shape[2], : found.shape[3]], atol=1e-5)


def test_fp16_modulation_equals_fp32():
    x, weight, style = torch.randn(2, 4, 6, 6), torch.randn(5, 4, 3, 3), torch.randn(2, 4)
    half = modulated_conv(x.half(), weight, style).float()
    assert torch.allclose(half, modulated_conv(x, weight, style), atol=2e-2)


@pytest.mark.parametrize("kernel", [None, filter_kernel((1, 3, 3, 1))])
def test_fp16_modulation_of_large_maps_of_one_sign_is_finite(kernel):
    x, weight, style = torch.full((1, 512, 4, 4), 256.0), torch.rand(8, 512, 3, 3) + 0.5, torch.rand(1, 512) + 0.5
    half = modulated_conv(x.half(), weight / math.sqrt(512 * 9), style, up_kernel=kernel).float()
    whole = modulated_conv(x, weight / math.sqrt(512 * 9), style, up_kernel=kernel)
    assert half.isfinite().all() and torch.allclose(half, whole, rtol=2e-2)


def test_fused_and_unfused_resampling_agree():
    x, kernel = torch.randn(2, 3, 8, 8), torch.randn(4, 3, 3, 3)
    for convolution in (up_convolution, down_convolution):
        apart, fused = (convolution(x, kernel, fused=f) for f in (False, True))
        assert torch.allclose(apart, fused, atol=1e-5)


def test_blur_is_the_binomial_filter():
    x = np.random.default_rng(0).standard_normal((9, 9))
    found = fir(torch.tensor(x)[None, None], filter_kernel((1, 2, 1)), (1, 1))[0, 0].numpy()
    weights = np.outer((1, 2, 1), (1, 2, 1)) / 16
    padded = np.pad(x, 1)
    expected = sum(
        weights[i, j] * padded[i : i + 9, j : j + 9] for i in range(3) for j in range(3)
    )
    assert np.allclose(found, expected, atol=1e-6)


def test_up_and_down_sampling_keep_a_constant_inside():
    kernel, x = filter_kernel((1, 3, 3, 1)), torch.ones(1, 2, 8, 8)
    up, down = upsample(x, kernel), downsample(x, kernel)
    assert up.shape[-1] == 16 and down.shape[-1] == 4
    assert torch.allclose(up[..., 2:-2, 2:-2], torch.ones(1, 2, 12, 12))
    assert torch.allclose(down[..., 1:-1, 1:-1], torch.ones(1, 2, 2, 2))


def test_spread_is_that_of_each_group():
    x = torch.randn(8, 3, 4, 4)
    extra = add_spread(x)[:, 3, 0, 0]
    expected = x.reshape(4, 2, -1).numpy().std(0).mean(1)
    assert np.allclose(extra.numpy(), np.tile(expected, 4), atol=1e-4)


def test_mapping_normalises_first():
    mapping = Mapping(8, 6, 2)
    z = torch.randn(3, 8)
    assert torch.allclose(mapping(z), mapping(z * 10), atol=1e-5)
    assert torch.allclose(Mapping(8, 8, 0)(z).square().mean(1), torch.ones(3), atol=1e-5)


def test_truncation_moves_the_first_layers_only():
    ws, mean = torch.randn(2, 6, 4), torch.randn(4)
    cut = truncate(ws, mean, 0.5, 2)
    assert torch.allclose(cut[:, :2], mean + 0.5 * (ws[:, :2] - mean))
    assert torch.equal(cut[:, 2:], ws[:, 2:])


def test_noise_modes():
    generator = Generator(small("stylegan2-f"))
    for block in generator.synthesis.blocks:
        for layer in block.layers:
            nn.init.ones_(layer.strength)
    z = torch.randn(1, 8)
    const = [generator(z, noise="const") for _ in range(2)]
    assert torch.equal(*const) and not torch.equal(const[0], generator(z, noise="random"))
    zeros = [torch.zeros(1, 1, side, side) for side in generator.synthesis.noise_shapes()]
    assert torch.equal(generator(z, noise="none"), generator(z, maps=zeros))
    with pytest.raises(ValueError, match="noise"):
        generator(z, noise="loud")
