"""Landmarks and face finding against the teacher's points, on validation pictures only.

    python benchmarks/landmarks.py --data ../shared/data/faces -o benchmarks/landmarks.md

Prints markdown: the normalised mean error (mean distance of the 478 points over the interocular
distance), given the teacher's square and from the face finder on, recall, false alarms and CPU
time, by set and by size.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tables import publish

from whichface.forensics.face import FaceConfig, find_faces, find_readings
from whichface.forensics.geometry import interocular
from whichface.forensics.landmarks import face_frame, refine
from whichface.forensics.records import Photo, Pixels, SourceFacts

SIZES = (64, 96, 128, 200, 256, 512, 1024)
OBJECTS = ("coins", "chelsea", "coffee", "brick", "grass", "gravel", "rocket", "text", "page")
OBJECTS += ("moon", "clock", "horse", "hubble_deep_field", "immunohistochemistry", "retina")
DATE = "2026-11-24"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One picture: errors in interocular distances, NaN when not found."""

    given: float
    found: float
    presence: float
    extra: int
    milliseconds: float


def photo_of(pixels: Pixels) -> Photo:
    """A photo of bare pixels."""
    size = (pixels.shape[1], pixels.shape[0])
    return Photo(None, pixels, SourceFacts("ARRAY", 0, size), "0" * 64)


def resized(pixels: Pixels, size: int) -> tuple[Pixels, float]:
    """The picture with its longer side at `size` pixels."""
    factor = size / max(pixels.shape[:2])
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    out = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=way)
    return out.astype(np.uint8, copy=False), factor


