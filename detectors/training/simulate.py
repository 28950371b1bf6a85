"""Pseudo-fakes: a photograph that went through a generator's last upsampling, and shows the same content.

After AutoGAN (Zhang, Karaman & Chang 2019, arXiv 1907.06515), without its network: the picture is halved and brought
back by an upsampler drawn at random. What the upsampler takes from or adds to a band as a whole is given back, so that
sharpness does not tell the two apart; what is left is how the upsampler arranges the pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.bands import as_sharp_as
from whichface.forensics.records import Pixels

Array = NDArray[np.float32]
STYLEGAN = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
"""StyleGAN's low-pass after zero insertion (Karras et al. 2020, arXiv 1912.04958); sums to 4, 1 a phase."""


@dataclass(frozen=True, slots=True)
class SimulateConfig:
    """How pseudo-fakes are drawn."""

    low_noise: tuple[float, float] = (0.5, 2.0)
    """Range of the standard deviation of the noise at half the size, in levels of 255."""
    high_noise: tuple[float, float] = (0.5, 1.5)
    """The same at the full size."""
    uneven: float = 0.05
    """A random zero-insertion kernel's taps differ from StyleGAN's by up to this share, so that phases differ."""


def nearest(low: Array, rng: np.random.Generator, config: SimulateConfig) -> Array:
    """Every pixel twice each way, then a random 3x3 average."""
    kernel = rng.dirichlet(np.full(9, 2.0)).reshape(3, 3)
    return _filtered(low.repeat(2, 0).repeat(2, 1), kernel)


def zero_insertion(low: Array, rng: np.random.Generator, config: SimulateConfig) -> Array:
    """Zeros between the pixels, then StyleGAN's kernel or, as often, a random one near it."""
    high = np.zeros((2 * low.shape[0], 2 * low.shape[1], low.shape[2]), np.float32)
    high[::2, ::2] = low
    kernel = STYLEGAN
    if rng.random() < 0.5:
        kernel = kernel * rng.uniform(1 - config.uneven, 1 + config.uneven, (4, 4))
        kernel = kernel * (4 / kernel.sum())
    return _filtered(high, kernel)


def bilinear(low: Array, rng: np.random.Generator, config: SimulateConfig) -> Array:
    """Straight lines between the pixels."""
    height, width = low.shape[:2]
    return cv2.resize(low, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)


UPSAMPLERS: Mapping[str, Callable[[Array, np.random.Generator, SimulateConfig], Array]] = {
    "nearest": nearest,
    "zero insertion": zero_insertion,
    "bilinear": bilinear,
}
"""Each takes an H x W x 3 float32 picture to twice its sides, and keeps a plain one plain but for unequal phases."""


def _filtered(picture: Array, kernel: NDArray[np.float64]) -> Array:
    return cv2.filter2D(picture, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT).astype(np.float32, copy=False)


def pseudo_fake(pixels: Pixels, rng: np.random.Generator, config: SimulateConfig | None = None) -> tuple[Pixels, str]:
    """An H x W x 3 uint8 photograph as an upsampler would have left it, and the upsampler's name.

    No codec is applied. Raises ValueError for an odd side.
    """
    config = config or SimulateConfig()
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        raise ValueError(f"both sides must be even to be halved, but the picture is {width}x{height}")
    name = str(rng.choice(list(UPSAMPLERS)))
    # Luma apart from chroma: noise that differs between the channels would average out in grey.
    original = cv2.cvtColor(pixels.astype(np.float32), cv2.COLOR_RGB2YCrCb)
    low = cv2.resize(original, (width // 2, height // 2), interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
    high = UPSAMPLERS[name](_noisy(low, rng, config.low_noise), rng, config)
    high = as_sharp_as(_noisy(high, rng, config.high_noise), original)
    rgb = cv2.cvtColor(high, cv2.COLOR_YCrCb2RGB)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8), name


def _noisy(picture: Array, rng: np.random.Generator, deviations: tuple[float, float]) -> Array:
    noise = rng.normal(0, rng.uniform(*deviations), picture.shape)
    return picture + noise.astype(np.float32)
