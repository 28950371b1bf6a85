"""Opening pictures: every format, mode and orientation against known pixels; hostile bytes."""

import io
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from whichface.forensics.errors import (
    MissingExtraError,
    PhotoError,
    PhotoFormatError,
    PhotoNotFoundError,
    PhotoTooLargeError,
    PhotoTruncatedError,
)
from whichface.forensics.photo import PhotoLimits, open_photo
from whichface.forensics.records import Photo

LOSSY = {"JPEG": 12, "WEBP": 12, "AVIF": 12, "HEIF": 12}
LOSSLESS = ("PNG", "GIF", "BMP", "TIFF")


def picture(width: int = 48, height: int = 32) -> np.ndarray:
    """A smooth picture with four different corners, HxWx3 uint8."""
    x, y = np.meshgrid(np.linspace(20, 235, width), np.linspace(20, 235, height))
    return np.stack([x, y, 255 - (x + y) / 2], -1).round().astype(np.uint8)


def encoded(pixels: np.ndarray | Image.Image, format: str = "PNG", **options: object) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    if format == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def difference(photo: Photo, pixels: np.ndarray) -> int:
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.flags.c_contiguous
    assert photo.pixels.shape == pixels.shape
    return int(np.abs(photo.pixels.astype(int) - pixels).max())


@pytest.mark.parametrize("format", [*LOSSY, *LOSSLESS])
def test_each_format_comes_back(format: str) -> None:
    pixels = picture()
    if format == "GIF":
        pixels = np.repeat(pixels[..., :1], 3, 2)
    options = {"quality": 95} if format in LOSSY else {}
    photo = open_photo(encoded(pixels, format, **options))
    assert photo.source.format == format
    assert photo.source.stored_size == (48, 32)
    assert difference(photo, pixels) <= LOSSY.get(format, 0)
    assert photo.warnings == ()
    assert photo.path is None


def test_path_string_bytes_and_stream_agree(tmp_path: Path) -> None:
    path = tmp_path / "misnamed.txt"
    path.write_bytes(encoded(picture()))
    with path.open("rb") as stream:
        photos = [open_photo(s) for s in (path, str(path), path.read_bytes(), stream)]
    assert len({photo.sha256 for photo in photos}) == 1
    assert photos[0].path == photos[1].path == path
    assert photos[0].source.byte_count == path.stat().st_size


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations_are_turned_upright(orientation: int, format: str) -> None:
    upright = picture()
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if format in LOSSY else {}
    data = encoded(np.ascontiguousarray(stored), format, exif=exif, **options)
    photo = open_photo(data)
    assert difference(photo, upright) <= LOSSY.get(format, 0)
    if format != "AVIF":
        assert photo.source.orientation == orientation
        assert photo.source.stored_size == stored.shape[1::-1]


def test_grey_one_bit_and_palette() -> None:
    grey = picture()[..., 0]
    assert difference(open_photo(encoded(grey)), np.repeat(grey[..., None], 3, 2)) == 0
    bits = Image.fromarray(grey).convert("1", dither=Image.Dither.NONE)
    assert set(np.unique(open_photo(encoded(bits)).pixels)) == {0, 255}
    palette = Image.fromarray(picture()).quantize(64)
    expected = np.asarray(palette.convert("RGB"))
    assert difference(open_photo(encoded(palette)), expected) == 0


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_flattened_over_white(mode: str) -> None:
    image = Image.new(mode, (4, 2), (0,) * len(mode))
    photo = open_photo(encoded(image))
    assert (photo.pixels == 255).all()
    assert photo.source.has_alpha
    assert any("Transparent" in warning for warning in photo.warnings)
    opaque = open_photo(encoded(Image.new(mode, (4, 2), (9,) * (len(mode) - 1) + (255,))))
    assert (opaque.pixels == 9).all()
    assert not opaque.source.has_alpha
    assert opaque.warnings == ()


def test_half_transparent_black_is_mid_grey() -> None:
    photo = open_photo(encoded(Image.new("RGBA", (2, 2), (0, 0, 0, 128))))
    assert np.abs(photo.pixels.astype(int) - 127).max() <= 1


def test_palette_with_transparency() -> None:
    indices = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "P")
    indices.putpalette([255, 0, 0, 0, 0, 255])
    for format in ("PNG", "GIF"):
        photo = open_photo(encoded(indices, format, transparency=0))
        expected = [[[255] * 3, [0, 0, 255]], [[0, 0, 255], [255] * 3]]
        assert photo.pixels.tolist() == expected


def test_colour_key_transparency() -> None:
    pixels = np.array([[[1, 2, 3], [200, 0, 0]]], np.uint8)
    photo = open_photo(encoded(pixels, transparency=(1, 2, 3)))
    assert photo.pixels.tolist() == [[[255, 255, 255], [200, 0, 0]]]


