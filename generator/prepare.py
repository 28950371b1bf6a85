"""Make a training collection: choose pictures, crop or align them, resize, and write a folder, a ZIP or TFRecords."""

from __future__ import annotations

import csv
import errno
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.errors import ForensicsError
from whichface.forensics.geometry import CropFrame, crop_frame, warp
from whichface.forensics.photo import open_photo
from whichface.forensics.records import Photo, Pixels

from .data import EXTENSIONS
from .errors import DataError
from .writers import Writer

CROPS = ("none", "centre", "align")


@dataclass(frozen=True, slots=True)
class PrepareConfig:
    """How pictures are chosen and brought to one shape."""

    resolution: int = 256
    """Side of the result, a power of two."""
    crop: str = "centre"
    """none: squares only; centre: the largest centred square; align: the FFHQ square of the largest face."""
    where: tuple[tuple[str, str], ...] = ()
    """Columns of manifest.csv and their wanted values; several values of one column are alternatives."""
    one_per_group: bool = False
    """Only the largest picture of each group of the manifest."""
    least_inside: float = 0.98
    """Share of an aligned face's square that must lie in its picture; the rest would be mirrored."""
    least_pixels: float = 0.75
    """Side of the square in the picture, in sides of the result, below which it is skipped."""
    most: int | None = None
    """Stop after so many pictures."""


@dataclass(frozen=True, slots=True)
class Item:
    """A picture to take."""

    path: Path
    label: int | None = None
    landmarks: NDArray[np.float32] | None = None
    """(478, 2), where the folder has landmarks478.npz."""


@dataclass(slots=True)
class Tally:
    """What became of the pictures."""

    written: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Path and reason."""


class Skipped(Exception):
    """A picture that is left out, with the reason."""


def collect(folders: Sequence[Path], config: PrepareConfig, label_by: str | None = None) -> list[Item]:
    """Every picture of the folders that the configuration wants. Raises DataError when there is none.

    `label_by` is a column of the manifest, or "folder" for the first folder below; its sorted values become 0, 1, ….
    """
    found: list[tuple[Path, str, NDArray[np.float32] | None]] = []
    for folder in folders:
        manifest = folder / "manifest.csv"
        rows = _rows(folder, manifest, config) if manifest.exists() else _files(folder)
        points = _landmarks(folder / "landmarks478.npz")
        for name, row in rows:
            value = name.split("/")[0] if label_by == "folder" else row.get(label_by or "", "")
            found.append((folder / name, value, points.get(name)))
    if not found:
        raise DataError("No picture was found that is wanted.")
    values = sorted({value for _, value, _ in found})
    return [
        Item(path, values.index(value) if label_by else None, points)
        for path, value, points in found
    ]


def _files(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Names of the pictures below a folder, sorted."""
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder.")
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in EXTENSIONS and path.is_file():
            yield path.relative_to(folder).as_posix(), {}


def _rows(
    folder: Path, manifest: Path, config: PrepareConfig
) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a manifest that fulfil every condition, in its order."""
    wanted: dict[str, set[str]] = {}
    for column, value in config.where:
        wanted.setdefault(column, set()).add(value)
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows = [r for r in rows if all(r.get(c) in v for c, v in wanted.items() if c in r)]
    if config.one_per_group:
        rows = _largest_of_groups(rows)
    for row in rows:
        yield row.get("file") or row["image"], row


def _largest_of_groups(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    best: dict[str, dict[str, str]] = {}
    for row in rows:
        group = row.get("group") or row.get("file") or row.get("image", "")
        if group not in best or int(row["width"]) > int(best[group]["width"]):
            best[group] = row
    return list(best.values())


def _landmarks(path: Path) -> dict[str, NDArray[np.float32]]:
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as data:
        images, faces, points = data["image"], data["face"], data["xy8"]
    rows = zip(images, faces, points, strict=True)
    return {str(image): xy.astype(np.float32) / 8 for image, face, xy in rows if face == 0}


def shape(item: Item, config: PrepareConfig) -> Pixels:
    """The picture as it goes into the collection. Raises Skipped, PhotoError."""
    photo = open_photo(item.path)
    pixels = photo.pixels
    size = config.resolution
    if config.crop == "align":
        return _aligned(photo, item, config)
    height, width = pixels.shape[:2]
    side = min(height, width)
    if config.crop == "none" and height != width:
        raise Skipped(f"it is {width}x{height}, not a square")
    if side < size * config.least_pixels:
        raise Skipped(f"it is only {width}x{height}")
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    return resized(square, size)


def _aligned(photo: Photo, item: Item, config: PrepareConfig) -> Pixels:
    """The FFHQ square of the largest face."""
    from whichface.forensics.face import find_faces
    landmarks = item.landmarks
    if landmarks is None:
        faces = find_faces(photo)
        if not faces:
            raise Skipped("no face was found")
        landmarks = max(faces, key=lambda face: crop_frame(face.landmarks).side).landmarks
    frame = crop_frame(landmarks)
    if frame.side < config.resolution * config.least_pixels:
        raise Skipped(f"its face's square is only {frame.side:.0f} pixels wide")
    return cut(photo.pixels, frame, config)


def cut(pixels: Pixels, frame: CropFrame, config: PrepareConfig) -> Pixels:
    """The square, sampled at twice the size and halved. Raises Skipped when too much lies outside."""
    crop, inside = warp(pixels, frame, config.resolution * 2)
    share = float(inside.mean())
    if share < config.least_inside:
        raise Skipped(f"only {share:.0%} of its face's square lies in the picture")
    return resized(crop, config.resolution)


def resized(square: Pixels, size: int) -> Pixels:
    """Area means when shrinking, Lanczos when growing."""
    if square.shape[0] == size:
        return square
    method = cv2.INTER_AREA if square.shape[0] > size else cv2.INTER_LANCZOS4
    return cv2.resize(square, (size, size), interpolation=method).astype(np.uint8, copy=False)


def prepare(
    items: Iterable[Item],
    writer: Writer,
    config: PrepareConfig,
    seen: Callable[[int, str], None] = lambda number, name: None,
) -> Tally:
    """Write every picture that can be used; the others are named with the reason.

    Nothing is left behind when there is none. Raises OSError on writing, which names the collection.
    """
    try:
        tally = _write(items, writer, config, seen)
        if tally.written:
            writer.close()
        else:
            writer.discard()
    except OSError as error:
        writer.discard()
        reason = error.strerror or str(error)
        raise OSError(error.errno or errno.EIO, reason, str(writer.path)) from error
    except BaseException:
        writer.discard()
        raise
    return tally


def _write(
    items: Iterable[Item], writer: Writer, config: PrepareConfig, seen: Callable[[int, str], None]
) -> Tally:
    tally = Tally()
    for number, item in enumerate(items, 1):
        seen(number, item.path.name)
        try:
            pixels = shape(item, config)
        except (Skipped, ForensicsError) as error:
            tally.skipped.append((str(item.path), str(error)))
            continue
        writer.add(pixels, item.label)
        tally.written += 1
        if config.most is not None and tally.written >= config.most:
            break
    return tally


def reasons(tally: Tally) -> Mapping[str, int]:
    """How often each kind of reason came up, numbers left out."""
    counts: dict[str, int] = {}
    for _, reason in tally.skipped:
        kind = "".join(c for c in reason if not c.isdigit())
        counts[kind] = counts.get(kind, 0) + 1
    return counts
