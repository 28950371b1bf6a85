"""TFRecords against protobuf's own encoder, a bitwise CRC and the RFC's values; damage is named."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from whichface.generator.crc32c import crc32c, masked
from whichface.generator.data import open_source
from whichface.generator.errors import DataError
from whichface.generator.tfrecord import decode_image, encode_image, frame, spans
from whichface.generator.writers import RecordWriter


def bitwise(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_crc_of_the_rfc(data, expected):
    assert crc32c(data) == expected


@pytest.mark.parametrize("length", [1, 15, 16, 17, 255, 1000, 5000])
def test_crc_of_any_length(length):
    data = np.random.default_rng(length).bytes(length)
    assert crc32c(data) == bitwise(data)


@pytest.fixture(scope="module")
def example():
    """tf.train.Example as protobuf builds it from its description."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="t", syntax="proto3")
    field = descriptor_pb2.FieldDescriptorProto

    def message(name, *fields):
        added = file.message_type.add(name=name)
        for number, (label, kind, repeated, type_name) in enumerate(fields, 1):
            added.field.add(
                name=label, number=number, type=kind, type_name=type_name,
                label=field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL,
            )  # fmt: skip
        return added

    message("BytesList", ("value", field.TYPE_BYTES, True, None))
    message("FloatList", ("value", field.TYPE_FLOAT, True, None))
    message("Int64List", ("value", field.TYPE_INT64, True, None))
    message(
        "Feature",
        ("bytes_list", field.TYPE_MESSAGE, False, ".t.BytesList"),
        ("float_list", field.TYPE_MESSAGE, False, ".t.FloatList"),
        ("int64_list", field.TYPE_MESSAGE, False, ".t.Int64List"),
    )
    features = message("Features", ("feature", field.TYPE_MESSAGE, True, ".t.Features.Entry"))
    entry = features.nested_type.add(name="Entry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    entry.field.add(
        name="value", number=2, type=field.TYPE_MESSAGE, type_name=".t.Feature",
        label=field.LABEL_OPTIONAL,
    )  # fmt: skip
    message("Example", ("features", field.TYPE_MESSAGE, False, ".t.Features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Example"))


def pixels(side=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def test_protobuf_reads_what_we_write(example):
    parsed = example.FromString(encode_image(pixels()))
    assert list(parsed.features.feature["shape"].int64_list.value) == [3, 8, 8]
    data = parsed.features.feature["data"].bytes_list.value[0]
    assert np.array_equal(np.frombuffer(data, np.uint8).reshape(3, 8, 8).transpose(1, 2, 0), pixels())


def test_we_read_what_protobuf_writes(example, tmp_path):
    wanted = [pixels(seed=seed) for seed in range(3)]
    with (tmp_path / "set-r03.tfrecords").open("wb") as stream:
        for picture in wanted:
            message = example()
            message.features.feature["shape"].int64_list.value.extend([3, 8, 8])
            message.features.feature["data"].bytes_list.value.append(
                picture.transpose(2, 0, 1).tobytes()
            )
            data = message.SerializeToString()
            length = struct.pack("<Q", len(data))
            for part in (length, data):
                crc = bitwise(part)
                mask = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
                stream.write(part + struct.pack("<I", mask))
    source = open_source(tmp_path)
    assert len(source) == 3 and source.resolution == 8
    assert all(np.array_equal(source.load(i), p) for i, p in enumerate(wanted))


def test_every_resolution_and_the_labels_are_written(tmp_path):
    writer = RecordWriter(tmp_path / "faces", 16)
    for number in range(3):
        writer.add(pixels(16, number), number % 2)
    writer.close()
    names = sorted(path.name for path in (tmp_path / "faces").iterdir())
    assert names == ["faces-r02.tfrecords", "faces-r03.tfrecords", "faces-r04.tfrecords", "faces-rxx.labels"]
    full, half = open_source(tmp_path / "faces"), open_source(tmp_path / "faces", 8)
    assert np.array_equal(full.load(1), pixels(16, 1)) and full.labels.tolist() == [0, 1, 0]
    means = pixels(16, 1).reshape(8, 2, 8, 2, 3).mean((1, 3))
    assert np.abs(half.load(1) - means).max() <= 0.5


@pytest.mark.parametrize(("place", "reason"), [(2, "length"), (40, "data"), (-20, "data")])
def test_a_flipped_bit_is_found(tmp_path, place, reason):
    data = bytearray(frame(encode_image(pixels())))
    data[place] ^= 4
    path = tmp_path / "bad-r03.tfrecords"
    path.write_bytes(data)
    with pytest.raises(DataError, match=f"damaged at record 0.*{reason}"):
        open_source(path)


def test_a_short_file_is_named(tmp_path):
    path = tmp_path / "short-r03.tfrecords"
    path.write_bytes(frame(encode_image(pixels()))[:-10])
    with pytest.raises(DataError, match=r"short-r03.tfrecords ends inside record 0"):
        spans(path)


@pytest.mark.parametrize("data", [b"", b"hello", b"\x0a\x00", encode_image(pixels())[:-1]])
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(DataError):
        decode_image(data)


def test_the_mask_is_the_published_one():
    assert masked(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF
