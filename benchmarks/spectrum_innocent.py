"""Demosaicing and enlarging put patterns into photographs, too: whether the spectrum cue fires on them.

    python benchmarks/spectrum_innocent.py --data ../shared/data/faces -o benchmarks/spectrum_innocent.md

Photographs of the matched sets (design half of the train groups) are mosaicked and demosaicked by OpenCV's three
methods, or enlarged by four filters, and saved as JPEG. Counted: findings (statistic of 2 and more).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tables import head, publish

from whichface.detectors.dataset import Sample, for_tuning, in_scope, read_corpus
from whichface.detectors.metrics import wilson
from whichface.detectors.training.cue_table import thinned
from whichface.forensics.analyzers.spectrum import SpectrumConfig, look
from whichface.forensics.face import face_record
from whichface.forensics.landmarks import face_frame, refine
from whichface.forensics.photo import open_photo
from whichface.forensics.recompress import FILTERS, jpeg_bytes
from whichface.forensics.records import Evidence, Pixels
from whichface.forensics.view import FaceView

METHODS = {"bilinear": cv2.COLOR_BayerBG2RGB, "VNG": cv2.COLOR_BayerBG2RGB_VNG, "edge-aware": cv2.COLOR_BayerBG2RGB_EA}
Change = Callable[[Pixels], Pixels]


def demosaicked(method: int) -> Change:
    """The picture seen through a colour filter, with a little noise, and filled in again."""

    def change(pixels: Pixels) -> Pixels:
        mosaic = np.zeros(pixels.shape[:2], np.uint8)
        for row, column, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
            mosaic[row::2, column::2] = pixels[row::2, column::2, channel]
        noise = np.random.default_rng(0).normal(0, 2.0, mosaic.shape)
        return np.asarray(cv2.demosaicing(np.clip(mosaic + noise, 0, 255).astype(np.uint8), method), np.uint8)

    return change


def enlarged(factor: float, interpolation: int) -> Change:
    """The picture enlarged by a factor."""
    return lambda pixels: np.asarray(
        cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=interpolation), np.uint8
    )


def statistics(samples: list[Sample], change: Change, factor: float, quality: int) -> Iterator[float | None]:
    """The cue's statistic for each photograph; None for an abstention."""
    for sample in samples:
        pixels = change(open_photo(sample.path).pixels)
        photo = open_photo(BytesIO(jpeg_bytes(pixels, quality)))
        points: NDArray[np.float32] = (np.asarray(sample.landmarks) + 0.5) * factor - 0.5
        found = look(FaceView(photo, face_record(photo, refine(photo.pixels, face_frame(points), passes=1))))
        yield found.statistic if isinstance(found, Evidence) else None


def line(name: str, values: list[float | None]) -> str:
    """One row of the table."""
    seen = [v for v in values if v is not None]
    if not seen:
        return f"| {name} | {len(values)} | {len(values)} | – | – |"
    hits = sum(v >= SpectrumConfig().worth for v in seen)
    low, high = wilson(hits, len(seen))
    cells = [name, str(len(values)), str(len(values) - len(seen)), f"{np.median(seen):.2f}"]
    return f"| {' | '.join(cells)} | {hits}/{len(seen)} [{low:.0%}, {high:.0%}] |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--most", type=int, default=15, help="photographs a set")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    reals = [s for s in in_scope(read_corpus(args.data)) if for_tuning(s) and not s.fake]
    large = thinned([s for s in reals if s.set in ("sg1-ffhq-1024", "sg2-ffhq-1024", "celebahq-1024")], args.most, 5)
    small = thinned([s for s in reals if s.set == "sg1-ffhq-256"], args.most, 1)
    command = "python benchmarks/spectrum_innocent.py --data DATA -o benchmarks/spectrum_innocent.md"
    lines = [f"Command: `{command}`, {date.today()}.", ""]
    lines += head("photographs", "number", "abstained", "median statistic", "findings [95 %]")
    for quality in (95, 85, 75):
        lines.append(line(f"1,024 px, JPEG {quality}", list(statistics(large, lambda p: p, 1.0, quality))))
        for name, method in METHODS.items():
            values = list(statistics(large, demosaicked(method), 1.0, quality))
            lines.append(line(f"1,024 px, demosaicked ({name}), JPEG {quality}", values))
    for factor in (1.5, 2.0, 3.0, 4.0):
        for name, interpolation in FILTERS.items():
            values = list(statistics(small, enlarged(factor, interpolation), factor, 90))
            lines.append(line(f"256 px, enlarged {factor:g} times ({name}), JPEG 90", values))
    text = "\n".join(lines) + "\n"
    publish(text, args.output)


if __name__ == "__main__":
    main()
