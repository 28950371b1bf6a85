"""The quality gates on photographs and fakes: repeated pixels, missing colours, blocks of compression.

    python benchmarks/gates.py --data ../shared/data/faces -o benchmarks/gates.md

Faces of the train split, drawn by a seed, as stored and after processing of known kind; how many each gate catches.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tables import head, publish

from whichface.detectors.dataset import Sample, in_scope, read_corpus, read_pixels
from whichface.forensics.geometry import CropFrame, crop_frame
from whichface.forensics.pixelation import repeated_share
from whichface.forensics.quality import blockiness, inner_face, is_grey

Pixels = NDArray[np.uint8]
Change = Callable[[Pixels, CropFrame], tuple[Pixels, CropFrame]]
BLOCKS = (0.6, 1.0)
"""The two bounds on blocks: where the file's own quality is low, and whatever the file says."""


def coded(quality: int) -> Change:
    """Saved anew as JPEG."""

    def change(pixels: Pixels, frame: CropFrame) -> tuple[Pixels, CropFrame]:
        _, stream = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(stream, cv2.IMREAD_COLOR), np.uint8), frame

    return change


def repeated(side: int, enlarged: int, quality: int) -> Change:
    """The face shrunk to `side` pixels, enlarged by repetition, saved as JPEG."""

    def change(pixels: Pixels, frame: CropFrame) -> tuple[Pixels, CropFrame]:
        small = cv2.resize(pixels, None, fx=side / frame.side, fy=side / frame.side, interpolation=cv2.INTER_AREA)
        grown = cv2.resize(small, None, fx=enlarged / side, fy=enlarged / side, interpolation=cv2.INTER_NEAREST)
        scale = enlarged / frame.side
        return coded(quality)(np.asarray(grown, np.uint8), CropFrame(frame.centre * scale, frame.axis * scale))

    return change


def toned(tint: tuple[float, float, float], noise: float) -> Change:
    """Black and white in one tint, with colour noise, saved at JPEG 75."""

    def change(pixels: Pixels, frame: CropFrame) -> tuple[Pixels, CropFrame]:
        grey = (pixels @ np.array([0.299, 0.587, 0.114]))[..., None] * np.array(tint)
        noisy = grey + np.random.default_rng(0).normal(0, noise, pixels.shape)
        return coded(75)(np.clip(noisy, 0, 255).astype(np.uint8), frame)

    return change


CHANGES: dict[str, Change] = {
    "as stored": lambda pixels, frame: (pixels, frame),
    **{f"JPEG {quality}": coded(quality) for quality in (90, 80, 70, 60, 50, 40, 30)},
    **{f"{side} px repeated to {to} px, JPEG {q}": repeated(side, to, q)
       for side, to in ((48, 256), (100, 256), (100, 400)) for q in (90, 50)},
    "black and white": toned((1.0, 1.0, 1.0), 0.0),
    "the same with colour noise of 5": toned((1.0, 1.0, 1.0), 5.0),
    "sepia": toned((1.07, 0.95, 0.75), 0.0),
}  # fmt: skip


def row(name: str, change: Change, faces: list[tuple[Pixels, CropFrame]]) -> str:
    """How many faces each gate catches after a change."""
    pixels = [change(*face) for face in faces]
    lumas = [inner_face(*face) for face in pixels]
    blocks = np.array([blockiness(luma) for luma in lumas])
    counts = [sum(repeated_share(luma) < 1 for luma in lumas), sum(is_grey(*face) for face in pixels)]
    counts += [int((blocks > bound).sum()) for bound in BLOCKS]
    return f"| {name} | {' | '.join(f'{n} of {len(faces)} ({n / len(faces):.1%})' for n in counts)} |"


def faces_of(samples: list[Sample], count: int, seed: int) -> list[tuple[Pixels, CropFrame]]:
    """`count` faces with their squares, drawn by a seed."""
    drawn = np.random.default_rng(seed).permutation(len(samples))
    found = []
    for number in drawn:
        sample = samples[number]
        if sample.landmarks is not None:
            found.append((read_pixels(sample.path), crop_frame(sample.landmarks)))
        if len(found) == count:
            break
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    samples = [s for s in in_scope(read_corpus(args.data)) if s.split == "train"]
    faces = faces_of(samples, args.count, seed=0)
    names = ("change", "repeated pixels", "no colours", *(f"blocks above {bound}" for bound in BLOCKS))
    command = "Command: `python benchmarks/gates.py --data ../shared/data/faces -o benchmarks/gates.md`"
    lines = [f"{command}, {len(faces)} faces of the train split, {datetime.now(UTC).date()}.", "", *head(*names)]
    lines += [row(name, change, faces) for name, change in CHANGES.items()]
    publish("\n".join(lines) + "\n", args.output)


if __name__ == "__main__":
    main()
