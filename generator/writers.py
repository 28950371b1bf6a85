"""How a collection is written: PNG files in a folder, the same in a ZIP, or TFRecords at every resolution.

It has its name when it is whole; until then it is .NAME.part beside it.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from whichface.forensics.records import Pixels

from .data import LABEL_FILE
from .errors import DataError
from .tfrecord import encode_image, frame


class Writer(Protocol):
    """Takes pictures one by one."""

    path: Path
    """Where the collection will be."""

    def add(self, pixels: Pixels, label: int | None = None) -> None:
        """Write one picture. Raises OSError."""
        ...

    def close(self) -> None:
        """Write what is left, and give the collection its name. Raises OSError."""
        ...

    def discard(self) -> None:
        """Leave nothing behind."""
        ...


def png(pixels: Pixels) -> bytes:
    """The picture as a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG", compress_level=4)
    return stream.getvalue()


def picture_name(number: int) -> str:
    """As 00000/img00000012.png."""
    return f"{number // 1000:05d}/img{number:08d}.png"


def _beside(path: Path) -> Path:
    """The name of an unfinished collection; what an earlier run left there goes."""
    beside = path.with_name(f".{path.name}.part")
    _remove(beside)
    return beside


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _rename(beside: Path, path: Path) -> None:
    """Give a finished collection its name, in place of an empty folder. Raises OSError."""
    if path.is_dir():
        path.rmdir()
    beside.rename(path)


class FolderWriter:
    """PNG files in subfolders of a thousand, and dataset.json when there are labels."""

    def __init__(self, path: Path) -> None:
        self.path, self.beside, self.labels = path, _beside(path), list[tuple[str, int]]()
        self.count = 0
        self.beside.mkdir(parents=True)

    def write(self, name: str, data: bytes) -> None:
        """Put one file in its place."""
        target = self.beside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def add(self, pixels: Pixels, label: int | None = None) -> None:
        """Write one picture. Raises OSError."""
        name = picture_name(self.count)
        self.write(name, png(pixels))
        if label is not None:
            self.labels.append((name, label))
        self.count += 1

    def close(self) -> None:
        """Write the labels, and give the collection its name. Raises OSError."""
        if self.labels:
            self.write(LABEL_FILE, json.dumps({"labels": self.labels}).encode())
        self._finish()
        _rename(self.beside, self.path)

    def _finish(self) -> None:
        """Nothing is open here."""

    def discard(self) -> None:
        """Leave nothing behind."""
        _remove(self.beside)


class ZipWriter(FolderWriter):
    """The same in an uncompressed ZIP, whose bytes depend on the pictures only."""

    def __init__(self, path: Path) -> None:
        self.path, self.beside, self.labels, self.count = path, _beside(path), [], 0
        self.archive = zipfile.ZipFile(self.beside, "w", zipfile.ZIP_STORED)

    def write(self, name: str, data: bytes) -> None:
        """Put one file in the archive."""
        self.archive.writestr(zipfile.ZipInfo(name), data)

    def _finish(self) -> None:
        """Write the directory."""
        self.archive.close()

    def discard(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError, ValueError):  # its directory, on a full disk
            self.archive.close()
        super().discard()


class RecordWriter:
    """NAME-rNN.tfrecords for every side from 4 pixels to the full one, and NAME-rxx.labels."""

    def __init__(self, folder: Path, resolution: int) -> None:
        self.path, self.beside, self.resolution = folder, _beside(folder), resolution
        self.beside.mkdir(parents=True)
        levels = range(2, resolution.bit_length())
        names = {level: f"{folder.name}-r{level:02d}.tfrecords" for level in levels}
        self.files = {level: (self.beside / name).open("wb") for level, name in names.items()}
        self.labels: list[int] = []

    def add(self, pixels: Pixels, label: int | None = None) -> None:
        """Write one picture at every size, each by 2 x 2 means of the one above. Raises OSError."""
        if pixels.shape[0] != self.resolution:
            raise DataError(f"A picture of {pixels.shape[0]} pixels does not fit.")
        values = pixels.astype(np.float32)
        for level in sorted(self.files, reverse=True):
            rounded = np.rint(values).clip(0, 255).astype(np.uint8)
            self.files[level].write(frame(encode_image(rounded)))
            side = values.shape[0] // 2
            values = values.reshape(side, 2, side, 2, 3).mean((1, 3))
        if label is not None:
            self.labels.append(label)

    def close(self) -> None:
        """Write the labels, one-hot as float32, and give the collection its name. Raises OSError."""
        for file in self.files.values():
            file.close()
        if self.labels:
            count = max(self.labels) + 1
            path = self.beside / f"{self.path.name}-rxx.labels"
            with path.open("wb") as stream:
                np.save(stream, np.eye(count, dtype=np.float32)[self.labels], allow_pickle=False)
        _rename(self.beside, self.path)

    def discard(self) -> None:
        """Leave nothing behind."""
        for file in self.files.values():
            with suppress(OSError):  # what is left in its buffer, on a full disk
                file.close()
        _remove(self.beside)


def open_writer(path: Path, resolution: int, kind: str = "auto") -> Writer:
    """By the name: .zip, or a folder of PNG files; `kind` "tfrecords" writes those. Raises DataError, OSError."""
    if path.exists() and (path.is_file() or any(path.iterdir())):
        raise DataError(f"{path} exists already; choose another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "tfrecords":
        return RecordWriter(path, resolution)
    return ZipWriter(path) if path.suffix == ".zip" else FolderWriter(path)
