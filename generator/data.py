"""Where training pictures come from: a folder, a ZIP, or TFRecords; all squares of one power-of-two side.

Labels are whole numbers from 0: in dataset.json ({"labels": [["name.png", 3], …]}), or in NAME-rxx.labels of TFRecords.
"""

from __future__ import annotations

import json
import threading
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.records import Pixels

from .errors import DataError
from .tfrecord import Span, decode_image, read_record, spans

EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})
LABEL_FILE = "dataset.json"
Labels = NDArray[np.int64]
DAMAGE = (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError)
"""What zipfile raises for a file that is damaged, encrypted or packed in an unknown way."""


class Source(Protocol):
    """A numbered collection of pictures."""

    name: str
    """Short name for run folders."""
    resolution: int
    """Side of every picture in pixels."""
    labels: Labels | None
    """Class of every picture, if they have any."""

    def __len__(self) -> int:
        """How many pictures there are."""
        ...

    def load(self, number: int) -> Pixels:
        """Picture `number`, HxWx3 uint8 RGB. Raises DataError that names the picture."""
        ...


def open_source(path: Path, resolution: int | None = None) -> Source:
    """The collection at `path`. Raises DataError when there is none, or its pictures do not fit."""
    if path.suffix == ".zip" and path.is_file():
        return ZipSource(path)
    if path.suffix == ".tfrecords" or (path.is_dir() and any(path.glob("*.tfrecords"))):
        return RecordSource(path, resolution)
    if path.is_dir():
        return FolderSource(path)
    raise DataError(f"{path} is neither a folder nor a ZIP nor a .tfrecords file.")


def decode(data: bytes, name: str, resolution: int | None = None) -> Pixels:
    """RGB pixels of an encoded square picture. Raises DataError for damage or another size."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise DataError(f"{name} is no picture that can be decoded.")
    height, width = image.shape[:2]
    if height != width or width & (width - 1) or width < 8:
        raise DataError(f"{name} is {width}x{height}, not a square with a power of two as its side.")
    if resolution is not None and width != resolution:
        raise DataError(f"{name} is {width}x{width}, but the first picture is {resolution} wide.")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def read_labels(text: bytes | str | None, names: list[str], where: str) -> Labels | None:
    """Labels by name out of dataset.json; None without any. Raises DataError for gaps."""
    try:
        content: Any = json.loads(text) if text else {}
        pairs = content.get("labels") if isinstance(content, Mapping) else None
        known = {str(name): int(label) for name, label in pairs} if pairs else {}
    except (ValueError, TypeError) as error:
        raise DataError(f"{LABEL_FILE} of {where} is not what it should be: {error}.") from error
    if not known:
        return None
    missing = [name for name in names if name not in known]
    if missing:
        raise DataError(f"{LABEL_FILE} of {where} has no label for {missing[0]}.")
    return np.array([known[name] for name in names], np.int64)


class FolderSource:
    """Every picture below a folder, in the order of their names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        files = sorted(f for f in path.rglob("*") if f.suffix.lower() in EXTENSIONS and f.is_file())
        self.names = [file.relative_to(path).as_posix() for file in files]
        if not self.names:
            raise DataError(f"No picture was found in {path}.")
        labels = path / LABEL_FILE
        text = labels.read_bytes() if labels.exists() else None
        self.name = path.resolve().name
        self.labels = read_labels(text, self.names, self.name)
        self.resolution = decode(self._bytes(0), self.names[0]).shape[0]

    def __len__(self) -> int:
        return len(self.names)

    def _bytes(self, number: int) -> bytes:
        try:
            return (self.path / self.names[number]).read_bytes()
        except OSError as error:
            raise DataError(f"{self.names[number]} cannot be read: {error.strerror}.") from error

    def load(self, number: int) -> Pixels:
        return decode(self._bytes(number), self.names[number], self.resolution)


class ZipSource:
    """Every picture in a ZIP, in the order of their names."""

    def __init__(self, path: Path) -> None:
        self.name, self.lock = path.stem, threading.Lock()
        try:
            self.archive = zipfile.ZipFile(path)
        except DAMAGE as error:
            raise DataError(f"{path.name} cannot be opened as a ZIP: {error}.") from error
        every = sorted(self.archive.namelist())
        self.names = [name for name in every if Path(name).suffix.lower() in EXTENSIONS]
        if not self.names:
            raise DataError(f"No picture was found in {path.name}.")
        text = self._read(LABEL_FILE) if LABEL_FILE in every else None
        self.labels = read_labels(text, self.names, self.name)
        self.resolution = decode(self._bytes(0), self.names[0]).shape[0]

    def __len__(self) -> int:
        return len(self.names)

    def _bytes(self, number: int) -> bytes:
        return self._read(self.names[number])

    def _read(self, name: str) -> bytes:
        try:
            with self.lock:
                return self.archive.read(name)
        except DAMAGE as error:
            raise DataError(f"{name} in {self.name}.zip is damaged: {error}.") from error

    def load(self, number: int) -> Pixels:
        return decode(self._bytes(number), self.names[number], self.resolution)


class RecordSource:
    """One resolution of a set of TFRecords; a folder stands for its largest, or the one that is asked for."""

    def __init__(self, path: Path, resolution: int | None = None) -> None:
        self.path = choose_records(path, resolution)
        self.name = self.path.stem.rsplit("-r", 1)[0]
        self.spans: list[Span] = spans(self.path)
        if not self.spans:
            raise DataError(f"{self.path.name} holds no records.")
        self.lock, self.stream = threading.Lock(), self.path.open("rb")
        self.resolution = 0
        self.resolution = self.load(0).shape[0]
        self.labels = self._labels()

    def __len__(self) -> int:
        return len(self.spans)

    def _labels(self) -> Labels | None:
        files = sorted(self.path.parent.glob(f"{self.name}-rxx.labels"))
        if not files:
            return None
        try:
            labels = np.load(files[0], allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DataError(f"{files[0].name} is no file of labels.") from error
        labels = labels.argmax(1) if labels.ndim == 2 else labels
        if len(labels) != len(self.spans):
            raise DataError(f"{files[0].name} has {len(labels)} labels for {len(self)} pictures.")
        return np.asarray(labels, np.int64)

    def load(self, number: int) -> Pixels:
        name = f"Record {number} of {self.path.name}"
        with self.lock:
            data = read_record(self.stream, self.spans[number], self.path.name, number)
        pixels = decode_image(data, name)
        side = pixels.shape[0]
        if pixels.shape != (side, side, 3) or (self.resolution and side != self.resolution):
            raise DataError(f"{name} has shape {pixels.shape}, not {self.resolution} squared.")
        return pixels


def choose_records(path: Path, resolution: int | None) -> Path:
    """The .tfrecords file at `path`, or in it, of a resolution. Raises DataError."""
    if path.is_file():
        return path
    found: dict[int, Path] = dict(_levels(path))
    if resolution is None and found:
        return found[max(found)]
    level = (resolution or 0).bit_length() - 1
    if level not in found:
        raise DataError(f"{path} has no TFRecords of {resolution} pixels.")
    return found[level]


def _levels(folder: Path) -> Iterator[tuple[int, Path]]:
    for file in sorted(folder.glob("*-r*.tfrecords")):
        level = file.stem.rsplit("-r", 1)[1]
        if level.isdigit():
            yield int(level), file
