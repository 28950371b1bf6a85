"""The structure of a JPEG file: segments, quantisation tables, subsampling, comments (ITU-T T.81).

Everything is read from the markers, never by searching for words in the file. Damaged segments are
passed over: the parser never raises on hostile bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .hostile import decoded

SOI, EOI, SOS, DQT, DRI, COM, APP1, APP11, APP14 = (
    0xD8, 0xD9, 0xDA, 0xDB, 0xDD, 0xFE, 0xE1, 0xEB, 0xEE,
)  # fmt: skip
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_SCAN_END = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""The first marker after entropy-coded data: not a stuffed zero, not a restart marker."""
_MAX_SEGMENTS = 20_000
_MAX_SCANS, _MAX_FILL = 200, 65_536
_FILL = re.compile(rb"(?:\xff\x00|\xff)*")
"""What decoders pass over one byte at a time in front of a marker."""

_SUBSAMPLING = {
    (1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (4, 1): "4:1:1", (1, 2): "4:4:0",
}  # fmt: skip
"""Ratios of luma to chroma sampling (horizontal, vertical) by their usual names."""


def _zigzag() -> NDArray[np.intp]:
    """Return the natural (row-major) index of the 64 zigzag positions (T.81, figure A.6)."""
    cells = [(row, column) for row in range(8) for column in range(8)]
    cells.sort(key=lambda c: (c[0] + c[1], c[0] if (c[0] + c[1]) % 2 else c[1]))
    return np.array([8 * row + column for row, column in cells])


ZIGZAG = _zigzag()


@dataclass(frozen=True, slots=True)
class JpegFacts:
    """What the markers of a JPEG say."""

    tables: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Quantisation tables by identifier, in natural (row-major) order, 64 numbers each."""
    size: tuple[int, int] | None = None
    """Width and height of the frame header; None when there is none."""
    components: tuple[tuple[int, int, int], ...] = ()
    """(horizontal sampling, vertical sampling, quantisation table) of each component."""
    progressive: bool | None = None
    """True for progressive coding; None without a frame header."""
    restart_interval: int = 0
    """Units between restart markers; 0 when there are none."""
    comments: tuple[bytes, ...] = ()
    """Contents of the COM segments."""
    xmp: bytes | None = None
    """The XMP packet."""
    has_c2pa: bool = False
    """True when an APP11 segment holds a JUMBF box of Content Credentials."""
    adobe: bool = False
    """True when there is an Adobe APP14 segment."""
    complete: bool = False
    """True when the end marker was reached."""
    exhausting: bool = False
    """True for more scans or fill bytes than any encoder writes, which stall decoders."""

    @property
    def subsampling(self) -> str | None:
        """Chroma subsampling by its usual name, "other", or None for grey."""
        return subsampling(self.components)


def parse_jpeg(data: bytes) -> JpegFacts:
    """Read the structure of a JPEG up to its end marker or as far as it goes."""
    tables: dict[int, tuple[int, ...]] = {}
    facts: dict[str, object] = {}
    comments: list[bytes] = []
    scans = 0
    for marker, body in segments(data):
        if marker == DQT and "scanned" not in facts:
            tables.update(parse_dqt(body))
        elif marker in _FRAMES and "size" not in facts:
            facts.update(_frame(marker, body))
        elif marker == COM:
            comments.append(body)
        elif marker == SOS:
            facts["scanned"] = True
            scans += 1
        elif marker == EOI:
            facts["complete"] = True
        else:
            facts.update(_application(marker, body))
    facts.pop("scanned", None)
    facts["exhausting"] = scans > _MAX_SCANS or has_long_fill(data)
    return JpegFacts(tables=tables, comments=tuple(comments[:32]), **facts)  # type: ignore[arg-type]


def has_long_fill(data: bytes) -> bool:
    """Tell whether more than 64 KiB of fill bytes stand before a marker of the header."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        fill = _FILL.match(data, at)
        end = fill.end() if fill else at
        if end - at > _MAX_FILL:
            return True
        if end == at or data[end : end + 1] in {b"", bytes([SOS])}:
            return False
        if data[end] not in _BARE:
            end += int.from_bytes(data[end + 1 : end + 3], "big")
        at = end + 1
    return False


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (marker, body) of each segment up to the end marker, without entropy-coded data."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        found = _SCAN_END.search(data, at)
        if found is None:
            return
        marker, at = data[found.end() - 1], found.end()
        if marker == EOI:
            yield EOI, b""
            return
        if marker in _BARE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):
            return
        yield marker, data[at + 2 : at + length]
        at += length


def parse_dqt(body: bytes) -> dict[int, tuple[int, ...]]:
    """Read the tables of one DQT segment (8 or 16 bit) into natural order (T.81, B.2.4.1)."""
    tables: dict[int, tuple[int, ...]] = {}
    at = 0
    while at < len(body):
        precision, identifier = body[at] >> 4, body[at] & 15
        width = 2 if precision else 1
        raw = body[at + 1 : at + 1 + 64 * width]
        if precision > 1 or len(raw) < 64 * width:
            break
        natural = np.empty(64, np.int64)
        natural[ZIGZAG] = np.frombuffer(raw, ">u2" if precision else "u1")
        tables[identifier] = tuple(natural.tolist())
        at += 1 + 64 * width
    return tables


def subsampling(components: tuple[tuple[int, int, int], ...]) -> str | None:
    """Name the chroma subsampling of (horizontal, vertical, table) components; None for grey."""
    if len(components) < 3:
        return None
    (h0, v0, _), (h1, v1, _), (h2, v2, _) = components[:3]
    if (h1, v1) != (h2, v2) or not h1 or not v1 or h0 % h1 or v0 % v1:
        return "other"
    return _SUBSAMPLING.get((h0 // h1, v0 // v1), "other")


def _frame(marker: int, body: bytes) -> dict[str, object]:
    """Read a frame header (T.81, B.2.2)."""
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        return {}
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    raw = body[6 : 6 + 3 * body[5]]
    components = tuple(
        (raw[i + 1] >> 4, raw[i + 1] & 15, raw[i + 2]) for i in range(0, len(raw), 3)
    )
    return {
        "size": (width, height),
        "components": components,
        "progressive": marker in _PROGRESSIVE,
    }


def _application(marker: int, body: bytes) -> dict[str, object]:
    """Read what is wanted of the application segments and the restart interval."""
    if marker == APP1 and body.startswith(_XMP_HEADER):
        return {"xmp": body[len(_XMP_HEADER) :]}
    if marker == APP11 and is_c2pa_box(body[8:]) and body.startswith(b"JP"):
        return {"has_c2pa": True}
    if marker == APP14 and body.startswith(b"Adobe"):
        return {"adobe": True}
    if marker == DRI and len(body) >= 2:
        return {"restart_interval": int.from_bytes(body[:2], "big")}
    return {}


def is_c2pa_box(box: bytes) -> bool:
    """Tell whether a JUMBF superbox holds Content Credentials (the UUID opens with c2pa)."""
    return box[4:8] == b"jumb" and box[12:16] == b"jumd" and box[16:20] == b"c2pa"


def comment_text(facts: JpegFacts) -> str | None:
    """Join the COM segments as text; None when there are none."""
    texts = [decoded(comment[:65536]) for comment in facts.comments]
    return "\n".join(texts) if texts else None
