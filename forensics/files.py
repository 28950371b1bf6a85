"""Which files are taken for pictures, and how a file is written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .containers import sniff

EXTENSIONS = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".avif",
        ".heic",
        ".heif",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
    }
)
"""Names that are taken for pictures inside a folder; other files are taken by their content."""


def is_picture(path: Path) -> bool:
    """True for a regular file that is named or begins like a picture; one that is barred counts by its name."""
    named = path.suffix.lower() in EXTENSIONS
    try:
        if not path.is_file():
            return False
    except OSError:
        return named  # whoever opens it tells why it cannot be read
    if named:
        return True
    try:
        with path.open("rb") as stream:
            return sniff(stream.read(64)) is not None
    except OSError:
        return False


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file beside `path` to write; it takes the place of `path` when the block ends.

    After an error, or when the process is killed, what was there before is still there. Raises OSError.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
