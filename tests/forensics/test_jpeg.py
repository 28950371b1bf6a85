"""JPEG structure against files whose settings are known, and against Pillow's own reading."""

import io
import struct

import numpy as np
import pytest
from PIL import Image
from skimage import data

from whichface.forensics.errors import PhotoFormatError
from whichface.forensics.ijg import ijg_table, nearest_quality
from whichface.forensics.jpeg import ZIGZAG, parse_dqt, parse_jpeg, subsampling
from whichface.forensics.photo import open_photo

PHOTOGRAPH = Image.fromarray(data.astronaut()[:128, 100:260])


def saved(image: Image.Image = PHOTOGRAPH, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("quality", [30, 50, 75, 90, 95, 100])
def test_quality_and_tables_are_reported_exactly(quality: int) -> None:
    contents = saved(quality=quality)
    source = open_photo(contents).source
    assert (source.jpeg_quality, source.jpeg_quality_exact) == (quality, True)
    assert source.quantisation_tables == (ijg_table(quality), ijg_table(quality, chroma=True))
    with Image.open(io.BytesIO(contents)) as image:  # Pillow too undoes the zigzag
        assert source.quantisation_tables == tuple(map(tuple, image.quantization.values()))


def test_natural_order_is_row_major() -> None:
    assert ijg_table(50)[:9] == (16, 11, 10, 16, 24, 40, 51, 61, 12)
    assert ZIGZAG[:11].tolist() == [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32]
    assert sorted(ZIGZAG) == list(range(64))


@pytest.mark.parametrize("width", [1, 2])
def test_dqt_of_8_and_16_bits(width: int) -> None:
    natural = np.arange(1, 65) * (1 if width == 1 else 300)
    raw = natural[ZIGZAG].astype(">u2" if width == 2 else "u1").tobytes()
    head = bytes([(width - 1) << 4 | 3])
    assert parse_dqt(head + raw) == {3: tuple(natural.tolist())}
    assert parse_dqt(head + raw[:-1]) == {}


def test_every_quality_is_found_and_a_foreign_table_is_not_exact() -> None:
    for quality in range(1, 101):
        tables = {0: ijg_table(quality), 1: ijg_table(quality, chroma=True)}
        assert nearest_quality(tables) == (quality, True)
    foreign = {0: tuple(step + (n == 5) for n, step in enumerate(ijg_table(80)))}
    assert nearest_quality(foreign) == (80, False)
    assert nearest_quality({}) is None
    assert nearest_quality({0: ijg_table(80), 1: ijg_table(70, chroma=True)}) == (80, False)


@pytest.mark.parametrize("quality", [0, 101])
def test_quality_out_of_range(quality: int) -> None:
    with pytest.raises(ValueError, match="quality"):
        ijg_table(quality)


@pytest.mark.parametrize(("option", "name"), [(0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")])
def test_subsampling(option: int, name: str) -> None:
    assert open_photo(saved(subsampling=option)).source.subsampling == name


def test_rarer_subsampling_and_grey() -> None:
    ones = ((1, 1, 1), (1, 1, 1))
    assert subsampling(((4, 1, 0), *ones)) == "4:1:1"
    assert subsampling(((1, 2, 0), *ones)) == "4:4:0"
    assert subsampling(((3, 1, 0), *ones)) == "other"
    assert subsampling(((1, 1, 0), (0, 1, 1), (0, 1, 1))) == "other"
    grey = open_photo(saved(PHOTOGRAPH.convert("L"), quality=60)).source
    assert grey.subsampling is None
    assert (grey.jpeg_quality, grey.jpeg_quality_exact) == (60, True)


@pytest.mark.parametrize("progressive", [True, False])
def test_progressive(progressive: bool) -> None:
    contents = saved(progressive=progressive, quality=85)
    source = open_photo(contents).source
    assert source.progressive is progressive
    assert source.jpeg_quality == 85
    facts = parse_jpeg(contents)
    assert facts.complete
    assert facts.size == PHOTOGRAPH.size
    assert not parse_jpeg(contents[:-2]).complete


def test_restart_interval_and_comments() -> None:
    facts = parse_jpeg(saved(restart_marker_blocks=4, comment="a note"))
    assert facts.restart_interval == 4
    assert facts.comments == (b"a note",)


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def test_words_in_pixels_or_comments_are_no_metadata() -> None:
    words = b"http://ns.adobe.com/xap/1.0/\0<x/> jumb c2pa \xff\xdb"
    contents = saved()
    forged = contents[:2] + segment(0xFE, words) + contents[2:]
    facts = parse_jpeg(forged)
    assert facts.xmp is None
    assert not facts.has_c2pa
    assert facts.tables == parse_jpeg(contents).tables


def test_thumbnail_tables_inside_exif_are_not_taken() -> None:
    contents = saved(quality=90)
    forged = contents[:2] + segment(0xE1, b"Exif\0\0" + saved(quality=10)) + contents[2:]
    assert open_photo(forged).source.jpeg_quality == 90


def test_c2pa_box_is_told_by_structure() -> None:
    uuid = b"c2pa" + bytes.fromhex("00110010800000aa00389b71")
    jumd = struct.pack(">I", 8 + 16) + b"jumd" + uuid
    box = struct.pack(">I", 8 + len(jumd)) + b"jumb" + jumd
    body = b"JP\0\1\0\0\0\1" + box
    assert parse_jpeg(b"\xff\xd8" + segment(0xEB, body)).has_c2pa
    assert not parse_jpeg(b"\xff\xd8" + segment(0xEB, body.replace(b"c2pa", b"asoc"))).has_c2pa


def test_hostile_structures_end() -> None:
    for contents in (b"\xff\xd8" + b"\xff" * 100_000, b"\xff\xd8" + b"\xff\xe0\0\2" * 50_000):
        assert not parse_jpeg(contents).complete


@pytest.mark.parametrize("fill", [b"\xff", b"\xff\0"])
def test_a_flood_of_fill_bytes_is_refused(fill: bytes) -> None:
    contents = saved()
    with pytest.raises(PhotoFormatError, match="stall"):
        open_photo(contents[:2] + fill * 100_000 + contents[2:])
    assert not parse_jpeg(contents[:2] + b"\xff" * 9 + contents[2:]).exhausting


def test_a_flood_of_scans_is_refused() -> None:
    contents = saved(progressive=True)
    assert not parse_jpeg(contents).exhausting
    last = contents[contents.rindex(b"\xff\xda") : -2]
    with pytest.raises(PhotoFormatError, match="stall"):
        open_photo(contents[:-2] + last * 300 + contents[-2:])
