"""A perceptual hash of aligned faces: signs of differences between neighbours of a small grey picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .records import Pixels

SIDE = 16
BITS = SIDE * SIDE


def difference_hash(pixels: Pixels) -> str:
    """256 bits as 64 hexadecimal digits: is each of 16 x 16 places brighter than its left neighbour?"""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
    bits = small[:, 1:] > small[:, :-1]
    return np.packbits(bits).tobytes().hex()


def bits_of(hashes: Sequence[str]) -> NDArray[np.float32]:
    """(N, 256) of -1 and 1."""
    raw = np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(len(hashes), -1)
    return np.unpackbits(raw, axis=1).astype(np.float32) * 2 - 1


def near_pairs(
    first: Sequence[str], second: Sequence[str], most: int, block: int = 1024
) -> list[tuple[int, int]]:
    """Index pairs (i of `first`, j of `second`) whose hashes differ in at most `most` bits."""
    if not first or not second:
        return []
    a, b = bits_of(first), bits_of(second)
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(a), block):
        differing = (BITS - a[start : start + block] @ b.T) / 2
        rows, columns = np.nonzero(differing <= most)
        pairs += [(int(i) + start, int(j)) for i, j in zip(rows, columns, strict=True)]
    return pairs
