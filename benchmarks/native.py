"""Features of large pictures at their own resolution, and of their canonical faces after the same change.

`benchmarks/additions.py` asks whether an expert on these would add something to the canonical scales.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.detectors.canonical import QUALITY, SCALES, CanonicalFace, canonical_face
from whichface.detectors.dataset import Sample
from whichface.detectors.features import features
from whichface.detectors.leakage import sharpness
from whichface.detectors.training.cue_table import view_of
from whichface.detectors.training.pack import STORED, PackConfig, jitter_frame, opened
from whichface.forensics.analyzers import spectrum
from whichface.forensics.geometry import CropFrame
from whichface.forensics.recompress import jpeg, resize
from whichface.forensics.records import Abstention, Pixels

Array = NDArray[np.float32]
SIDE = 512
"""Side of a window in pixels."""
GRID = 16
"""Windows begin at multiples of this, so that their JPEG blocks are those of the picture (4:2:0)."""
CHANGES: Mapping[str, Callable[[Pixels], Pixels]] = {
    "as stored": lambda pixels: pixels,
    "JPEG quality 60": lambda pixels: jpeg(pixels, 60),
    "768 px": lambda pixels: resize(pixels, 768 / max(pixels.shape[:2])),
}
"""What happens to a picture before anybody looks at it."""
SEEN_ANEW = ("JPEG quality 60",)
"""Changes after which canonical faces are measured anew: those of 768 px are the stored ones but for rounding."""


def windows(frame: CropFrame, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """(x, y) of the top left corners of two SIDE x SIDE windows: the face square's centre, and its top left corner.

    The second shows hair and background. Both lie on the GRID inside a picture of `shape` (height, width, …). Raises
    ValueError for a picture smaller than a window.
    """
    height, width = shape[:2]
    if min(height, width) < SIDE:
        raise ValueError(f"a picture of {width}x{height} has no window of {SIDE} px")
    most = np.array([width - SIDE, height - SIDE])
    corners = (frame.centre - SIDE / 2, frame.centre - frame.side / 2)
    places = [np.clip(np.round(c / GRID) * GRID, 0, most // GRID * GRID).astype(int) for c in corners]
    return [(int(x), int(y)) for x, y in places]


def native_features(pixels: Pixels, frame: CropFrame) -> Array:
    """Mean of the windows' features after the whole picture went through the canonical codec; nothing is resized."""
    encoded, everywhere = jpeg(pixels, QUALITY), np.ones((SIDE, SIDE), bool)
    found = [
        features(CanonicalFace(np.ascontiguousarray(encoded[y : y + SIDE, x : x + SIDE]), everywhere, SIDE))
        for x, y in windows(frame, pixels.shape)
    ]
    return np.mean(found, axis=0, dtype=np.float32)


def measured(sample: Sample, number: int, change: str, canonical: bool) -> Array:
    """(1 or 4, features) float32: native and, if `canonical`, at each scale, of a picture after a change.

    `number` is that of the picture in the pack: the face square is jittered as in its variant 0.
    """
    config = PackConfig()
    pixels, frame = opened(sample, config)
    changed = CHANGES[change](pixels)
    frame = frame.scaled(changed.shape[1] / pixels.shape[1])
    rows = [native_features(changed, frame)]
    if canonical:
        moved = jitter_frame(frame, np.random.default_rng([config.seed, number, STORED]), config)
        rows += [features(canonical_face(changed, moved, scale)) for scale in SCALES]
    return np.stack(rows)


def table(samples: Sequence[Sample], numbers: Sequence[int], change: str, canonical: bool, cache: Path) -> Array:
    """(pictures, 1 or 4, features) of `measured`, kept in the file `cache` (.npy)."""
    if not cache.exists():
        cv2.setNumThreads(1)
        rows = np.stack([measured(samples[i], i, change, canonical) for i in numbers])
        np.save(cache, rows.astype(np.float16))
    return np.load(cache).astype(np.float32)


def other_measures(samples: Sequence[Sample], numbers: Sequence[int], cache: Path) -> NDArray[np.float64]:
    """(pictures, 3) as stored: statistic of the spectrum cue (NaN where it abstains), and `leakage.sharpness`.

    Kept in the file `cache` (.npy).
    """
    if not cache.exists():
        cv2.setNumThreads(1)
        found = []
        for view in (view_of(samples[i]) for i in numbers):
            assert view is not None, "every picture applies as stored"
            cue = spectrum.look(view)
            statistic = np.nan if isinstance(cue, Abstention) else cue.statistic
            found.append([statistic, *sharpness(view.photo.pixels)])
        np.save(cache, np.array(found))
    return np.load(cache)
