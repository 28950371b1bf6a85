"""CRC-32C (Castagnoli, RFC 3720 appendix B.4) of long byte strings with numpy, and TFRecord's masked form."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

POLYNOMIAL = 0x82F63B78
MASK_DELTA = 0xA282EAD8
Words = NDArray[np.uint32]


@cache
def table() -> Words:
    """(256,) remainders of single bytes, reflected."""
    values: Words = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        odd = np.where(values & 1, POLYNOMIAL, 0).astype(np.uint32)
        values = (values >> np.uint32(1)) ^ odd
    return values


def _advance(state: Words, column: NDArray[np.uint8]) -> Words:
    """Every state moved on by one byte."""
    return (state >> 8) ^ table()[(state ^ column) & 0xFF]


@cache
def _skip(length: int) -> Words:
    """(4, 256) what each byte of a state becomes after `length` zero bytes."""
    state = (np.arange(256, dtype=np.uint32)[None] << (8 * np.arange(4, dtype=np.uint32))[:, None])
    zero = np.zeros_like(state, dtype=np.uint8)
    for _ in range(length):
        state = _advance(state, zero)
    return state


def crc32c(data: bytes) -> int:
    """The checksum of `data`, which is cut into equal rows that advance side by side."""
    count = max(1, int(len(data) ** 0.5))
    length = max(16, 1 << (len(data) // count).bit_length())
    body = np.frombuffer(data, np.uint8)
    rows = len(body) // length
    state = np.uint32(0xFFFFFFFF)
    if rows:
        state = _joined(body[: rows * length].reshape(rows, length), state)
    for byte in body[rows * length :]:
        state = (state >> np.uint32(8)) ^ table()[int(state ^ byte) & 0xFF]
    return int(state) ^ 0xFFFFFFFF


def _joined(rows: NDArray[np.uint8], state: np.uint32) -> np.uint32:
    """The state after all rows: each row's own remainder, added up with the state carried over it."""
    own = np.zeros(len(rows), np.uint32)
    for column in rows.T:
        own = _advance(own, column)
    skip = _skip(rows.shape[1])
    value = int(state)
    parts = skip.tolist()
    for remainder in own.tolist():
        value = (
            parts[0][value & 255]
            ^ parts[1][value >> 8 & 255]
            ^ parts[2][value >> 16 & 255]
            ^ parts[3][value >> 24]
            ^ remainder
        )
    return np.uint32(value)


def masked(data: bytes) -> int:
    """CRC-32C rotated right by 15 bits plus a constant, as TFRecord stores it."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & 0xFFFFFFFF
