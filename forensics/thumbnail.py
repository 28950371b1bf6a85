"""The small preview that cameras store in the EXIF block, and whether it shows the picture it belongs to.

Editors that change the pixels and copy the metadata leave the old preview behind. Format: EXIF 3.0, 4.5.5 and 4.6.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import ExifTags, Image

from .hostile import UNREADABLE
from .records import Pixels

_BROKEN: tuple[type[Exception], ...] = (*UNREADABLE, Image.DecompressionBombError)
LARGEST_BYTES = 1 << 16
"""An EXIF block cannot hold more."""
LARGEST_SIDE = 640
SMALLEST_SIDE = 16
ALIKE = 0.8
"""Correlation of luma from which preview and picture show the same; re-encoding and toning leave more than 0.95."""
FLAT = 4.0
"""Standard deviation of luma below which a preview is too plain to be compared."""


def embedded_thumbnail(image: Image.Image, exif: Image.Exif) -> Pixels | None:
    """HxWx3 uint8 RGB of the EXIF preview as stored, or None when there is none that can be read."""
    raw = image.info.get("exif", b"")
    try:
        entries = exif.get_ifd(ExifTags.IFD.IFD1)
        start, length = entries.get(0x0201), entries.get(0x0202)
        if not (isinstance(start, int) and isinstance(length, int) and 0 < length <= LARGEST_BYTES):
            return None
        head = 6 if raw.startswith(b"Exif\0\0") else 0
        data = raw[head + start : head + start + length]
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as preview:
            sides = preview.size
            if not SMALLEST_SIDE <= min(sides) <= max(sides) <= LARGEST_SIDE:
                return None
            return np.asarray(preview.convert("RGB"), np.uint8)
    except _BROKEN:
        return None


def without_bars(thumbnail: Pixels, aspect: float) -> Pixels:
    """The preview without the black bars that fill it up to 4:3, for a picture of this width over height."""
    height, width = thumbnail.shape[:2]
    if width / height > aspect * 1.02:
        keep = round(height * aspect)
        start = (width - keep) // 2
        return thumbnail[:, start : start + keep]
    if width / height < aspect / 1.02:
        keep = round(width / aspect)
        start = (height - keep) // 2
        return thumbnail[start : start + keep]
    return thumbnail


def agreement(pixels: Pixels, thumbnail: Pixels) -> float | None:
    """Correlation, -1 to 1, of the luma of picture and preview; None when one is too plain to be compared.

    The preview is compared as stored and turned by quarter turns, since programs differ in what they rotate.
    """
    factor = min(1.0, 2 * LARGEST_SIDE / max(pixels.shape[:2]))
    if factor < 1:
        size = tuple(max(1, round(v * factor)) for v in pixels.shape[1::-1])
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    found = [_correlation(pixels, np.rot90(thumbnail, turns)) for turns in range(4)]
    known = [value for value in found if value is not None]
    return max(known) if known else None


def _correlation(pixels: Pixels, thumbnail: Pixels) -> float | None:
    preview = without_bars(np.ascontiguousarray(thumbnail), pixels.shape[1] / pixels.shape[0])
    if min(preview.shape[:2]) < SMALLEST_SIDE:
        return None
    small = cv2.resize(pixels, preview.shape[1::-1], interpolation=cv2.INTER_AREA)
    one, two = (cv2.GaussianBlur(_luma(p), (0, 0), 1.0) for p in (small, preview))
    if min(one.std(), two.std()) < FLAT:
        return None
    return float(np.corrcoef(one.ravel(), two.ravel())[0, 1])


def _luma(pixels: Pixels) -> np.ndarray:
    return cv2.cvtColor(np.ascontiguousarray(pixels, np.uint8), cv2.COLOR_RGB2GRAY).astype(np.float32)
