"""Frequency bands of a picture, and one picture made as sharp as another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
BLURS = (0.5, 0.8, 1.3, 2.2)
"""Standard deviations, in pixels, of the blurs between which the bands lie."""
ROUNDS = 4
"""Bands overlap, so that their magnitudes have to be given back more than once."""
MOST_GAIN = 8.0
"""Most that a band is multiplied or divided by in a round."""


def as_sharp_as(picture: Array, model: Array, blurs: Sequence[float] = BLURS) -> Array:
    """`picture` with the mean magnitude of every band of `model`, channel by channel; both H x W x 3 float32.

    Magnitude, not power: a photograph's detail is sparse, and noise of the same power would look sharper.
    """
    wanted = [np.abs(band).mean((0, 1)) for band in bands(model, blurs)[1]]
    for _ in range(ROUNDS):
        rest, parts = bands(picture, blurs)
        for band, magnitude in zip(parts, wanted, strict=True):
            gain = magnitude / np.maximum(np.abs(band).mean((0, 1)), 1e-6)
            rest = rest + band * np.clip(gain, 1 / MOST_GAIN, MOST_GAIN).astype(np.float32)
        picture = rest
    return picture


def bands(picture: Array, blurs: Sequence[float] = BLURS) -> tuple[Array, list[Array]]:
    """What the widest blur leaves, and the differences from one blur to the next, finest first. They sum to it."""
    softer = [cv2.GaussianBlur(picture, (0, 0), s).astype(np.float32, copy=False) for s in blurs]
    levels = [picture, *softer]
    return levels[-1], [fine - coarse for fine, coarse in pairwise(levels)]
