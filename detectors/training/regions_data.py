"""Labelled portraits for the parsing network: wide crops about the face, cached with masks and landmarks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whichface.forensics.face import find_readings
from whichface.forensics.geometry import CropFrame, crop_frame
from whichface.forensics.landmarks import POINTS
from whichface.forensics.records import Pixels, Region
from whichface.forensics.regions import OVAL

CACHE = 352
"""Side in pixels of a cached crop."""
WIDE = 1.3
"""Side of a cached crop over the side of the FFHQ square."""
IGNORE = 255
NOT_HAIR, WHOLE_MOUTH, FLESH, OUTSIDE = 200, 201, 202, 203
"""Codes of the masks that stand for several classes."""
SETS: dict[int, tuple[Region, ...]] = {
    NOT_HAIR: tuple(part for part in Region if part is not Region.HAIR),
    WHOLE_MOUTH: (Region.MOUTH, Region.UPPER_LIP, Region.LOWER_LIP),
    FLESH: (Region.SKIN, Region.LEFT_EAR, Region.RIGHT_EAR, Region.NECK, Region.GLASSES),
    OUTSIDE: (Region.BACKGROUND, Region.HAT, Region.EARRING, Region.NECKLACE, Region.CLOTH),
}
SWAPS = ((4, 5), (6, 7), (8, 9))
"""Classes that change places in a mirror."""
WILD = "lfw_parts_hair_2000"
"""Its hair has coarse edges and takes in beards."""


def members() -> NDArray[np.bool_]:
    """(256, 19): which classes a mask's code may stand for; a row of no class is to be ignored."""
    table = np.zeros((256, len(Region)), bool)
    table[np.arange(len(Region)), np.arange(len(Region))] = True
    for code, parts in SETS.items():
        table[code, list(parts)] = True
    return table


def count(
    labels: NDArray[np.uint8], codes: NDArray[np.uint8], table: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(19, 3) pixels of hits, false alarms and misses of each class.

    Where a code stands for several classes, a label among them says nothing, and another is a false alarm.
    """
    exact = codes < len(Region)
    pairs = np.bincount(
        codes[exact].astype(np.int64) * len(Region) + labels[exact], minlength=len(Region)**2
    ).reshape(len(Region), len(Region))
    several = ~exact & table[codes].any(-1)
    wrong = several & ~table[codes, labels]
    alarms = pairs.sum(0) - np.diag(pairs) + np.bincount(labels[wrong], minlength=len(Region))
    return np.stack([np.diag(pairs), alarms, pairs.sum(1) - np.diag(pairs)], 1)


def overlap(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """(19,) intersection over union; NaN for a class that never occurs."""
    total = counts.sum(1)
    return np.where(total > 0, counts[:, 0] / np.maximum(total, 1), np.nan)


@dataclass(frozen=True, slots=True)
class RegionCache:
    """Wide crops of one split."""

    crops: NDArray[np.uint8]
    """(N, 352, 352, 3) RGB; the picture's border is reflected."""
    masks: NDArray[np.uint8]
    """(N, 352, 352) codes; 255 outside the picture."""
    points: NDArray[np.float32]
    """(N, 478, 2) in pixels of the crop; NaN where no face was found."""
    sources: NDArray[np.str_]
    """(N,) folder that the picture is from."""


def load_cache(folder: Path, split: str) -> RegionCache:
    """The cache that `build_cache` wrote."""
    crops = np.load(folder / f"{split}-crops.npy", mmap_mode="r")
    with np.load(folder / f"{split}-rest.npz") as rest:
        return RegionCache(crops, rest["masks"], rest["points"], rest["sources"])


def face_points(pixels: Pixels, mask: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """The landmarks of the labelled face: the largest that is found, if its nose lies on the mask's."""
    readings = find_readings(pixels)
    if not readings:
        return None
    points = max(readings, key=lambda r: crop_frame(r.landmarks).side).landmarks.astype(np.float64)
    rows, columns = np.nonzero(mask == Region.NOSE)
    if len(rows):
        gap = np.hypot(*(points[list(range(1, 6))].mean(0) - [columns.mean(), rows.mean()]))
        if gap > 0.12 * crop_frame(points).side:
            return None
    return points


def guessed_frame(mask: NDArray[np.uint8]) -> CropFrame | None:
    """A square about the hair, for pictures whose face is turned away; None without hair."""
    rows, columns = np.nonzero(mask == Region.HAIR)
    if len(rows) < 100:
        return None
    low, high = np.percentile(np.stack([columns, rows], 1), [2, 98], axis=0)
    side = 1.25 * float((high - low).max())
    return CropFrame((low + high) / 2, np.array([side / 2, 0.0]))


def without_doubt(
    mask: NDArray[np.uint8], points: NDArray[np.float64] | None
) -> NDArray[np.uint8]:
    """A mask of the wild pictures with its edges, and the hair of a beard, set to be ignored."""
    hair = (mask == Region.HAIR).astype(np.uint8)
    edge = cv2.morphologyEx(hair, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)) > 0
    if points is not None:
        lower = np.zeros_like(hair)
        cv2.fillConvexPoly(lower, cv2.convexHull(points[list(OVAL)].astype(np.int32)), 1)
        lower = cv2.dilate(lower, np.ones((9, 9), np.uint8))
        lower[: max(0, round(float(points[[33, 263], 1].mean())))] = 0
        edge |= (lower > 0) & (hair > 0)
    return np.where(edge, np.uint8(IGNORE), mask)


def wide_crop(
    pixels: Pixels, mask: NDArray[np.uint8], frame: CropFrame
) -> tuple[Pixels, NDArray[np.uint8], NDArray[np.float64]]:
    """Crop, codes, and the (2, 3) affine from the picture to the crop."""
    matrix = CropFrame(frame.centre, frame.axis * WIDE).matrix(CACHE)
    crop = cv2.warpAffine(
        pixels, matrix, (CACHE, CACHE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    codes = cv2.warpAffine(
        mask, matrix, (CACHE, CACHE), flags=cv2.INTER_NEAREST, borderValue=IGNORE
    )
    return crop, codes, matrix


def _items(data: Path, files: pd.DataFrame) -> Iterator[tuple[str, Pixels, NDArray[np.uint8], NDArray[np.float64]]]:
    """Source, crop, codes and points of each usable picture."""
    for row in files.itertuples():
        pixels = cv2.imread(str(data / row.image), cv2.IMREAD_COLOR_RGB)
        mask = cv2.imread(str(data / row.mask), cv2.IMREAD_GRAYSCALE)
        points = face_points(pixels, mask)
        frame = guessed_frame(mask) if points is None else crop_frame(points)
        if frame is None:
            continue
        if row.source == WILD:
            mask = without_doubt(mask, points)
        crop, codes, matrix = wide_crop(pixels, mask, frame)
        if points is None:
            points = np.full((POINTS, 2), np.nan)
        yield row.source, crop, codes, points @ matrix[:, :2].T + matrix[:, 2]


def build_cache(data: Path, folder: Path) -> None:
    """Write the crops, codes and points of both splits into `folder`."""
    manifest = pd.read_csv(data / "manifest.csv")
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("val", "train"):
        items = list(_items(data, manifest[manifest["split"] == split]))
        sources, crops, masks, points = zip(*items, strict=True)
        np.savez_compressed(
            folder / f"{split}-rest.npz",
            masks=np.stack(masks),
            points=np.stack(points).astype(np.float32),
            sources=np.array(sources),
        )
        # Last, because its presence says that the cache is whole.
        np.save(folder / f"{split}-crops.npy", np.stack(crops))
