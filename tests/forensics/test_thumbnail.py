"""The preview in the EXIF block: found, compared, and never trusted to be well-formed."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from whichface.forensics.metadata import provenance
from whichface.forensics.photo import open_photo
from whichface.forensics.thumbnail import agreement, without_bars


def scene(width: int = 480, height: int = 320, seed: int = 0) -> Image.Image:
    """Soft coloured shapes, different for every seed."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def exif_with(preview: bytes, *, length: int | None = None) -> bytes:
    """An EXIF block whose second directory points to the preview: little-endian TIFF, written by hand."""
    start = 8 + 6 + 6 + 2 * 12
    first = struct.pack("<HI", 0, 14)
    entries = struct.pack("<HHII", 0x0201, 4, 1, start) + struct.pack(
        "<HHII", 0x0202, 4, 1, len(preview) if length is None else length
    )
    second = struct.pack("<H", 2) + entries + struct.pack("<I", 0)
    return b"Exif\0\0" + b"II*\0" + struct.pack("<I", 8) + first + second + preview


def jpeg_of(image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def preview_of(image: Image.Image, *, bars: bool = False) -> bytes:
    small = image.copy()
    small.thumbnail((160, 120))
    if bars:
        canvas = Image.new("RGB", (160, 120))
        canvas.paste(small, ((160 - small.width) // 2, (120 - small.height) // 2))
        small = canvas
    return jpeg_of(small, quality=60)


def kinds(data: bytes) -> list[str]:
    return [fact.kind for fact in provenance(open_photo(data))]


@pytest.mark.parametrize("bars", [False, True])
def test_a_preview_of_the_picture_says_nothing(bars: bool) -> None:
    picture = scene()
    data = jpeg_of(picture, exif=exif_with(preview_of(picture, bars=bars)))
    assert open_photo(data).source.thumbnail is not None
    assert "thumbnail" not in kinds(data)


def test_a_preview_of_another_picture_is_told() -> None:
    assert "thumbnail" in kinds(jpeg_of(scene(), exif=exif_with(preview_of(scene(seed=1)))))


def test_a_cropped_picture_is_told() -> None:
    picture = scene()
    part = picture.crop((200, 100, 440, 260))
    assert "thumbnail" in kinds(jpeg_of(part, exif=exif_with(preview_of(picture))))


def test_a_turned_preview_is_the_same_picture() -> None:
    picture = scene()
    turned = picture.transpose(Image.Transpose.ROTATE_90)
    assert "thumbnail" not in kinds(jpeg_of(picture, exif=exif_with(preview_of(turned))))


@pytest.mark.parametrize(
    "block",
    [
        exif_with(b"no picture at all"),
        exif_with(b"", length=50_000),
        exif_with(preview_of(scene()), length=2**31),
        exif_with(preview_of(scene())[:300]),
        exif_with(jpeg_of(Image.new("RGB", (2000, 8)))),
    ],
    ids=["junk", "beyond the end", "huge", "cut off", "wrong size"],
)
def test_a_damaged_preview_is_no_preview(block: bytes) -> None:
    photo = open_photo(jpeg_of(scene(), exif=block))
    assert photo.source.thumbnail is None


def test_a_plain_picture_cannot_be_compared() -> None:
    grey = np.full((100, 150, 3), 90, np.uint8)
    assert agreement(grey, grey[:50, :75].copy()) is None


def test_bars_are_cut_to_the_pictures_shape() -> None:
    thumbnail = np.zeros((120, 160, 3), np.uint8)
    assert without_bars(thumbnail, 1.5).shape == (107, 160, 3)
    assert without_bars(thumbnail, 0.75).shape == (120, 90, 3)
    assert without_bars(thumbnail, 4 / 3).shape == (120, 160, 3)
