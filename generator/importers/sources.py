"""Finding the files of a published network, in a folder or inside a wheel, with bounds on what is read."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar

from whichface.generator.errors import NetworkFileError

T = TypeVar("T")
LIMITS = {".xml": 16 * 2**20, ".bin": 512 * 2**20}
"""Most bytes of a file, by its ending."""


@dataclass(frozen=True, slots=True)
class Source:
    """What was found."""

    name: str
    """Of the file or folder."""
    sha256: str | None
    """Of the file; a folder has none."""
    files: Mapping[str, bytes]

    def digests(self) -> dict[str, str]:
        """SHA-256 of each file."""
        return {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}


def read_source(path: Path, names: Sequence[str]) -> Source:
    """Files called `names` anywhere in a folder, wheel or other ZIP, each of which must be there once.

    Raises NetworkFileError for missing, doubled, damaged and overlong ones.
    """
    try:
        if path.is_dir():
            return Source(path.resolve().name, None, _from_folder(path, names))
        if not path.is_file():
            raise NetworkFileError(f"{path} does not exist.")
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return Source(path.name, digest, _from_zip(path, names))
    except OSError as error:
        raise NetworkFileError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise NetworkFileError(f"{path} is neither a folder nor a sound ZIP or wheel: {error}.") from error


def _from_folder(path: Path, names: Sequence[str]) -> dict[str, bytes]:
    files = {}
    for name in names:
        found = _one(name, path, sorted(path.rglob(name)))
        with found.open("rb") as stream:
            files[name] = _bounded(name, stream)
    return files


def _from_zip(path: Path, names: Sequence[str]) -> dict[str, bytes]:
    files = {}
    with zipfile.ZipFile(path) as archive:
        for name in names:
            found = [info for info in archive.infolist() if PurePosixPath(info.filename).name == name]
            with archive.open(_one(name, path, found)) as stream:
                files[name] = _bounded(name, stream)
    return files


def _one(name: str, path: Path, found: Sequence[T]) -> T:
    if len(found) != 1:
        raise NetworkFileError(f"{path} holds {len(found)} files {name}; one is needed.")
    return found[0]


def _bounded(name: str, stream: IO[bytes]) -> bytes:
    """Never more than the limit, whatever the file says of its own size."""
    limit = LIMITS[Path(name).suffix]
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise NetworkFileError(f"{name} has more than {limit // 2**20} MiB.")
    return data
