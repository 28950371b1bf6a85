"""ZIP archives, which may be hostile: nothing is unpacked to the disk, and nothing is read past its limit."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from whichface.forensics.containers import sniff
from whichface.forensics.errors import PhotoFormatError, PhotoNotFoundError, SourceError
from whichface.forensics.files import EXTENSIONS
from whichface.forensics.photo import PhotoLimits

from .records import Stamp, Task

MARK = "!/"
"""Between an archive and the name of its member."""
MOST_MEMBERS = 2_000_000
MOST_RATIO = 200
"""An archive that unpacks to more times its own size, and to more than `LARGE`, is a bomb: pictures hardly shrink."""
LARGE = 2_000_000_000
UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What zipfile raises on damaged, encrypted or unsupported members."""


def is_archive(path: Path) -> bool:
    """Whether a file begins as a ZIP does."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) in {b"PK\x03\x04", b"PK\x05\x06"}
    except OSError:
        return False


def members(path: Path, takes: Callable[[str], bool]) -> Iterator[Task]:
    """The pictures of an archive. Raises SourceError for one that is damaged or built to do harm."""
    with opened(path) as archive:
        for info in archive.infolist():
            name = info.filename
            if info.is_dir() or _hidden(name) or not takes(name) or not _is_picture(archive, info):
                continue
            stamp = Stamp(info.file_size, info.CRC, _entry_time(info))
            yield Task(f"{path}{MARK}{name}", stamp, refused=_refused(info))


def opened(path: Path) -> zipfile.ZipFile:
    """The archive with its directory checked. Raises SourceError."""
    try:
        archive = zipfile.ZipFile(path)
    except UNREADABLE as error:
        raise SourceError(f"{path.name} is no ZIP archive that can be read, or it is cut off.") from error
    found = archive.infolist()
    unpacked, packed = sum(info.file_size for info in found), path.stat().st_size
    if len(found) > MOST_MEMBERS or (unpacked > LARGE and unpacked > MOST_RATIO * packed):
        archive.close()
        raise SourceError(
            f"{path.name} would unpack to {unpacked / 1e9:,.0f} GB from {packed / 1e6:,.0f} MB "
            f"in {len(found):,} files: it is built to do harm and was left alone."
        )
    return archive


def _hidden(name: str) -> bool:
    """Files that no one means, such as those that macOS adds; `..` is refused later, with its reason."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return any(part.startswith(".") and part != ".." for part in parts) or parts[:1] == ("__MACOSX",)


def _is_picture(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    if PurePosixPath(info.filename).suffix.lower() in EXTENSIONS:
        return True
    try:
        with archive.open(info) as stream:
            return sniff(stream.read(64)) is not None
    except UNREADABLE:
        return False


def _refused(info: zipfile.ZipInfo) -> str:
    name = info.filename.replace("\\", "/")
    if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
        return "its name leads out of the archive, so it was left alone."
    if info.flag_bits & 1:
        return "is encrypted."
    if info.file_size > PhotoLimits().max_bytes:
        return f"is longer than the limit of {PhotoLimits().max_bytes / 1e6:g} MB."
    return ""


def _entry_time(info: zipfile.ZipInfo) -> int:
    year, month, day, hour, minute, second = info.date_time
    return ((((year * 16 + month) * 32 + day) * 32 + hour) * 64 + minute) * 64 + second


@lru_cache(maxsize=2)
def _kept(path: str, size: int, modified: int) -> zipfile.ZipFile:
    """The archive that a worker has open; another one when the file has changed."""
    return opened(Path(path))


def split(path: str) -> tuple[str, str]:
    """Archive and member of `archive!/member`: the first part before a mark that is a file, as folders may end in !."""
    parts = path.split(MARK)
    for number in range(1, len(parts)):
        if os.path.isfile(MARK.join(parts[:number])):  # noqa: PTH113 - False, too, where the system says no
            return MARK.join(parts[:number]), MARK.join(parts[number:])
    return parts[0], MARK.join(parts[1:])


def member_bytes(path: str, most: int) -> bytes:
    """The bytes of `archive!/member`, at most `most`. Raises PhotoError, SourceError."""
    file, name = split(path)
    try:
        found = Path(file).stat()
        archive = _kept(file, found.st_size, found.st_mtime_ns)
        with archive.open(name) as stream:
            return stream.read(most)
    except KeyError as error:
        raise PhotoNotFoundError("is no longer in the archive.") from error
    except UNREADABLE as error:
        raise PhotoFormatError("cannot be unpacked: the archive is damaged here.") from error