def error(found: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
    """Mean distance of the points over the teacher's interocular distance."""
    return float(np.hypot(*(found - truth).T).mean() / interocular(truth))


def examine(pixels: Pixels, truths: list[NDArray[np.float64]], config: FaceConfig) -> Outcome:
    """Both errors of the teacher's first face; `extra` counts faces near no teacher's face."""
    first = truths[0]
    given = error(refine(pixels, face_frame(first)).landmarks, first)
    start = time.thread_time()
    faces = find_faces(photo_of(pixels), config=config)
    spent = (time.thread_time() - start) * 1e3
    errors = np.array([[error(face.landmarks, truth) for truth in truths] for face in faces])
    near = errors.reshape(len(faces), len(truths)) < 0.5
    hits = np.nonzero(near[:, 0])[0] if len(faces) else []
    if len(hits) == 0:
        return Outcome(given, np.nan, np.nan, int((~near.any(1)).sum()), spent)
    best = min(hits, key=lambda i: errors[i, 0])
    extra = int((~near.any(1)).sum())
    return Outcome(given, float(errors[best, 0]), faces[best].confidence, extra, spent)


def row(name: object, outcomes: list[Outcome]) -> str:
    """One line of the table."""
    given = np.array([o.given for o in outcomes])
    found = np.array([o.found for o in outcomes])
    hit = np.isfinite(found)
    middle = np.nanmedian(found) if hit.any() else np.nan
    mean = np.nanmean(found) if hit.any() else np.nan
    extra = sum(o.extra for o in outcomes)
    spent = np.median([o.milliseconds for o in outcomes])
    return (
        f"| {name} | {len(outcomes)} | {np.median(given):.3f} | {given.mean():.3f} | {middle:.3f} "
        f"| {mean:.3f} | {hit.mean():.3f} | {extra} | {spent:.0f} |"
    )


HEAD = (
    "| {} | pictures | NME given square, median | mean | NME found, median | mean | recall "
    "| unmatched faces | CPU ms, median |\n|---|---|---|---|---|---|---|---|---|"
)


def backgrounds(pixels: Pixels, truths: list[NDArray[np.float64]]) -> Iterable[Pixels]:
    """Strips of the picture beside and above all faces, at least 96 px wide and high."""
    height, width = pixels.shape[:2]
    corners = np.concatenate([face_frame(truth).corners() for truth in truths])
    low, high = corners.min(0).astype(int), corners.max(0).astype(int)
    for part in (
        pixels[:, : max(low[0], 0)],
        pixels[:, min(high[0], width) :],
        pixels[: max(low[1], 0)],
        pixels[min(high[1], height) :],
    ):
        if min(part.shape[:2]) >= 96:
            yield np.ascontiguousarray(part)


def objects() -> list[tuple[str, Pixels]]:
    """Pictures without a face from scikit-image, and noise."""
    from skimage import data

    out = []
    for name in OBJECTS:
        try:
            pixels = np.asarray(getattr(data, name)())
        except Exception as problem:  # a picture that is not in the package is left out
            print(f"{name}: {problem}", file=sys.stderr)
            continue
        if pixels.dtype == bool:
            pixels = pixels * 255
        if pixels.ndim == 2:
            pixels = np.repeat(pixels[..., None], 3, 2)
        out.append((name, np.ascontiguousarray(pixels[..., :3], np.uint8)))
    rng = np.random.default_rng(0)
    for cells in (4, 16, 64, 256):
        noise = rng.integers(0, 256, (cells, cells, 3)).astype(np.uint8)
        out.append((f"noise {cells}", cv2.resize(noise, (256, 256), interpolation=cv2.INTER_CUBIC)))
    return out


def read(path: Path) -> Pixels:
    """HxWx3 uint8 RGB."""
    return cv2.imread(str(path), cv2.IMREAD_COLOR_RGB).astype(np.uint8, copy=False)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--limit", type=int, default=60, help="pictures of a set, and of a size")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    config = FaceConfig()
    manifest = pd.read_csv(args.data / "manifest.csv").set_index("file")
    with np.load(args.data / "landmarks478.npz") as archive:
        images, points = archive["image"], archive["xy8"].astype(np.float64) / 8
    truths: dict[str, list[NDArray[np.float64]]] = {}
    for image, shape in zip(images, points, strict=True):
        truths.setdefault(str(image), []).append(shape)
    rng = np.random.default_rng(0)
    held = [n for n in manifest.index[manifest["split"] == "val"] if n in truths]
    held = [held[i] for i in rng.permutation(len(held))]
    lines = [
        f"Landmarks and face finding, {DATE}. Command: `python benchmarks/landmarks.py --data "
        f"../shared/data/faces -o benchmarks/landmarks.md`.",
        "",
        HEAD.format("set"),
    ]
    everything: list[Outcome] = []
    for name, group in manifest.loc[held].groupby("set", sort=True):
        files = list(group.index)[: args.limit]
        outcomes = [examine(read(args.data / f), truths[f], config) for f in files]
        everything += outcomes
        lines.append(row(name, outcomes))
    lines += [row("all", everything), "", HEAD.format("longer side, px")]
    large = [n for n in held if manifest.loc[n, "width"] >= 256][: 2 * args.limit]
    for size in SIZES:
        files = large if size <= 256 else [n for n in large if manifest.loc[n, "width"] >= size]
        outcomes = []
        for file in files:
            pixels, factor = resized(read(args.data / file), size)
            moved = [(shape + 0.5) * factor - 0.5 for shape in truths[file]]
            outcomes.append(examine(pixels, moved, config))
        if outcomes:
            lines.append(row(size, outcomes))
    strips = [s for f in held for s in backgrounds(read(args.data / f), truths[f])][
        : 5 * args.limit
    ]
    alarms = [len(find_readings(strip, config)) for strip in strips]
    share = np.mean(np.array(alarms) > 0) if alarms else np.nan
    wrong = [(n, find_readings(p, config)) for n, p in objects()]
    named = ", ".join(f"{n} ({max(r.presence for r in found):.2f})" for n, found in wrong if found)
    lines += [
        "",
        f"Background strips of validation pictures: {len(strips)}, a face found in {share:.3f}.",
        f"Objects and textures: {len(wrong)}, with a face found in: {named or 'none'}. Of these, coins, "
        "chelsea (a cat) and coffee were kept from training; crops of the others were negatives.",
    ]
    text = "\n".join(lines) + "\n"
    publish(text, args.output)


if __name__ == "__main__":
    main()
