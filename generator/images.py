"""Tensors to pictures: grids and PNG files that say what made them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from whichface.forensics.files import whole
from whichface.forensics.metadata import OWN_KEY
from whichface.forensics.records import Pixels

SETTINGS_KEY = "whichface:settings"
"""PNG text key of the seed and the settings, as JSON; the name of the generator is under OWN_KEY."""


def to_pixels(images: NDArray[np.floating]) -> Pixels:
    """(N, 3, H, W) in about [-1, 1] to (N, H, W, 3) uint8: x * 127.5 + 128, cut off at the ends."""
    values = np.clip(images * 127.5 + 128, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(values.transpose(0, 2, 3, 1))


def tile(pictures: NDArray[np.uint8], columns: int) -> Pixels:
    """(N, H, W, 3) pictures in rows of `columns`; the last row is filled with white."""
    count, height, width = pictures.shape[:3]
    rows = -(-count // columns)
    sheet = np.full((rows * columns, height, width, 3), 255, np.uint8)
    sheet[:count] = pictures
    grid = sheet.reshape(rows, columns, height, width, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(grid.reshape(rows * height, columns * width, 3))


def save_png(
    path: Path, pixels: Pixels, *, generator: str | None = None, settings: Mapping[str, Any] | None = None
) -> None:
    """A PNG; of a generated picture the text chunks name the generator and the settings. Raises OSError."""
    info = PngInfo()
    if generator is not None:
        info.add_text(OWN_KEY, generator)
        info.add_text(SETTINGS_KEY, json.dumps(dict(settings or {}), sort_keys=True))
    with whole(path) as beside:
        Image.fromarray(pixels).save(beside, format="PNG", pnginfo=info)