def test_cmyk_with_and_without_adobe_marker() -> None:
    pixels = np.full((16, 16, 3), (200, 60, 30), np.uint8)
    data = encoded(Image.fromarray(pixels).convert("CMYK"), "JPEG", quality=95)
    assert difference(open_photo(data), pixels) <= 4
    at = data.index(b"\xff\xee")
    length = struct.unpack(">H", data[at + 2 : at + 4])[0]
    plain = open_photo(data[:at] + data[at + 2 + length :])
    assert plain.source.mode == "CMYK"
    assert difference(plain, pixels) > 50
    tiff = encoded(Image.fromarray(pixels).convert("CMYK"), "TIFF")
    assert difference(open_photo(tiff), pixels) == 0


def png_chunk(kind: bytes, body: bytes) -> bytes:
    crc = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def raw_png(width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header),
            png_chunk(b"IDAT", zlib.compress(rows)),
            png_chunk(b"IEND", b""),
        ]
    )


def test_sixteen_bit_grey_and_colour_are_reduced() -> None:
    levels = np.array([[0, 257 * 7, 257 * 128, 65535]], np.uint16)
    photo = open_photo(encoded(Image.fromarray(levels)))
    assert photo.pixels[0, :, 0].tolist() == [0, 7, 128, 255]
    assert any("8 bits" in warning for warning in photo.warnings)
    row = b"\0" + np.array([257 * 10, 257 * 20, 257 * 30], ">u2").tobytes()
    colour = open_photo(raw_png(1, 1, row, depth=16))
    assert colour.pixels.tolist() == [[[10, 20, 30]]]
    assert any("8 bits" in warning for warning in colour.warnings)


def test_float_tiff() -> None:
    unit = np.array([[0.0, 0.5, 1.0, np.nan]], np.float32)
    photo = open_photo(encoded(Image.fromarray(unit), "TIFF"))
    assert photo.pixels[0, :, 0].tolist() == [0, 128, 255, 0]
    wild = open_photo(encoded(Image.fromarray(unit[:, :3] * 4000 - 2000), "TIFF"))
    assert wild.pixels[0, :, 0].tolist() == [0, 128, 255]
    assert any("stretched" in warning for warning in wild.warnings)


