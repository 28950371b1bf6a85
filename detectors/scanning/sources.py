"""Where pictures come from: folders, lists, ZIP archives, addresses such as s3://; one at a time, never all at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path, PurePosixPath

from whichface.forensics.errors import MissingExtraError, PhotoNotFoundError, SourceError
from whichface.forensics.files import EXTENSIONS, is_picture
from whichface.forensics.photo import PhotoLimits

from . import archives
from .records import Stamp, Task

STDIN = "-"
LONGEST_LINE = 8192
FIRST_LINES = 10
"""Lines by which a list is told from other text."""
STORES = ("s3", "gs", "az", "abfs", "file")
"""Kinds of addresses that are read; no web addresses, so that a list from a stranger calls nobody."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which of the pictures are taken."""

    include: tuple[str, ...] = ()
    """Patterns such as `*.jpg` or `profiles/*`; a picture must match one, unless there are none."""
    exclude: tuple[str, ...] = ()
    """A picture that matches one is left out."""

    def takes(self, path: str) -> bool:
        """Whether a path (below the folder that was named, with /) or its last part matches."""
        name = path.rpartition("/")[2]

        def matches(patterns: Iterable[str]) -> bool:
            return any(fnmatch(path, pattern) or fnmatch(name, pattern) for pattern in patterns)

        return (not self.include or matches(self.include)) and not matches(self.exclude)


def tasks(source: str, chosen: Filter) -> Iterator[Task]:
    """The pictures that one argument names. Raises SourceError for one that cannot name any."""
    if source == STDIN:
        yield from _listed(sys.stdin.buffer, "standard input", chosen)
        return
    if "://" in source:
        yield from _remote(source, chosen)
        return
    path = Path(os.path.abspath(source))  # noqa: PTH100 - links stay links
    if path.is_dir():
        yield from _below(path, chosen)
    elif not path.exists():
        raise SourceError(f"{source} does not exist.")
    elif not (path.is_file() or is_pipe(source)):
        raise SourceError(f"{source} is neither a file nor a folder; give its lines on standard input, with -.")
    elif not is_pipe(source) and archives.is_archive(path):
        yield from archives.members(path, chosen.takes)
    elif is_picture(path):
        if chosen.takes(source.replace(os.sep, "/")):
            yield _file(str(path))
    else:
        try:
            with path.open("rb") as stream:
                yield from _listed(stream, path.name, chosen)
        except OSError as error:
            raise SourceError(f"{source} cannot be read: {error.strerror}.") from error


def is_pipe(source: str) -> bool:
    """Whether a source is a pipe, such as <(find …) of a shell: a list that can be read only once."""
    return Path(source).is_fifo()


def _below(top: Path, chosen: Filter) -> Iterator[Task]:
    """Pictures below a folder as the system gives them; hidden ones and links to folders are skipped."""
    folders = [str(top)]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif is_picture(Path(entry.path)) and chosen.takes(_under(top, entry.path)):
                        yield _file(entry.path)
        except OSError as error:
            reason = f"the folder cannot be read: {error.strerror or error}."
            yield Task(folder, Stamp(0, 0), refused=reason)


def _under(top: Path, path: str) -> str:
    """The path below the folder, with /."""
    return path.removeprefix(str(top)).lstrip(os.sep).replace(os.sep, "/")


def _file(path: str) -> Task:
    """A file with its stamp; refused where it is gone or barred."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError as error:
        reason = "does not exist." if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}."
        return Task(path, Stamp(0, 0), refused=reason)
    except ValueError:
        return Task(path, Stamp(0, 0), refused="is no name of a file.")
    return Task(path, Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns))


def _listed(stream: Iterable[bytes], name: str, chosen: Filter) -> Iterator[Task]:
    """The files of a list. Raises SourceError for one whose first lines name nothing that exists."""
    lines = _lines(stream, name, chosen)
    first = list(islice(lines, FIRST_LINES))
    if first and all(task.refused for task in first):
        raise SourceError(f"{name} is no folder, ZIP, picture, or list of paths (its first lines name no files).")
    yield from first
    yield from lines


def _lines(stream: Iterable[bytes], name: str, chosen: Filter) -> Iterator[Task]:
    """Paths or addresses, one a line, relative to the current folder. Raises SourceError for bytes that are none."""
    for number, line in enumerate(stream, 1):
        if b"\0" in line or len(line) > LONGEST_LINE:
            raise SourceError(f"{name} is no folder, ZIP, picture, or list of paths (line {number} is no path).")
        path = os.fsdecode(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).rstrip("\r\n")
        if not path.strip() or not chosen.takes(path.replace(os.sep, "/")):
            continue
        if "://" in path:
            yield Task(path, Stamp(0, 0))
            continue
        yield _file(os.path.abspath(path))  # noqa: PTH100


def _remote(address: str, chosen: Filter) -> Iterator[Task]:
    """Files below an address that fsspec knows, by their extension. Raises SourceError, MissingExtraError."""
    files, top = _filesystem(address)
    try:
        for _, _, found in files.walk(top, detail=True):
            for path, info in sorted(found.items()):
                full = str(info.get("name", path))
                named = PurePosixPath(full).suffix.lower() in EXTENSIONS
                if named and chosen.takes(full.removeprefix(str(top)).lstrip("/")):
                    yield Task(files.unstrip_protocol(full), Stamp(int(info.get("size") or 0), _modified(info)))
    except Exception as error:  # every store behind fsspec has its own
        raise SourceError(f"{address} cannot be listed: {error}.") from error


def _filesystem(address: str):  # type: ignore[no-untyped-def]
    if address.partition("://")[0] not in STORES or "::" in address:
        raise SourceError(f"{address} is not read: only addresses of {', '.join(STORES)} are.")
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError('Addresses need an extra: pip install "whichface[cluster]".') from error
    try:
        return fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise SourceError(f"{address} cannot be opened: {error}.") from error


def _modified(info: dict[str, object]) -> int:
    """A number that changes with the file, from whatever the store tells."""
    for name in ("mtime", "LastModified", "ETag", "etag", "last_modified", "updated"):
        value = info.get(name)
        if isinstance(value, int | float):
            return int(value * 1e9)
        if value:
            from zlib import crc32

            return crc32(str(value).encode())
    return 0


def read(path: str) -> bytes | Path:
    """What `open_photo` takes for a task: its path, or the bytes of a member or an address.

    Raises PhotoError, SourceError, OSError.
    """
    most = PhotoLimits().max_bytes + 1
    if archives.MARK in path and not Path(path).exists():
        return archives.member_bytes(path, most)
    if "://" not in path:
        return Path(path)
    files, inside = _filesystem(path)
    try:
        with closing(files.open(inside, "rb")) as stream:
            data: bytes = stream.read(most)
            return data
    except FileNotFoundError as error:
        raise PhotoNotFoundError("does not exist.") from error
    except Exception as error:  # every store behind fsspec has its own
        raise PhotoNotFoundError(f"cannot be read: {error}.") from error


__all__ = ["STDIN", "Filter", "is_pipe", "read", "tasks"]
