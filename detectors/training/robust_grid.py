"""The validation grid: what held-out pictures go through before a network is chosen or a model is measured.

Every condition is one change that pictures meet on the web; a row's variant in the pack is its condition's number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.geometry import CropFrame
from whichface.forensics.recompress import jpeg, resize, webp
from whichface.forensics.records import Pixels

from ..dataset import Sample
from .pack import STORED, PackConfig, Packed, jitter_frame, opened, packed

View = tuple[Pixels, CropFrame]


@dataclass(frozen=True, slots=True)
class GridCondition:
    """One change of a picture and its face square."""

    name: str
    """As the reports call it."""
    change: Callable[[Pixels, CropFrame], View]
    """Gives the changed picture and the square in it."""


def _longest(side: int, quality: int) -> Callable[[Pixels, CropFrame], View]:
    def change(pixels: Pixels, frame: CropFrame) -> View:
        factor = side / max(pixels.shape[:2])
        if factor < 1:
            pixels, frame = resize(pixels, factor), frame.scaled(factor)
        return jpeg(pixels, quality), frame

    return change


def _blurred(sigma: float, quality: int) -> Callable[[Pixels, CropFrame], View]:
    def change(pixels: Pixels, frame: CropFrame) -> View:
        soft = cv2.GaussianBlur(pixels, (0, 0), sigma).astype(np.uint8, copy=False)
        return jpeg(soft, quality), frame

    return change


GRID: tuple[GridCondition, ...] = (
    GridCondition("as stored", lambda pixels, frame: (pixels, frame)),
    GridCondition("JPEG 75", lambda pixels, frame: (jpeg(pixels, 75), frame)),
    GridCondition("JPEG 50", lambda pixels, frame: (jpeg(pixels, 50), frame)),
    GridCondition("512 px, JPEG 80", _longest(512, 80)),
    GridCondition("256 px, JPEG 75", _longest(256, 75)),
    GridCondition("WebP 60", lambda pixels, frame: (webp(pixels, 60), frame)),
    GridCondition("blur 0.8, JPEG 80", _blurred(0.8, 80)),
)
"""In the order of their numbers; the first is the file as it is."""


def grid_rows(sample: Sample, number: int, config: PackConfig) -> Iterator[Packed]:
    """The canonical faces of one held-out picture under every condition of the grid."""
    original, frame = opened(sample, config)
    for variant, condition in enumerate(GRID, STORED):
        rng = np.random.default_rng([config.seed, number, variant])
        pixels, moved = condition.change(original, frame)
        yield from packed(pixels, jitter_frame(moved, rng, config), number, variant)


def balanced_choice(samples: Sequence[Sample], numbers: Sequence[int], most: int, seed: int = 0) -> list[int]:
    """At most `most` of the pictures `numbers` a class, as many a set as can be, the same ones for a seed."""
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for fake in (False, True):
        queues: dict[str, list[int]] = {}
        for i in (numbers[k] for k in rng.permutation(len(numbers))):
            if samples[i].fake is fake:
                queues.setdefault(samples[i].set, []).append(i)
        chosen += _in_turn([queues[name] for name in sorted(queues)], most)
    return sorted(chosen)


def _in_turn(queues: Sequence[list[int]], most: int) -> list[int]:
    taken: list[int] = []
    for place in range(max(map(len, queues), default=0)):
        taken += [queue[place] for queue in queues if place < len(queue)]
    return taken[:most]


def mean_by_picture(
    sample: NDArray[np.int64], variant: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """(picture, condition, mean of the scales' values) of every picture under every condition."""
    keys, place = np.unique(np.stack([sample, variant], 1), axis=0, return_inverse=True)
    place = place.ravel()
    total = np.bincount(place, weights=values, minlength=len(keys))
    return keys[:, 0], keys[:, 1], total / np.bincount(place, minlength=len(keys))
