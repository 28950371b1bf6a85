"""The training pack: every picture as stored and through random chains, at every canonical scale that it has.

The canonical face ends in a JPEG, so the pack holds those bytes: small, exact, and read by every expert's training
and by the stack, which needs the same picture at all of its scales.
`python -m whichface.detectors.training.pack --data DIR -o pack.npz`
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.geometry import CropFrame, crop_frame
from whichface.forensics.recompress import ChainConfig, jpeg_bytes, random_chain
from whichface.forensics.records import Pixels

from ..canonical import ENLARGE, QUALITY, SCALES, CanonicalFace, aligned_crop, applies
from ..dataset import Sample, in_scope, read_corpus, read_pixels

STORED = 0
"""Variant 0 is the picture as stored; odd ones keep its largest scale, even ones may be shrunk to the smallest."""


@dataclass(frozen=True, slots=True)
class PackConfig:
    """How a pack is made."""

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


@dataclass(frozen=True, slots=True)
class Packed:
    """One canonical face of the pack."""

    sample: int
    """Number of the picture."""
    variant: int
    """Number of its processing; 0 is as stored."""
    scale: int
    """Canonical side in pixels."""
    jpeg: bytes
    """The face after the canonical codec."""
    mask: bytes
    """Packed bits of what lay inside the picture, compressed."""


def variants(sample: Sample, number: int, config: PackConfig) -> Iterator[Packed]:
    """The canonical faces of one picture; none where it has the pixels for no scale."""
    if sample.landmarks is None:
        raise ValueError(f"{sample.path} has no landmarks")
    original, frame = read_pixels(sample.path), crop_frame(sample.landmarks)
    largest = max((s for s in SCALES if applies(frame, s)), default=SCALES[0])
    for variant in range(config.variants):
        rng = np.random.default_rng([config.seed, number, variant])
        pixels, moved = original, frame
        if variant != STORED:
            least = largest if variant % 2 else SCALES[0]
            ranges = ChainConfig(min_side=least / ENLARGE * 1.06)
            pixels, moved = random_chain(original, frame, rng, ranges)
        moved = jitter_frame(moved, rng, config)
        for scale in (s for s in SCALES if applies(moved, s)):
            crop, inside = aligned_crop(pixels, moved, scale)
            mask = zlib.compress(np.packbits(inside).tobytes(), 1)
            yield Packed(number, variant, scale, jpeg_bytes(crop, QUALITY), mask)


def _job(task: tuple[Sample, int, PackConfig]) -> list[Packed]:
    cv2.setNumThreads(1)
    return list(variants(*task))


def _all(samples: Sequence[Sample], config: PackConfig, workers: int) -> Iterator[Packed]:
    tasks = [(s, i, config) for i, s in enumerate(samples)]
    if workers <= 1:
        yield from chain.from_iterable(map(_job, tasks))
        return
    # Spawned, not forked: a fork of a process whose libraries have threads may wait for a lock for ever.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from chain.from_iterable(pool.map(_job, tasks, chunksize=32))


def build(samples: Sequence[Sample], config: PackConfig, path: Path, workers: int = 2) -> None:
    """Write the pack of `samples` (their order numbers the rows) to `path` (.npz)."""
    rows = list(_all(samples, config, workers))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        sample=np.array([r.sample for r in rows], np.int64),
        variant=np.array([r.variant for r in rows], np.int64),
        scale=np.array([r.scale for r in rows], np.int64),
        jpeg=np.frombuffer(b"".join(r.jpeg for r in rows), np.uint8),
        jpeg_end=np.cumsum([len(r.jpeg) for r in rows]),
        mask=np.frombuffer(b"".join(r.mask for r in rows), np.uint8),
        mask_end=np.cumsum([len(r.mask) for r in rows]),
    )


class Pack:
    """A pack read from disk; rows are canonical faces."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as data:
            self.sample: NDArray[np.int64] = data["sample"]
            self.variant: NDArray[np.int64] = data["variant"]
            self.scale: NDArray[np.int64] = data["scale"]
            self._jpeg, self._jpeg_end = data["jpeg"], data["jpeg_end"]
            self._mask, self._mask_end = data["mask"], data["mask_end"]

    def __len__(self) -> int:
        return len(self.sample)

    def pixels(self, row: int) -> Pixels:
        """`scale` x `scale` x 3 uint8 RGB."""
        image = cv2.imdecode(_part(self._jpeg, self._jpeg_end, row), cv2.IMREAD_COLOR_RGB)
        return np.asarray(image, np.uint8)

    def face(self, row: int) -> CanonicalFace:
        """The face as the experts take it."""
        scale = int(self.scale[row])
        bits = np.frombuffer(zlib.decompress(_part(self._mask, self._mask_end, row).tobytes()), np.uint8)
        inside = np.unpackbits(bits)[: scale**2].reshape(scale, scale).astype(bool)
        return CanonicalFace(self.pixels(row), inside, scale)


def _part(data: NDArray[np.uint8], ends: NDArray[Any], row: int) -> NDArray[np.uint8]:
    return data[ends[row - 1] if row else 0 : ends[row]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    build(in_scope(read_corpus(args.data)), PackConfig(), args.output, args.workers)


if __name__ == "__main__":
    main()
