"""The training pack: every picture of a corpus through random chains, at the canonical scales, stored once.

The canonical face ends in a JPEG, so the pack holds those bytes: small, exact, and read by every expert's training.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.geometry import CropFrame, crop_frame
from whichface.forensics.records import Pixels
from whichface.forensics.recompress import ChainConfig, random_chain

from ..canonical import ENLARGE, QUALITY, aligned_crop, applies
from ..dataset import Sample, read_pixels


@dataclass(frozen=True, slots=True)
class PackConfig:
    """How a pack is made."""

    scale: int
    """Canonical side in pixels."""
    variants: int = 5
    """Variants a picture: the first as stored, the others through random chains."""
    seed: int = 0
    """Seed; every picture and variant has its own stream, so a pack is the same in any order."""
    jitter: tuple[float, float, float] = (0.012, 0.02, 1.2)
    """Standard deviations of the face square's shift (sides), log size and roll (degrees): the landmarks' own error."""


def jitter_frame(frame: CropFrame, rng: np.random.Generator, config: PackConfig) -> CropFrame:
    """The square moved as an imperfect landmark network would: also for pictures that are aligned already."""
    shift, grow, turn = config.jitter
    angle = np.radians(rng.normal(0, turn))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    axis = rotation @ frame.axis * np.exp(rng.normal(0, grow))
    return CropFrame(frame.centre + rng.normal(0, shift, 2) * frame.side, axis)


def variants(sample: Sample, number: int, config: PackConfig) -> Iterator[tuple[int, bytes, bytes]]:
    """(variant, JPEG bytes of the canonical face, compressed mask); none where the scale does not apply."""
    assert sample.landmarks is not None
    original, frame = read_pixels(sample.path), crop_frame(sample.landmarks)
    chain = ChainConfig(min_side=config.scale / ENLARGE * 1.06)
    for variant in range(config.variants):
        rng = np.random.default_rng([config.seed, number, variant, config.scale])
        pixels, moved = original, frame
        if variant:
            pixels, moved = random_chain(original, frame, rng, chain)
        moved = jitter_frame(moved, rng, config)
        if not applies(moved, config.scale):
            continue
        crop, inside = aligned_crop(pixels, moved, config.scale)
        yield variant, _encode(crop), zlib.compress(np.packbits(inside).tobytes(), 1)


def _encode(crop: Pixels) -> bytes:
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    ]
    return cv2.imencode(".jpg", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def _job(task: tuple[Sample, int, PackConfig]) -> list[tuple[int, int, bytes, bytes]]:
    cv2.setNumThreads(1)
    return [(task[1], *item) for item in variants(*task)]


def build(samples: Sequence[Sample], config: PackConfig, path: Path, workers: int = 2) -> None:
    """Write the pack of `samples` (their order numbers the rows) to `path` (.npz)."""
    rows: list[tuple[int, int, bytes, bytes]] = []
    with ProcessPoolExecutor(workers) as pool:
        for result in pool.map(_job, [(s, i, config) for i, s in enumerate(samples)], chunksize=32):
            rows.extend(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        sample=np.array([r[0] for r in rows], np.int64),
        variant=np.array([r[1] for r in rows], np.int64),
        jpeg=np.frombuffer(b"".join(r[2] for r in rows), np.uint8),
        jpeg_end=np.cumsum([len(r[2]) for r in rows]),
        mask=np.frombuffer(b"".join(r[3] for r in rows), np.uint8),
        mask_end=np.cumsum([len(r[3]) for r in rows]),
        scale=np.int64(config.scale),
    )


class Pack:
    """A pack read from disk; rows are canonical faces."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as data:
            self.sample: NDArray[np.int64] = data["sample"]
            self.variant: NDArray[np.int64] = data["variant"]
            self.scale = int(data["scale"])
            self._jpeg, self._jpeg_end = data["jpeg"], data["jpeg_end"]
            self._mask, self._mask_end = data["mask"], data["mask_end"]

    def __len__(self) -> int:
        return len(self.sample)

    def pixels(self, row: int) -> Pixels:
        """`scale` x `scale` x 3 uint8 RGB."""
        start = self._jpeg_end[row - 1] if row else 0
        image = cv2.imdecode(self._jpeg[start : self._jpeg_end[row]], cv2.IMREAD_COLOR)
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)

    def inside(self, row: int) -> NDArray[np.bool_]:
        """`scale` x `scale` mask of what lay inside the picture."""
        start = self._mask_end[row - 1] if row else 0
        bits = np.frombuffer(zlib.decompress(self._mask[start : self._mask_end[row]].tobytes()), np.uint8)
        return np.unpackbits(bits)[: self.scale**2].reshape(self.scale, self.scale).astype(bool)
