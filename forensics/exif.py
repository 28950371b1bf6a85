"""EXIF as short printable text, and the orientation; nothing in it is trusted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from PIL import ExifTags, Image

from .hostile import UNREADABLE, printable

_MAX_TAGS = 200
_MAX_VALUE, _MAX_COMMENT = 300, 4096
_LONG = frozenset({"UserComment", "ImageDescription", "XPComment", "XPTitle", "XPSubject"})
_STRUCTURE = frozenset(
    {
        "ExifOffset", "GPSInfo", "StripOffsets", "StripByteCounts", "TileOffsets", "TileByteCounts",
        "JPEGTables", "InterColorProfile", "XMLPacket", "ImageResources", "PrintImageMatching",
        "FreeOffsets", "FreeByteCounts", "SubIFDs", "JpegIFOffset", "JpegIFByteCount", "Padding",
        "ColorMap", "TransferFunction", "IPTCNAA",
    }
)  # fmt: skip
"""Tags that hold pointers and tables, not statements."""


def load_exif(image: Image.Image) -> Image.Exif:
    """Return the EXIF block of an opened picture; an empty one when it is absent or unreadable."""
    exif = Image.Exif()
    try:
        if image.format == "TIFF":
            return image.getexif()
        raw = image.info.get("exif")
        if raw:
            exif.load(raw)
    except UNREADABLE:
        return Image.Exif()
    return exif


def orientation_of(exif: Image.Exif) -> int:
    """Return the EXIF orientation, 1 to 8; 1 when it is absent or nonsense."""
    try:
        value = exif.get(ExifTags.Base.Orientation, 1)
    except UNREADABLE:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def exif_text(exif: Image.Exif) -> dict[str, str]:
    """Return the statements of both EXIF directories by tag name; `GPSInfo` is only "present"."""
    facts: dict[str, str] = {}
    for number, value in _entries(exif):
        name = ExifTags.TAGS.get(number)
        if name is None or name in _STRUCTURE or name in facts:
            continue
        text = value_text(name, value)
        if text:
            facts[name] = text
    if _has_gps(exif):
        facts["GPSInfo"] = "present"
    return facts


def value_text(name: str, value: Any) -> str:
    """Return one EXIF value as printable text of at most 300 characters (4,096 for comments)."""
    limit = _MAX_COMMENT if name in _LONG else _MAX_VALUE
    try:
        return printable(_raw_text(name, value), limit)
    except UNREADABLE:
        return ""


def _entries(exif: Image.Exif) -> Iterator[tuple[int, Any]]:
    """Yield (number, value) of the main directory and of the Exif directory, at most 200 each."""
    try:
        yield from _readable(exif, dict.fromkeys(islice(exif, _MAX_TAGS)))
        inner = exif.get_ifd(ExifTags.IFD.Exif)
        yield from islice(inner.items(), _MAX_TAGS)
    except UNREADABLE:
        return


def _readable(exif: Image.Exif, numbers: dict[int, None]) -> Iterator[tuple[int, Any]]:
    for number in numbers:
        try:
            yield number, exif[number]
        except UNREADABLE:
            continue


def _has_gps(exif: Image.Exif) -> bool:
    try:
        return bool(exif.get_ifd(ExifTags.IFD.GPSInfo))
    except UNREADABLE:
        return False


def _raw_text(name: str, value: Any) -> str:
    if name == "UserComment" and isinstance(value, bytes):
        return _user_comment(value)
    if name.startswith("XP") and isinstance(value, bytes | tuple):
        return bytes(value)[: 2 * _MAX_COMMENT].decode("utf-16-le", "ignore").rstrip("\0")
    if isinstance(value, bytes):
        return _bytes_text(value)
    if isinstance(value, tuple | list):
        return ", ".join(str(item) for item in value[:8])
    if isinstance(value, str):
        return value.split("\0", 1)[0]
    return str(value)


def _bytes_text(value: bytes) -> str:
    text = value.rstrip(b"\0 ")
    if text.isascii() and text.decode("ascii").isprintable() and len(text) <= _MAX_VALUE:
        return text.decode("ascii")
    return f"{len(value)} bytes"


def _user_comment(value: bytes) -> str:
    """Decode a UserComment by its character code (EXIF 3.0, 4.6.6), UTF-16 in either order."""
    code, body = value[:8], value[8 : 8 + 4 * _MAX_COMMENT]
    if code.startswith(b"UNICODE"):
        big = body[::2].count(0) > body[1::2].count(0)
        return body.decode("utf-16-be" if big else "utf-16-le", "ignore").rstrip("\0")
    if not code.startswith((b"ASCII", b"\0")):
        body = value[: 4 * _MAX_COMMENT]
    return body.decode("utf-8", "replace").rstrip("\0 ")
