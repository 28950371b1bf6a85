"""False alarms on padded photographs: FFHQ's own are rare among ours, so padding is made as its aligner makes it.

    python benchmarks/padded.py --data ../shared/data/faces -o benchmarks/padded.md

Photographs of the 1,024-px sets (none that an analyzer was designed on) lose a strip on one or two sides, and the
aligner's steps (reflect, blur, fade to the median colour; Karras et al. 2019, appendix A) fill it in again; JPEG 75
both times. Counted: how many of the padded pass the statistic that one in twenty of the same photographs, unpadded,
pass.
"""

from __future__ import annotations

import argparse
from datetime import date
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from tables import head, publish

from whichface.detectors.dataset import Sample, for_tuning, in_scope, read_corpus
from whichface.detectors.metrics import wilson
from whichface.forensics.analyzers import ANALYZERS
from whichface.forensics.face import face_record
from whichface.forensics.landmarks import face_frame, refine
from whichface.forensics.photo import open_photo
from whichface.forensics.recompress import jpeg_bytes
from whichface.forensics.records import Evidence, Pixels
from whichface.forensics.view import FaceView

SETS = ("sg1-ffhq-1024", "sg2-ffhq-1024", "celebahq-1024")
MEASURED = tuple(cue for cue in ANALYZERS if cue.name not in ("provenance", "alignment"))
EDGE = 0.95


def padded(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The photograph with 6 to 25 % missing on one or two sides, filled in as FFHQ's aligner fills it in."""
    height, width = pixels.shape[:2]
    cuts = np.zeros(4, int)  # top, bottom, left, right
    for side in rng.choice(4, rng.integers(1, 3), replace=False):
        cuts[side] = int(rng.uniform(0.06, 0.25) * height)
    top, bottom, left, right = (int(v) for v in cuts)
    kept = pixels[top : height - bottom, left : width - right].astype(np.float32)
    out = np.pad(kept, ((top, bottom), (left, right), (0, 0)), "reflect")
    y, x = np.ogrid[:height, :width]
    inward = [_depth(v, size, near, far) for v, size, near, far in ((x, width, left, right), (y, height, top, bottom))]
    depth = np.maximum(*np.broadcast_arrays(*inward))
    soft = cv2.GaussianBlur(out, (0, 0), 0.02 * height)
    out += (soft - out) * np.clip(3 * depth + 1, 0, 1)[..., None]
    out += (np.median(out, axis=(0, 1)) - out) * np.clip(depth, 0, 1)[..., None]
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def _depth(place: np.ndarray, size: int, near: int, far: int) -> np.ndarray:
    """0 at the photograph's edge, rising outwards by 1 over the aligner's padding (at least 0.3 of the side)."""
    pads = [max(cut, 0.3 * size) for cut in (near, far)]
    first = (near - place) / pads[0] if near else np.full(place.shape, -1.0)
    last = (far - (size - 1 - place)) / pads[1] if far else np.full(place.shape, -1.0)
    return np.maximum(first, last)


def statistics(sample: Sample, pixels: Pixels) -> dict[str, float]:
    """What each analyzer measures; abstentions are left out."""
    photo = open_photo(BytesIO(jpeg_bytes(pixels, 75)))
    face = face_record(photo, refine(photo.pixels, face_frame(np.asarray(sample.landmarks)), passes=2))
    view = FaceView(photo, face)
    said = {cue.name: cue.look(view) for cue in MEASURED}
    found = {name: item.statistic for name, item in said.items() if isinstance(item, Evidence)}
    return found | {"padding found": float(view.padding.share > 0.01)}


def row(name: str, plain: list[dict[str, float]], changed: list[dict[str, float]]) -> str:
    """One line of the table."""
    before = np.array([item[name] for item in plain if name in item])
    after = np.array([item[name] for item in changed if name in item])
    edge = float(np.quantile(before, EDGE))
    hits = int((after > edge).sum())
    low, high = wilson(hits, len(after))
    rate = f"{hits}/{len(after)} = {hits / len(after):.1%} [{low:.1%}, {high:.1%}]"
    return f"| {name} | {len(before)} | {len(after)} | {int((before > edge).sum())}/{len(before)} | {rate} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    samples = [s for s in in_scope(read_corpus(args.data)) if s.set in SETS and not s.fake and not for_tuning(s)]
    plain, changed = [], []
    for number, sample in enumerate(samples):
        pixels = open_photo(sample.path).pixels
        plain.append(statistics(sample, pixels))
        changed.append(statistics(sample, padded(pixels, np.random.default_rng(number))))
    found = sum(item["padding found"] for item in changed), sum(item["padding found"] for item in plain)
    command = "python benchmarks/padded.py --data ../shared/data/faces -o benchmarks/padded.md"
    lines = [f"Command: `{command}`, {date.today()}. {len(samples)} photographs.", ""]
    lines += [f"Padding was found in {found[0]:.0f} of the padded and {found[1]:.0f} of the unpadded.", ""]
    lines += head("cue", "unpadded", "padded", "unpadded above the edge", "padded above it [95 %]")
    lines += [row(cue.name, plain, changed) for cue in MEASURED]
    text = "\n".join(lines) + "\n"
    publish(text, args.output)


if __name__ == "__main__":
    main()
