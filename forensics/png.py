"""The structure of a PNG file: chunks, text and bit depth (W3C PNG, third edition).

The parser never raises on hostile bytes: it goes as far as the chunks go.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEY = "XML:com.adobe.xmp"
_TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_MAX_CHUNKS = 200_000
_MAX_TEXTS = 64
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples a pixel of each colour type."""
_STEP = 1 << 20
"""Bytes that are inflated at a time."""
_MAX_TEXT = 65_536
"""Characters kept of one text; also the cap on what a compressed text may swell to, in bytes."""


@dataclass(frozen=True, slots=True)
class PngFacts:
    """What the chunks of a PNG say."""

    bit_depth: int = 8
    """Bits a sample."""
    text: dict[str, str] = field(default_factory=dict)
    """Text chunks by key (raw, not yet made printable), at most 64 of at most 64 KiB."""
    has_c2pa: bool = False
    """True when there is a chunk of Content Credentials (caBX)."""
    complete: bool = False
    """True when the end chunk was reached."""


def parse_png(data: bytes) -> PngFacts:
    """Read the chunks of a PNG as far as they go."""
    text: dict[str, str] = {}
    has_c2pa = complete = False
    for kind, body, _ in chunks(data):
        if kind in _TEXT_CHUNKS and len(text) < _MAX_TEXTS:
            key, value = _text(kind, bytes(body))
            if key:
                text.setdefault(key, value)
        has_c2pa |= kind == b"caBX"
        complete |= kind == b"IEND"
    bit_depth = data[24] if len(data) > 24 else 8
    return PngFacts(bit_depth, text, has_c2pa, complete)


def chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, memoryview]]:
    """Yield (type, body, whole chunk) of each complete chunk, up to and with IEND."""
    view = memoryview(data)
    at = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        length = int.from_bytes(view[at : at + 4], "big")
        end = at + 12 + length
        if end > len(data):
            return
        kind = bytes(view[at + 4 : at + 8])
        yield kind, view[at + 8 : end - 4], view[at:end]
        if kind == b"IEND":
            return
        at = end


def without_text(data: bytes) -> bytes:
    """Return the PNG without its text chunks, so that a hostile one cannot stop the decoder."""
    keep = [(kind, whole) for kind, _, whole in chunks(data)]
    if not any(kind in _TEXT_CHUNKS for kind, _ in keep):
        return data
    walked = len(SIGNATURE) + sum(len(whole) for _, whole in keep)
    kept = [whole for kind, whole in keep if kind not in _TEXT_CHUNKS]
    return b"".join([data[: len(SIGNATURE)], *kept, data[walked:]])


def lacks_rows(data: bytes) -> bool:
    """Tell whether the compressed pixels end early, which decoders fill with black in silence.

    Interlaced and damaged pictures are not judged: False.
    """
    kinds = {kind: body for kind, body, _ in chunks(data) if kind == b"IHDR"}
    header = bytes(kinds.get(b"IHDR", b""))
    if len(header) != 13 or header[12] or header[9] not in _SAMPLES:
        return False
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    expected = height * (1 + (width * header[8] * _SAMPLES[header[9]] + 7) // 8)
    inflater, found = zlib.decompressobj(), 0
    try:
        for kind, body, _ in chunks(data):
            pending = bytes(body) if kind == b"IDAT" else b""
            while pending and found < expected and not inflater.eof:
                found += len(inflater.decompress(pending, _STEP))
                pending = inflater.unconsumed_tail
        found += len(inflater.flush()) if found < expected else 0
    except zlib.error:
        return False
    return found < expected


def _text(kind: bytes, body: bytes) -> tuple[str, str]:
    """Read the key and the value of a text chunk; the key is empty when the chunk is damaged."""
    raw_key, _, rest = body.partition(b"\0")
    key = raw_key[:79].decode("latin-1")
    if kind == b"tEXt":
        return key, rest[:_MAX_TEXT].decode("latin-1")
    if kind == b"zTXt":
        return key, _inflate(rest[1:]).decode("latin-1")
    if len(rest) < 2:
        return "", ""
    compressed, value = rest[0] == 1, rest[2:].split(b"\0", 2)[-1]
    return key, (_inflate(value) if compressed else value[:_MAX_TEXT]).decode("utf-8", "replace")


def _inflate(data: bytes) -> bytes:
    """Decompress at most 64 KiB; damaged data give what came before the damage, or nothing."""
    try:
        return zlib.decompressobj().decompress(data, _MAX_TEXT)
    except zlib.error:
        return b""
