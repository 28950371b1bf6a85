"""Canonical scales: every face is brought to one size and one codec before an expert looks at it.

A score that sees the native size learns the size; bringing files to a fixed face side and to one JPEG quality is what
keeps it from drifting (docs/decisions.md). A face that lacks the pixels for a scale makes that scale abstain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whichface.forensics.geometry import CropFrame, warp
from whichface.forensics.recompress import jpeg, resize
from whichface.forensics.records import Pixels

SCALES = (160, 256, 512)
SMALL = 96
"""Faces with fewer pixels than any of the scales are brought to this one; the network sees them enlarged."""
QUALITY = 75
# A face may be enlarged by this much before a scale abstains: FFHQ's own crops differ from ours by a few per cent.
ENLARGE = 1.12


@dataclass(frozen=True, slots=True)
class CanonicalFace:
    """An aligned face at one canonical scale."""

    pixels: Pixels
    """`scale` x `scale` x 3 uint8 RGB after JPEG quality 75, 4:2:0."""
    inside: NDArray[np.bool_]
    """`scale` x `scale`: what lay inside the picture (the rest is reflected)."""
    scale: int
    """Side in pixels."""


def applies(frame: CropFrame, scale: int) -> bool:
    """True when the face has the pixels for this scale."""
    return frame.side * ENLARGE >= scale


def canonical_face(pixels: Pixels, frame: CropFrame, scale: int) -> CanonicalFace:
    """The face at `scale`: cut out with a margin, shrunk by area averaging, aligned, re-encoded."""
    crop, inside = aligned_crop(pixels, frame, scale)
    return CanonicalFace(jpeg(crop, QUALITY), inside, scale)


def network_input(pixels: Pixels) -> Pixels:
    """What the network sees of a canonical face: one smaller than every scale is enlarged to the smallest, bicubically.

    Networks learn at `SCALES`; unenlarged, small faces rank far worse (docs/decisions.md).
    """
    factor = SCALES[0] / pixels.shape[0]
    return resize(pixels, factor) if factor > 1 else pixels


def aligned_crop(
    pixels: Pixels, frame: CropFrame, scale: int
) -> tuple[Pixels, NDArray[np.bool_]]:
    """The aligned face before the canonical codec, and what of it lay inside the picture.

    The warp only rotates and shifts: shrinking is done before it, by area averaging.
    """
    pixels, frame = _cut(pixels, frame)
    factor = scale / frame.side
    if factor < 1:
        pixels, frame = resize(pixels, factor), frame.scaled(factor)
    return warp(pixels, frame, scale)


def _cut(pixels: Pixels, frame: CropFrame) -> tuple[Pixels, CropFrame]:
    """The part of the picture around the square, so that a small face in a large picture costs little."""
    corners = frame.corners()
    margin = 0.08 * frame.side
    height, width = pixels.shape[:2]
    x0, y0 = np.floor(np.clip(corners.min(0) - margin, 0, [width - 1, height - 1])).astype(int)
    x1, y1 = np.ceil(np.clip(corners.max(0) + margin, [x0 + 1, y0 + 1], [width, height])).astype(int)
    return np.ascontiguousarray(pixels[y0:y1, x0:x1]), CropFrame(frame.centre - [x0, y0], frame.axis)
