"""Where a face may be: OpenCV's Haar cascades, as squares for the landmark network to confirm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import CropFrame
from .records import Pixels

Grey = NDArray[np.uint8]
SIDE, DOWN = 1.39, 0.075
"""The network's square: side and downward shift in sides of a Haar box (medians over the data)."""


@dataclass(frozen=True, slots=True)
class Search:
    """One way of looking."""

    long_side: int
    """Longer side in pixels to which the picture is brought; small pictures are enlarged to it."""
    cascade: str = "frontalface_alt2"
    step: float = 1.15
    """Ratio of successive scales."""
    neighbours: int = 3
    smallest: int = 24
    """Smallest box in pixels of the resized picture."""
    equalise: bool = False
    degrees: float = 0.0
    """Rotation of the picture, clockwise positive, before looking."""
    mirror: bool = False


@lru_cache(maxsize=4)
def _cascade(name: str) -> cv2.CascadeClassifier:
    folder = Path(cv2.data.haarcascades)  # type: ignore[attr-defined]
    return cv2.CascadeClassifier(str(folder / f"haarcascade_{name}.xml"))


def grey_at(pixels: Pixels, long_side: int) -> tuple[Grey, float]:
    """Luma with the longer side at `long_side` pixels, and the factor of the change."""
    factor = long_side / max(pixels.shape[:2])
    size = tuple(max(1, round(v * factor)) for v in pixels.shape[1::-1])
    if factor < 1:
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False), factor
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if factor > 1:
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR)
    return grey.astype(np.uint8, copy=False), factor


def _turned(grey: Grey, degrees: float) -> tuple[Grey, NDArray[np.float64]]:
    """The picture rotated about its centre, and the (2, 3) matrix that leads back."""
    if degrees == 0.0:
        return grey, np.eye(2, 3)
    height, width = grey.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1.0)
    out = cv2.warpAffine(grey, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return out.astype(np.uint8, copy=False), np.asarray(
        cv2.invertAffineTransform(matrix), np.float64
    )


def candidates(pixels: Pixels, search: Search) -> list[CropFrame]:
    """Squares that may hold a face, largest first."""
    grey, factor = grey_at(pixels, search.long_side)
    if search.equalise:
        grey = cv2.equalizeHist(grey).astype(np.uint8, copy=False)
    if search.mirror:
        grey = np.ascontiguousarray(grey[:, ::-1])
    turned, back = _turned(grey, search.degrees)
    boxes = _cascade(search.cascade).detectMultiScale(
        turned, search.step, search.neighbours, minSize=(search.smallest, search.smallest)
    )
    frames = []
    for x, y, width, height in sorted(boxes, key=lambda box: -box[2]):
        centre = back @ [x + width / 2 - 0.5, y + (0.5 + DOWN) * height - 0.5, 1.0]
        axis = back[:, :2] @ [SIDE * width / 2, 0.0]
        if search.mirror:
            centre[0], axis[1] = grey.shape[1] - 1 - centre[0], -axis[1]
        frames.append(CropFrame(centre, axis).scaled(1 / factor))
    return frames
