"""Which format the bytes are in, and what their container says, read structurally."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from . import ijg, jpeg, png
from .hostile import decoded, printable

_TEXT_LIMIT = 65_536
_MAX_BLOCKS = 20_000
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (png.SIGNATURE, "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_OTHER_KINDS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"8BPS", "a Photoshop document"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
)


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """What the container says beside the decoder; defaults for formats that say nothing."""

    quantisation_tables: tuple[tuple[int, ...], ...] = ()
    """JPEG tables in natural order, by rising identifier."""
    jpeg_quality: int | None = None
    """Nearest IJG quality."""
    jpeg_quality_exact: bool = False
    """True when the tables are IJG's."""
    subsampling: str | None = None
    """JPEG chroma subsampling."""
    progressive: bool | None = None
    """JPEG coding."""
    adobe: bool = False
    """True when a JPEG has an Adobe segment (its CMYK is then stored inverted)."""
    xmp: str | None = None
    """XMP packet, printable text."""
    text: Mapping[str, str] = field(default_factory=dict)
    """Text chunks and comments, printable, by key."""
    has_c2pa: bool = False
    """True when there is a box of Content Credentials."""
    bit_depth: int = 8
    """PNG bits a sample."""
    exhausting: bool = False
    """True when a JPEG is built so that decoding it takes for ever."""
    complete: bool | None = None
    """False when the bytes end before the container does; None when that cannot be told."""


def sniff(data: bytes) -> str | None:
    """Name the format by content (JPEG, PNG, WEBP, AVIF, HEIF, GIF, BMP, TIFF) or None."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _brand(data)
    return None


def describe_unknown(data: bytes) -> str:
    """Say in plain words what bytes are that no supported format fits."""
    for magic, name in _OTHER_KINDS:
        if data.startswith(magic):
            return name
    if data[4:8] == b"ftyp":
        return "a video or a picture of an unknown kind"
    head = data[:2048]
    if _is_text(head):
        opening = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if opening.startswith((b"<!doctype html", b"<html")):
            return "a web page"
        return "an SVG drawing" if b"<svg" in opening else "text"
    return "of an unknown kind"


def read_container(data: bytes, format: str) -> ContainerFacts:
    """Read what the container of `format` (from `sniff`) says; never raises on hostile bytes."""
    if format == "JPEG":
        return _jpeg(data)
    if format == "PNG":
        return _png(data)
    if format == "GIF":
        return _gif(data)
    if format == "WEBP":
        kinds = {kind for kind, _ in _riff_chunks(data)}
        length = int.from_bytes(data[4:8], "little") + 8
        return ContainerFacts(has_c2pa=b"C2PA" in kinds, complete=len(data) + 1 >= length)
    if format in {"AVIF", "HEIF"}:
        boxes = list(_boxes(data))
        has_c2pa = any(kind == b"uuid" and head == _C2PA_UUID for kind, head, _ in boxes)
        return ContainerFacts(has_c2pa=has_c2pa, complete=bool(boxes) and boxes[-1][2] <= len(data))
    if format == "BMP":
        return ContainerFacts(complete=len(data) >= max(26, int.from_bytes(data[2:6], "little")))
    return ContainerFacts()


def _jpeg(data: bytes) -> ContainerFacts:
    facts = jpeg.parse_jpeg(data)
    luminance = facts.components[0][2] if facts.components else 0
    quality = ijg.nearest_quality(facts.tables, luminance)
    comment = jpeg.comment_text(facts)
    return ContainerFacts(
        quantisation_tables=tuple(facts.tables[key] for key in sorted(facts.tables)),
        jpeg_quality=quality[0] if quality else None,
        jpeg_quality_exact=bool(quality and quality[1]),
        subsampling=facts.subsampling,
        progressive=facts.progressive,
        adobe=facts.adobe,
        xmp=clean_xmp(facts.xmp),
        text={"comment": printable(comment, _TEXT_LIMIT)} if comment else {},
        has_c2pa=facts.has_c2pa,
        exhausting=facts.exhausting,
        complete=facts.complete,
    )


def _png(data: bytes) -> ContainerFacts:
    facts = png.parse_png(data)
    xmp = facts.text.get(png.XMP_KEY)
    text = {
        printable(key, 79): printable(value, _TEXT_LIMIT)
        for key, value in facts.text.items()
        if key != png.XMP_KEY
    }
    return ContainerFacts(
        xmp=clean_xmp(xmp),
        text=text,
        has_c2pa=facts.has_c2pa,
        bit_depth=facts.bit_depth,
        complete=facts.complete,
    )


def _gif(data: bytes) -> ContainerFacts:
    """Read the comment extensions of a GIF (GIF89a, section 24)."""
    comments: list[bytes] = []
    at = 13 + _colour_table(data[10:11])
    ended = False
    for _ in range(_MAX_BLOCKS):
        introducer = data[at : at + 1]
        if introducer == b"!":
            body, end = _sub_blocks(data, at + 2)
            if data[at + 1 : at + 2] == b"\xfe":
                comments.append(body)
            at = end
        elif introducer == b",":
            at = _sub_blocks(data, at + 11 + _colour_table(data[at + 9 : at + 10]))[1]
        else:
            ended = True
            break
    text = printable("\n".join(decoded(comment) for comment in comments[:32]), _TEXT_LIMIT)
    return ContainerFacts(
        text={"comment": text} if text else {},
        complete=data[at : at + 1] == b";" if ended else None,
    )


def clean_xmp(packet: bytes | str | None) -> str | None:
    """Return an XMP packet as printable text of at most 64 KiB; None when there is none."""
    if not packet:
        return None
    text = decoded(packet[: 4 * _TEXT_LIMIT]) if isinstance(packet, bytes) else packet
    return printable(text, _TEXT_LIMIT, keep_lines=True)


def _colour_table(flags: bytes) -> int:
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _sub_blocks(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the first 64 KiB of a chain of GIF sub-blocks, and where the next block begins."""
    parts: list[bytes] = []
    kept = 0
    while at < len(data) and data[at]:
        length = data[at]
        if kept < _TEXT_LIMIT:
            parts.append(data[at + 1 : at + 1 + length])
            kept += length
        at += 1 + length
    return b"".join(parts), at + 1


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield (type, length) of the chunks of a RIFF file."""
    at = 12
    for _ in range(_MAX_BLOCKS):
        if at + 8 > len(data):
            return
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], length
        at += 8 + length + (length & 1)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield (type, first 16 bytes of the body, end) of the top-level ISO base-media boxes."""
    at = 0
    for _ in range(_MAX_BLOCKS):
        if at + 8 > len(data):
            return
        length, header = int.from_bytes(data[at : at + 4], "big"), 8
        if length == 1:
            length, header = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        end = len(data) if length == 0 else at + length
        yield data[at + 4 : at + 8], data[at + header : at + header + 16], end
        if end <= at:
            return
        at = end


def _brand(data: bytes) -> str | None:
    """Tell AVIF from HEIF by the brands of the ftyp box."""
    length = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[8:12], *(data[i : i + 4] for i in range(16, length, 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def _is_text(head: bytes) -> bool:
    """Tell whether bytes read as text: UTF-8 without control characters other than white space."""
    text = head.decode("utf-8", "ignore")
    return len(text.encode()) >= len(head) - 3 and all(c.isprintable() or c.isspace() for c in text)