def swapped_profile() -> bytes:
    """The sRGB profile with its red and blue primaries exchanged."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return data.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


def test_profile_is_honoured() -> None:
    pixels = picture()
    photo = open_photo(encoded(pixels, icc_profile=swapped_profile()))
    assert difference(photo, pixels[..., ::-1]) <= 3
    assert photo.source.icc_profile
    assert photo.warnings == ()


def test_srgb_profile_leaves_pixels_alone() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert difference(open_photo(encoded(picture(), icc_profile=profile)), picture()) == 0
    grey = picture()[..., 0]
    photo = open_photo(encoded(grey, icc_profile=profile))
    assert difference(photo, np.repeat(grey[..., None], 3, 2)) == 0


@pytest.mark.parametrize("profile", [b"rubbish", b"\0" * 200, swapped_profile()[:300]])
def test_broken_profile_is_a_warning(profile: bytes) -> None:
    photo = open_photo(encoded(picture(), icc_profile=profile))
    assert difference(photo, picture()) == 0
    assert any("profile" in warning for warning in photo.warnings)


def test_animation_gives_the_first_frame_and_a_warning() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for format in ("GIF", "PNG", "WEBP", "TIFF"):
        options = {"lossless": True} if format == "WEBP" else {}
        data = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
        photo = open_photo(data)
        assert photo.pixels[0, 0].tolist() == [255, 0, 0], format
        assert photo.source.frames == 3
        assert any("first of 3" in warning for warning in photo.warnings)


def test_pixel_limit_fails_fast_on_a_bomb() -> None:
    bomb = raw_png(50_000, 50_000, b"\0" * 1000)
    with pytest.raises(PhotoTooLargeError, match="pixels"):
        open_photo(bomb)
    with pytest.raises(PhotoTooLargeError, match="48 × 32 pixels"):
        open_photo(encoded(picture()), limits=PhotoLimits(max_pixels=1000))


def test_byte_limit(tmp_path: Path) -> None:
    path = tmp_path / "long.png"
    path.write_bytes(encoded(picture()))
    for source in (path, path.read_bytes(), io.BytesIO(path.read_bytes())):
        with pytest.raises(PhotoTooLargeError, match="limit"):
            open_photo(source, limits=PhotoLimits(max_bytes=100))


def test_text_bomb_does_not_stop_the_picture() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "a" * 5_000_000, zip=True)
    photo = open_photo(encoded(picture(), pnginfo=info))
    assert difference(photo, picture()) == 0
    assert len(photo.source.text["workflow"]) <= 65_536


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("empty.jpg", b"", PhotoTruncatedError, "empty.jpg is empty"),
        ("note.jpg", b"Dear editor,\n", PhotoFormatError, "note.jpg is text"),
        ("page.jpg", b"<!DOCTYPE html><html>", PhotoFormatError, "web page"),
        ("paper.png", b"%PDF-1.7\n\xff\x00", PhotoFormatError, "PDF"),
        ("noise.png", bytes(range(1, 250)), PhotoFormatError, "supported format"),
        ("head.jpg", b"\xff\xd8\xff", PhotoTruncatedError, "cut off"),
        ("head.png", b"\x89PNG\r\n\x1a\n", PhotoTruncatedError, "cut off"),
        ("head.gif", b"GIF89a", PhotoTruncatedError, "cut off"),
        ("head.bmp", b"BM", PhotoTruncatedError, "cut off"),
        ("head.webp", b"RIFF\xff\0\0\0WEBP", PhotoTruncatedError, "cut off"),
    ],
)
def test_what_is_no_picture(
    tmp_path: Path, name: str, content: bytes, error: type[PhotoError], words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(error, match=words) as caught:
        open_photo(path)
    message = str(caught.value)
    assert message.startswith(name)
    assert message.endswith(".")
    assert "\n" not in message


def test_missing_folder_and_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PhotoNotFoundError, match=r"gone\.jpg does not exist"):
        open_photo(tmp_path / "gone.jpg")
    with pytest.raises(PhotoNotFoundError, match="folder"):
        open_photo(tmp_path)
    with pytest.raises(PhotoNotFoundError):
        open_photo("nul\0byte.jpg")
    with pytest.raises(PhotoNotFoundError):
        open_photo("x" * 5000)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PhotoNotFoundError, match="permission"):
        open_photo(tmp_path / "locked.jpg")


def test_name_in_messages_cannot_steer_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31mb.jpg"
    path.write_bytes(b"words")
    with pytest.raises(PhotoFormatError) as caught:
        open_photo(path)
    assert "\x1b" not in str(caught.value)


def test_caller_mistakes() -> None:
    for wrong in (io.StringIO("text"), 7, None):
        with pytest.raises(ValueError, match="source"):
            open_photo(wrong)  # type: ignore[arg-type]


def test_heic_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(picture(), "HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingExtraError, match=r"whichface\[heic\]"):
        open_photo(data)


SMALL: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: encoded(picture(24, 24), "JPEG", quality=80, comment=b"hello"),
    "progressive": lambda: encoded(picture(24, 24), "JPEG", quality=80, progressive=True),
    "PNG": lambda: encoded(picture(16, 12), icc_profile=swapped_profile()),
    "palette": lambda: encoded(Image.fromarray(picture(16, 12)).quantize(8), "PNG"),
    "WEBP": lambda: encoded(picture(16, 12), "WEBP"),
    "AVIF": lambda: encoded(picture(16, 12), "AVIF"),
    "HEIF": lambda: encoded(picture(16, 16), "HEIF"),
    "GIF": lambda: encoded(picture(16, 12), "GIF"),
    "BMP": lambda: encoded(picture(16, 12), "BMP"),
    "TIFF": lambda: encoded(picture(16, 12), "TIFF"),
    "lzw": lambda: encoded(picture(16, 12), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("kind", SMALL)
def test_truncated_anywhere_is_a_photo_or_a_photo_error(kind: str) -> None:
    data = SMALL[kind]()
    whole = open_photo(data).pixels
    for length in np.unique(np.linspace(1, len(data) - 1, 40).astype(int)):
        try:
            photo = open_photo(data[:length])
        except PhotoError as error:
            assert str(error).endswith(".")
        else:
            assert np.array_equal(photo.pixels, whole), f"silent damage at {length}"


@pytest.mark.parametrize("kind", ["JPEG", "progressive", "PNG", "GIF", "BMP"])
def test_half_a_file_says_that_it_is_cut_off(kind: str) -> None:
    data = SMALL[kind]()
    with pytest.raises(PhotoTruncatedError, match="cut off"):
        open_photo(data[: len(data) * 9 // 10])


def test_an_end_made_up_by_the_decoder_is_noticed() -> None:
    rows = (b"\0" + b"\x50" * 24) * 3
    with pytest.raises(PhotoTruncatedError, match="last rows are missing"):
        open_photo(raw_png(8, 8, rows))
    black = open_photo(raw_png(8, 8, rows + bytes(25 * 5)))
    assert black.pixels[:, 0, 0].tolist() == [80] * 3 + [0] * 5
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    jpeg = encoded(noise, "JPEG", quality=80)
    assert open_photo(jpeg).warnings == ()
    closed = open_photo(jpeg[: len(jpeg) // 2] + b"\xff\xd9")
    assert any("plain grey" in warning for warning in closed.warnings)
    grey = encoded(np.full((64, 64, 3), 128, np.uint8), "JPEG")
    assert open_photo(grey).warnings == ()


@pytest.mark.parametrize("kind", SMALL)
def test_mutated_bytes_raise_only_photo_errors(kind: str) -> None:
    data = np.frombuffer(SMALL[kind](), np.uint8)
    generator = np.random.default_rng(7)
    for _ in range(200 if kind not in {"AVIF", "HEIF"} else 40):
        mutant = data.copy()
        places = generator.integers(0, min(len(data), 700), generator.integers(1, 6))
        mutant[places] = generator.integers(0, 256, len(places))
        try:
            photo = open_photo(mutant.tobytes(), limits=PhotoLimits(max_pixels=4_000_000))
        except PhotoError:
            continue
        assert photo.pixels.ndim == 3
