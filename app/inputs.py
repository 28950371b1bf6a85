"""From what people type to pictures: files, folders and `-` for standard input."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from whichface.forensics.files import is_picture

STDIN = "-"
LONGEST_STEM = 200
"""Bytes of a picture's name that go into another file's name: file systems take 255."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture to examine; it is read only when its turn comes."""

    name: str
    """As typed, or the folder as typed with the path below it; "-" for standard input."""

    def source(self) -> Path | bytes:
        """What `open_photo` takes. Raises OSError when standard input cannot be read."""
        if self.name != STDIN:
            return Path(self.name)
        from whichface.forensics.photo import PhotoLimits

        # One byte more than is allowed, so that an endless stream is refused and not collected.
        return sys.stdin.buffer.read(PhotoLimits().max_bytes + 1) if sys.stdin is not None else b""

    @property
    def stem(self) -> str:
        """Name of the file without folder and extension."""
        return "stdin" if self.name == STDIN else Path(self.name).stem


def short(stem: str) -> str:
    """The beginning of a name, so that there is room for what is put behind it."""
    data = stem.encode("utf-8", "replace")
    return stem if len(data) <= LONGEST_STEM else data[:LONGEST_STEM].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An argument or folder that gives no picture, and why: a value, so that the others go on."""

    name: str
    """As `Picture.name`."""
    reason: str
    """One sentence."""


def expand(arguments: Iterable[str]) -> tuple[Picture | Unreadable, ...]:
    """Every picture the arguments name: files as given, folders recursively and sorted."""
    found: list[Picture | Unreadable] = []
    for argument in arguments:
        is_folder = argument != STDIN and os.path.isdir(argument)  # noqa: PTH112
        found.extend(_folder(argument) if is_folder else (Picture(argument),))
    return tuple(found)


def _folder(top: str) -> Iterator[Picture | Unreadable]:
    """The pictures below a folder; hidden files and folders are skipped, links to folders not followed."""
    problems: list[OSError] = []
    seen = False
    for folder, below, names in os.walk(top, onerror=problems.append):
        if not os.access(folder, os.X_OK):  # its names can be listed, its files cannot be opened
            problems.append(PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder))
            below[:] = []
            continue
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            path = os.path.join(folder, name)  # noqa: PTH118
            if is_picture(Path(path)):
                seen = True
                yield Picture(path)
    for problem in problems:
        reason = f"the folder cannot be read: {problem.strerror or problem}."
        yield Unreadable(str(problem.filename or top), reason)
    if not seen and not problems:
        yield Unreadable(top, "no pictures found in this folder.")
