"""Thin lines in the background beside the hair: which of them touch the head, and which float.

A line is a ridge or a valley of lightness by the Hessian (Steger 1998, "An Unbiased Detector of Curvilinear
Structures", section 2; Frangi et al. 1998). Lengths are pixels of a square of 1,024.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..view import FaceView

RULER = 1024.0


@dataclass(frozen=True, slots=True)
class StrandConfig:
    """What counts as a strand; lengths in 1,024ths of the square's side."""

    sigma: float = 1.4
    """Standard deviation of the smoothing: strands are two to four pixels wide."""
    person: float = 0.3
    """Share of person or hair from which a pixel belongs to the head."""
    gap: float = 7.0
    """A line that stays this far from the head floats; the matte's own width is about half of it."""
    touch: float = 4.0
    """A line that comes this near touches the head."""
    crest: float = 0.5
    """Least strength over the strongest within `lobe`: a dark line has weak bright ones at its sides."""
    lobe: int = 9
    """Side of that neighbourhood."""
    reach: float = 12.0
    """A touching line counts when it goes this far out."""
    band: float = 80.0
    """How far from the hair lines are looked for."""
    contrast: float = 1.0
    """Least mean strength of a line in L*."""
    weakest: float = 0.6
    """Least strength of a pixel of a line in L*."""
    above_noise: float = 2.5
    """The same in medians of the band's strengths."""
    shortest: float = 12.0
    """Least diagonal of the box around a line."""
    slender: float = 2.5
    """Least diagonal over mean width."""
    noise: float = 0.2
    """Median strength in L* from which the background has texture of its own and says nothing."""
    area: float = 15000.0
    """Least area of the band in square pixels."""


@dataclass(frozen=True, slots=True)
class Strands:
    """Lines beside the hair."""

    floating: NDArray[np.float64]
    """(N, 6): length, strength in L*, and the box XYXY in pixels of the crop, longest first."""
    floating_length: float
    """Sum of the floating lines' lengths."""
    touching_length: float
    """Sum of the touching lines' lengths."""
    boundary: float
    """Length of the boundary between hair and background."""
    noise: float
    """Median strength in the band, in L*."""

    @property
    def share(self) -> float:
        """Share of the lines' length that floats, 0 to 1; a little of both is assumed where there are none."""
        return (self.floating_length + 5.0) / (self.floating_length + self.touching_length + 40.0)

    @property
    def density(self) -> float:
        """Length that floats, over the boundary's length."""
        return self.floating_length / max(self.boundary, 50.0)


def find_strands(view: FaceView, size: int, config: StrandConfig) -> Strands | None:
    """The strands; None where too little background borders on the hair, or where it has texture of its own."""
    scale = size / RULER
    outside, from_head, from_hair = _distances(view, 512, config)
    band = outside & (from_hair < config.band) & (from_head > config.gap)
    if band.sum() * 4.0 < config.area:
        return None
    strength, dark = _lines(view.crop(size), config.sigma * max(scale, 0.6))
    wide = _enlarged(band, size)
    noise = float(np.median(strength[wide][::7]))
    if noise > config.noise:
        return None
    near = _enlarged(outside & (from_hair < config.band + 20), size)
    crest = cv2.dilate(strength, np.ones((config.lobe, config.lobe), np.uint8)) * np.float32(config.crest)
    strong = near & (strength > np.maximum(crest, max(config.weakest, config.above_noise * noise)))
    found = [_components(strong & kind, strength, from_head, from_hair, size) for kind in (dark, ~dark)]
    lines = np.concatenate(found)
    return _sorted_out(lines, outside & (from_hair < 6), noise, scale, config)


def _distances(
    view: FaceView, size: int, config: StrandConfig
) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.float32]]:
    """Where the background is photographed, and the distances from the head and from the hair, (size, size)."""
    hair = view.hair(size)
    head = (view.person(size) > config.person) | (hair > config.person)
    outside = view.valid(size) & ~head
    unit = np.float32(RULER / size)
    parts = [cv2.distanceTransform((~m).astype(np.uint8), cv2.DIST_L2, 3) * unit for m in (head, hair > 0.5)]
    return outside, parts[0], parts[1]


def _enlarged(mask: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    if mask.shape[0] == size:
        return mask
    return cv2.resize(mask.astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST).astype(bool)


def _lines(crop: NDArray[np.uint8], sigma: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Strength of a line through each pixel in L*, about, and whether it is darker than its sides."""
    light = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32) * np.float32(100 / 255)
    smooth = cv2.GaussianBlur(light, (0, 0), sigma)
    factor = sigma * sigma / 4
    xx = cv2.Sobel(smooth, cv2.CV_32F, 2, 0, ksize=3, scale=factor)
    yy = cv2.Sobel(smooth, cv2.CV_32F, 0, 2, ksize=3, scale=factor)
    xy = cv2.Sobel(smooth, cv2.CV_32F, 1, 1, ksize=3, scale=factor)
    # Eigenvalues mean ± spread: the larger less the smaller in size is 2·min(|mean|, spread), so a blob has none.
    mean = (xx + yy) / 2
    spread = cv2.magnitude((xx - yy) / 2, xy)
    return 2 * np.minimum(np.abs(mean), spread), mean > 0


def _components(
    mask: NDArray[np.bool_],
    strength: NDArray[np.float32],
    from_head: NDArray[np.float32],
    from_hair: NDArray[np.float32],
    size: int,
) -> NDArray[np.float64]:
    """(N, 9): box XYXY, area, mean strength, least and most distance from the head, least from the hair."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return np.zeros((0, 9))
    rows, columns = np.nonzero(mask)
    which = labels[rows, columns]
    half = from_head.shape[0] / size
    place = (rows * half).astype(int), (columns * half).astype(int)
    head, hair = from_head[place], from_hair[place]
    least_head, least_hair = np.full(count, np.inf), np.full(count, np.inf)
    most_head = np.zeros(count)
    np.minimum.at(least_head, which, head)
    np.minimum.at(least_hair, which, hair)
    np.maximum.at(most_head, which, head)
    mean = np.bincount(which, strength[rows, columns], count) / np.maximum(stats[:, 4], 1)
    box = np.stack([stats[:, 0], stats[:, 1], stats[:, 0] + stats[:, 2], stats[:, 1] + stats[:, 3]], 1)
    table = np.column_stack([box, stats[:, 4], mean, least_head, most_head, least_hair])
    return np.asarray(table[1:], np.float64)


def _sorted_out(
    lines: NDArray[np.float64], edge: NDArray[np.bool_], noise: float, scale: float, config: StrandConfig
) -> Strands:
    """Which lines float and which touch the head."""
    length = np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]) / scale
    width = lines[:, 4] / scale**2 / np.maximum(length, 1)
    good = (length > config.shortest) & (lines[:, 5] > config.contrast)
    good &= length > config.slender * width
    floats = good & (lines[:, 6] > config.gap) & (lines[:, 8] < config.band)
    touches = good & (lines[:, 6] <= config.touch) & (lines[:, 7] > config.reach)
    order = np.argsort(-length[floats], kind="stable")
    floating = np.column_stack([length, lines[:, 5], lines[:, :4]])[floats][order]
    boundary = float(edge.sum()) * (RULER / len(edge)) ** 2 / 6
    return Strands(floating, float(length[floats].sum()), float(length[touches].sum()), boundary, noise)
