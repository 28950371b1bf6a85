"""TFRecord files as StyleGAN's own tools write them, without TensorFlow.

A record is: uint64 length, masked CRC-32C of the length, the data, masked CRC-32C of the data; little-endian. The
data is a tf.train.Example with the features `shape` (C, H, W as int64 list) and `data` (uint8 in that order).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .crc32c import masked
from .errors import DataError

MAX_RECORD = 1 << 28
"""Longest record that is read, in bytes."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a record's data lies in its file."""

    offset: int
    length: int


def frame(data: bytes) -> bytes:
    """One record as it stands in the file."""
    length = struct.pack("<Q", len(data))
    return b"".join(
        [length, struct.pack("<I", masked(length)), data, struct.pack("<I", masked(data))]
    )


def spans(path: Path) -> list[Span]:
    """Every record of a file, found by the lengths alone, whose checksums are verified. Raises DataError."""
    found: list[Span] = []
    size = path.stat().st_size
    with path.open("rb") as stream:
        while stream.tell() < size:
            length = _length(stream, path, len(found))
            found.append(Span(stream.tell(), length))
            stream.seek(length + 4, 1)
            if stream.tell() > size:
                raise DataError(f"{path.name} ends inside record {len(found) - 1}.")
    return found


def _length(stream: BinaryIO, path: Path, number: int) -> int:
    head = stream.read(12)
    if len(head) < 12:
        raise DataError(f"{path.name} ends inside record {number}.")
    length, check = struct.unpack("<QI", head)
    if masked(head[:8]) != check or length > MAX_RECORD:
        raise DataError(f"{path.name} is damaged at record {number}: the length's checksum is wrong.")
    return int(length)


def read_record(stream: BinaryIO, span: Span, name: str, number: int) -> bytes:
    """The data of one record, its checksum verified. Raises DataError."""
    stream.seek(span.offset)
    data, check = stream.read(span.length), stream.read(4)
    if len(data) < span.length or len(check) < 4:
        raise DataError(f"{name} ends inside record {number}.")
    if struct.pack("<I", masked(data)) != check:
        raise DataError(f"{name} is damaged at record {number}: the checksum of its data is wrong.")
    return data


def encode_image(pixels: NDArray[np.uint8]) -> bytes:
    """A tf.train.Example of HxWxC pixels."""
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    numbers = b"".join(_varint(side) for side in planes.shape)
    shape = _field(3, _field(1, numbers))  # Feature.int64_list, packed
    data = _field(1, _field(1, planes.tobytes()))  # Feature.bytes_list
    entries = [_field(1, b"shape") + _field(2, shape), _field(1, b"data") + _field(2, data)]
    return _field(1, b"".join(_field(1, entry) for entry in entries))


def decode_image(example: bytes, name: str = "The record") -> NDArray[np.uint8]:
    """HxWxC pixels of a tf.train.Example. Raises DataError for anything else."""
    try:
        features = dict(_features(example))
        shape = tuple(_integers(features["shape"]))
        data = next(body for number, body in _fields(features["data"]) if number == 1)
    except (KeyError, StopIteration, IndexError, ValueError) as error:
        raise DataError(f"{name} is no picture as StyleGAN stores them.") from error
    if len(shape) != 3 or not min(shape) > 0 or int(np.prod(shape)) != len(data):
        raise DataError(f"{name} says it has shape {shape} but holds {len(data)} bytes.")
    planes = np.frombuffer(data, np.uint8).reshape(shape)
    return np.ascontiguousarray(planes.transpose(1, 2, 0))


def _features(example: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and list of every feature."""
    for _, features in _fields(example):
        for _, entry in _fields(features):
            parts = dict(_fields(entry))
            yield parts[1].decode("utf-8"), next(body for _, body in _fields(parts[2]))


def _integers(body: bytes) -> list[int]:
    """Values of an int64 list, packed or not."""
    values = []
    at = 0
    while at < len(body):
        key, at = _read_varint(body, at)
        if key & 7 == 0:
            value, at = _read_varint(body, at)
            values.append(value)
            continue
        length, at = _read_varint(body, at)
        end = at + length
        while at < end:
            value, at = _read_varint(body, at)
            values.append(value)
    return values


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of every length-delimited field. Raises ValueError for other wire types."""
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        length, at = _read_varint(message, at)
        if key & 7 != 2 or at + length > len(message):
            raise ValueError("not a length-delimited field")
        yield key >> 3, message[at : at + length]
        at += length


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
