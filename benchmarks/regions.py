"""The parsing network against the masks of the validation pictures, and its time on one thread.

    python benchmarks/regions.py --data ../shared/data/parsing -o benchmarks/regions.md

Prints markdown: intersection over union of each class over the FFHQ square at 256 px, with the landmarks found
in the picture as it then is. Where a mask's code stands for several classes, a label among them counts for
nothing and any other is a false alarm; edges and beards of the wild pictures' hair are left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tables import head, publish

from whichface.detectors.training.regions_data import (
    FLESH,
    SETS,
    WHOLE_MOUTH,
    WILD,
    count,
    face_points,
    members,
    overlap,
    without_doubt,
)
from whichface.forensics.face import find_readings
from whichface.forensics.geometry import CropFrame, crop_frame, interocular, warp
from whichface.forensics.recompress import jpeg, resize
from whichface.forensics.records import Pixels, Region
from whichface.forensics.regions import INPUT, RegionsConfig, face_regions, probabilities

SIZE = 256
DATE = "2026-11-25"
COMMAND = "python benchmarks/regions.py --data ../shared/data/parsing -o benchmarks/regions.md"
Change = Callable[[Pixels, float], tuple[Pixels, float]]


@dataclass(frozen=True, slots=True)
class Item:
    """One validation picture with a face."""

    source: str
    pixels: Pixels
    mask: NDArray[np.uint8]
    points: NDArray[np.float64]


@dataclass(slots=True)
class Tally:
    """What one condition came to."""

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(Region), 3), np.int64))
    sets: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, 3), np.int64))
    pictures: int = 0
    lost: int = 0
    """Pictures whose face was found only before the change: the landmarks of before are used."""


def shrink(side: float) -> Change:
    """A change that brings the face's square to `side` pixels, where it is larger."""

    def change(pixels: Pixels, square: float) -> tuple[Pixels, float]:
        factor = min(1.0, side / square)
        return resize(pixels, factor), factor

    return change


CONDITIONS: dict[str, Change] = {
    "clean": lambda pixels, _: (pixels, 1.0),
    "JPEG 50": lambda pixels, _: (jpeg(pixels, 50), 1.0),
    "256-px face": shrink(256.0),
    "256-px face, JPEG 50": lambda p, s: (jpeg(shrink(256.0)(p, s)[0], 50), min(1.0, 256.0 / s)),
    "128-px face": shrink(128.0),
}


def items(data: Path) -> Iterable[Item]:
    """The validation pictures in which the labelled face is found."""
    manifest = pd.read_csv(data / "manifest.csv")
    for row in manifest[manifest["split"] == "val"].itertuples():
        pixels = cv2.imread(str(data / row.image), cv2.IMREAD_COLOR_RGB)
        mask = cv2.imread(str(data / row.mask), cv2.IMREAD_GRAYSCALE)
        points = face_points(pixels, mask)
        if points is not None:
            mask = without_doubt(mask, points) if row.source == WILD else mask
            yield Item(row.source, pixels, mask, points)


