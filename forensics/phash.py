"""A perceptual hash: signs of differences between neighbours of a small grey picture; and who belongs together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .records import Pixels

SIDE = 16
BITS = SIDE * SIDE


class Union:
    """Disjoint sets of numbers."""

    def __init__(self, count: int) -> None:
        self.parent = list(range(count))

    def root(self, number: int) -> int:
        """The set's smallest member."""
        while self.parent[number] != number:
            self.parent[number] = self.parent[self.parent[number]]
            number = self.parent[number]
        return number

    def join(self, a: int, b: int) -> None:
        """Make one set of two."""
        low, high = sorted((self.root(a), self.root(b)))
        self.parent[high] = low


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


def close_groups(hashes: bytes, most: int) -> list[list[int]]:
    """Numbers of the hashes (32 bytes each, joined) that belong together: chains of hashes within `most` bits.

    By the pigeonhole principle two such hashes agree in one of `most` + 1 bands of their bits; only those are
    compared, so that a hundred thousand pictures take seconds. Hashes that are nearly all 0 or 1 (flat pictures)
    belong nowhere.
    """
    if not hashes:
        return []
    raw = np.frombuffer(hashes, np.uint8).reshape(-1, BITS // 8)
    distinct, place = np.unique(raw, axis=0, return_inverse=True)
    counts = _POPCOUNT[distinct].sum(1)
    telling = np.flatnonzero((counts >= LEAST_BITS) & (counts <= BITS - LEAST_BITS))
    union = Union(len(distinct))
    for band in _bands(distinct[telling], most):
        for first, second in _alike(distinct[telling], band, most):
            union.join(int(telling[first]), int(telling[second]))
    roots = np.array([union.root(unique) for unique in range(len(distinct))])[place.ravel()]
    shared = np.isin(place.ravel(), telling) & (np.bincount(roots)[roots] > 1)
    found: dict[int, list[int]] = {}
    for number in np.flatnonzero(shared).tolist():
        found.setdefault(int(roots[number]), []).append(number)
    return list(found.values())


LEAST_BITS = 24
"""Bits of each kind that a hash must have to tell one picture from another."""
CROWD = 64
"""Most neighbours that one hash of a band is compared with."""
_POPCOUNT = np.array([number.bit_count() for number in range(256)], np.uint16)


def _bands(raw: NDArray[np.uint8], most: int) -> Iterator[NDArray[np.uint64]]:
    """One key a hash for each of `most` + 1 bands; bits are shuffled, as neighbours in a picture agree."""
    order = np.random.default_rng(0).permutation(BITS)
    for part in np.array_split(order, most + 1):
        bits = (raw[:, part // 8] >> (7 - part % 8).astype(np.uint8)) & 1
        yield bits @ (np.uint64(1) << np.arange(len(part), dtype=np.uint64))


def _alike(raw: NDArray[np.uint8], keys: NDArray[np.uint64], most: int) -> Iterator[tuple[int, int]]:
    """Pairs within `most` bits among hashes of one key; in a crowd only the nearest in order are compared."""
    order = np.argsort(keys, kind="stable")
    sorted_keys, ordered = keys[order], raw[order]
    for step in range(1, min(CROWD, len(order) - 1) + 1):
        same = np.flatnonzero(sorted_keys[step:] == sorted_keys[:-step])
        if not len(same):
            return
        differing = _POPCOUNT[ordered[same] ^ ordered[same + step]].sum(1)
        for place in same[differing <= most].tolist():
            yield int(order[place]), int(order[place + step])
