"""Dealing with hostile files: what decoders raise on them, and their text made safe to print."""

from __future__ import annotations

import struct
import unicodedata
import zlib

UNREADABLE: tuple[type[Exception], ...] = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    BufferError,
    EOFError,
    RuntimeError,
    SystemError,
    UnboundLocalError,
    AssertionError,
    struct.error,
    zlib.error,
)
"""Everything that Pillow and its plugins have been seen to raise on damaged or hostile bytes."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that print nothing or steer the terminal: control, format, surrogates…"""


def printable(text: str, limit: int = 300, *, keep_lines: bool = False) -> str:
    """Return `text` without control, format and bidi characters, at most `limit` characters long.

    White space is narrowed to single blanks unless `keep_lines`; a cut is shown by an ellipsis.
    """
    raw = text[: 4 * limit]
    kept = raw if keep_lines else " ".join(raw.split())
    clean = "".join(c for c in kept if _shows(c) or (keep_lines and c in "\n\t"))
    if len(clean) > limit or len(text) > len(raw):
        return clean[: limit - 1] + "…"
    return clean


def decoded(data: bytes) -> str:
    """Decode bytes of unknown encoding: UTF-8 if they are, Latin-1 otherwise; trailing NULs go."""
    data = data.rstrip(b"\0")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _shows(character: str) -> bool:
    return unicodedata.category(character) not in _HIDDEN