def found(pixels: Pixels, before: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The landmarks of the same face, or None."""
    for reading in find_readings(pixels):
        gap = np.hypot(*(reading.landmarks - before).T).mean()
        if gap < 0.5 * interocular(before) or gap < 0.15 * crop_frame(before).side:
            return reading.landmarks.astype(np.float64)
    return None


def codes_of(mask: NDArray[np.uint8], frame: CropFrame) -> NDArray[np.uint8]:
    """The mask's codes over the square, 255 outside the picture."""
    return cv2.warpAffine(
        mask, frame.matrix(SIZE), (SIZE, SIZE), flags=cv2.INTER_NEAREST, borderValue=255
    ).astype(np.uint8, copy=False)


def set_counts(labels: NDArray[np.uint8], codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(2, 3) hits, false alarms, misses of the mouth and of the flesh as single areas, where so labelled."""
    out = np.zeros((2, 3), np.int64)
    for row, code in enumerate((WHOLE_MOUTH, FLESH)):
        if (codes == code).any():
            ours, theirs = np.isin(labels, SETS[code]), np.isin(codes, (code, *SETS[code]))
            seen = codes != 255
            out[row] = [(a & b & seen).sum() for a, b in ((ours, theirs), (ours, ~theirs), (~ours, theirs))]
    return out


def tally(every: list[Item], change: Change) -> Tally:
    """All pictures under one change."""
    out, table = Tally(), members()
    for item in every:
        pixels, factor = change(item.pixels, crop_frame(item.points).side)
        before = (item.points + 0.5) * factor - 0.5
        points = found(pixels, before)
        out.lost += points is None
        points = before if points is None else points
        labels = face_regions(pixels, points, SIZE).labels
        codes = codes_of(item.mask, crop_frame(points).scaled(1 / factor))
        out.counts += count(labels, codes, table)
        out.sets += set_counts(labels, codes)
        out.pictures += 1
    return out


def bare(every: list[Item]) -> NDArray[np.int64]:
    """Counts of the network's own labels, enlarged, without the guided filter; clean pictures."""
    counts, table = np.zeros((len(Region), 3), np.int64), members()
    for item in every:
        frame = crop_frame(item.points)
        crop, matrix = warp(item.pixels, frame, INPUT)[0], frame.matrix(INPUT)
        shares = probabilities(crop, item.points @ matrix[:, :2].T + matrix[:, 2])
        large = np.stack([cv2.resize(share, (SIZE, SIZE)) for share in shares])
        counts += count(large.argmax(0).astype(np.uint8), codes_of(item.mask, frame), table)
    return counts


def shown(every: list[Item]) -> NDArray[np.int64]:
    """(19,) pictures whose mask has the class itself."""
    there = [np.bincount(item.mask.ravel(), minlength=256)[: len(Region)] > 0 for item in every]
    return np.sum(there, axis=0)


def spent(call: Callable[[], object], rounds: int = 40) -> str:
    """Median and 90th percentile of the CPU time in milliseconds."""
    call()
    times = []
    for _ in range(rounds):
        start = time.thread_time()
        call()
        times.append(1e3 * (time.thread_time() - start))
    return f"{np.median(times):.0f} | {np.percentile(times, 90):.0f}"


def speed(every: list[Item]) -> list[str]:
    """Times of the network and of the whole, one thread."""
    item = every[0]
    frame = crop_frame(item.points)
    crop, matrix = warp(item.pixels, frame, INPUT)[0], frame.matrix(INPUT)
    placed = item.points @ matrix[:, :2].T + matrix[:, 2]
    factor = 1024 / frame.side
    large, points = resize(item.pixels, factor, "bicubic"), (item.points + 0.5) * factor - 0.5
    rows = {
        "network, 256 px": lambda: probabilities(crop, placed),
        "face_regions, size 512": lambda: face_regions(item.pixels, item.points, 512),
        "face_regions, size 512, face of 1,024 px": lambda: face_regions(large, points, 512),
        "face_regions, size 256": lambda: face_regions(item.pixels, item.points, 256),
    }
    return [f"| {name} | {spent(call)} |" for name, call in rows.items()]


def report(every: list[Item]) -> list[str]:
    """The tables."""
    tallies = {name: tally(every, change) for name, change in CONDITIONS.items()}
    columns = [overlap(bare(every)), *(overlap(t.counts) for t in tallies.values())]
    lines = head("class", "pictures", "clean, network alone", *tallies)
    for part, pictures in zip(Region, shown(every), strict=True):
        cells = " | ".join(f"{column[part]:.3f}" for column in columns)
        lines.append(f"| {part.name.lower().replace('_', ' ')} | {pictures} | {cells} |")
    means = " | ".join(f"{np.nanmean(column):.3f}" for column in columns)
    lines += [f"| **mean of 19** | {len(every)} | {means} |"]
    for row, name in enumerate(("mouth as one area", "skin, ears, neck and glasses as one area")):
        cells = " | ".join(f"{overlap(t.sets)[row]:.3f}" for t in tallies.values())
        lines.append(f"| {name} (FASSEG) | | | {cells} |")
    lost = " | ".join(str(t.lost) for t in tallies.values())
    return [*lines, f"| faces lost by the finder, read before the change | | | {lost} |"]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    every = list(items(args.data))
    sources = pd.Series([item.source for item in every]).value_counts().sort_index()
    told = ", ".join(f"{name} {number}" for name, number in sources.items())
    config = RegionsConfig()
    lines = [
        f"Regions of portraits, {DATE}. Command: `{COMMAND}`.",
        "",
        f"{len(every)} validation pictures with a face ({told}); they also chose the best of the training run. "
        f"Intersection over union over the FFHQ square at {SIZE} px; all but the first column after the guided "
        f"filter (radius {config.radius} of the side, epsilon {config.smoothness:g}).",
        "",
        *report(every),
        "",
        *head("CPU time, one thread, ms", "median", "90th percentile"),
        *speed(every),
    ]
    text = "\n".join(lines) + "\n"
    publish(text, args.output)


if __name__ == "__main__":
    main()
