"""A mild re-encoding, as one upload would do: what a firm verdict must survive."""

from __future__ import annotations

from whichface.forensics.geometry import CropFrame
from whichface.forensics.recompress import jpeg, resize
from whichface.forensics.records import Pixels

from .canonical import ENLARGE

FACTOR = 0.92
QUALITY = 82
# Beyond this face side the second look starts from a shrunk copy: only scales up to 256 are looked at again.
LARGEST = 400.0


def re_encoded(pixels: Pixels, frame: CropFrame, scale: int) -> tuple[Pixels, CropFrame]:
    """Picture and face square after a resize by up to 8 % and JPEG quality 82.

    A face that would fall below its `scale` keeps its size and is only re-encoded. Raises CodecLimitError.
    """
    scale = min(scale, 256)
    factor = min(FACTOR, LARGEST / frame.side)
    if frame.side * factor * ENLARGE < scale:
        factor = 1.0
    if factor < 1:
        pixels, frame = resize(pixels, factor, "bicubic"), frame.scaled(factor)
    return jpeg(pixels, QUALITY), frame
