"""The training pack: every picture as stored and through random chains, at every canonical scale that it has.

The canonical face ends in a JPEG, so the pack holds those bytes: small, exact, and read by every expert's training
and by the stack, which needs the same picture at all of its scales.
`python -m whichface.detectors.training.pack --data DIR -o pack.npz`
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.files import whole
from whichface.forensics.geometry import CropFrame, crop_frame
from whichface.forensics.parallel import spread
from whichface.forensics.photo import open_photo
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
    careful: bool = False
    """Open pictures as `detect` does (every format, colour profiles, transparency); else by OpenCV, twice as fast."""
    scales: tuple[int, ...] = SCALES
    """Canonical sides in pixels, rising."""
    part: int = 256
    """Pictures that are written at once: what a run cut off has to do again."""


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


def opened(sample: Sample, config: PackConfig) -> tuple[Pixels, CropFrame]:
    """The picture and its face square. Raises ValueError without landmarks, PhotoError when `careful`."""
    if sample.landmarks is None:
        raise ValueError(f"{sample.path} has no landmarks")
    pixels = open_photo(sample.path).pixels if config.careful else read_pixels(sample.path)
    return pixels, crop_frame(sample.landmarks)


def packed(
    pixels: Pixels, frame: CropFrame, number: int, variant: int, scales: Sequence[int] = SCALES
) -> Iterator[Packed]:
    """The canonical faces of one picture after one processing, at every scale that applies."""
    for scale in (s for s in scales if applies(frame, s)):
        crop, inside = aligned_crop(pixels, frame, scale)
        mask = zlib.compress(np.packbits(inside).tobytes(), 1)
        yield Packed(number, variant, scale, jpeg_bytes(crop, QUALITY), mask)


def variants(sample: Sample, number: int, config: PackConfig) -> Iterator[Packed]:
    """The canonical faces of one picture; none where it has the pixels for no scale."""
    original, frame = opened(sample, config)
    largest = max((s for s in config.scales if applies(frame, s)), default=config.scales[0])
    for variant in range(config.variants):
        rng = np.random.default_rng([config.seed, number, variant])
        pixels, moved = original, frame
        if variant != STORED:
            least = largest if variant % 2 else config.scales[0]
            ranges = ChainConfig(min_side=least / ENLARGE * 1.06)
            pixels, moved = random_chain(original, frame, rng, ranges)
        yield from packed(pixels, jitter_frame(moved, rng, config), number, variant, config.scales)


Maker = Callable[[Sample, int, PackConfig], Iterator[Packed]]
"""What makes the rows of a picture; a function of a module, so that processes can be given it."""


def _job(task: tuple[Maker, Sample, int, PackConfig]) -> list[Packed]:
    cv2.setNumThreads(1)
    make, sample, number, config = task
    return list(make(sample, number, config))


def nobody(done: int, total: int) -> None:
    """Tells nobody."""


def build(
    samples: Sequence[Sample],
    config: PackConfig,
    path: Path,
    workers: int = 2,
    make: Maker = variants,
    seen: Callable[[int, int], None] = nobody,
) -> None:
    """Write the pack of `samples` (their order numbers the rows) to `path` (.npz); goes on where a run was cut off.

    `seen` is called with the number of pictures done and in all.
    """
    parts = _parts_folder(samples, config, path, make)
    starts = range(0, len(samples), config.part)
    files = [parts / f"{start:08d}.npz" for start in starts]
    todo = [i for start, file in zip(starts, files, strict=True) if not file.exists()
            for i in range(start, min(start + config.part, len(samples)))]  # fmt: skip
    rows: list[Packed] = []
    made = spread(_job, [(make, samples[i], i, config) for i in todo], workers, chunk=8)
    for done, (i, found) in enumerate(zip(todo, made, strict=True), len(samples) - len(todo) + 1):
        rows += found
        seen(done, len(samples))
        if i + 1 == len(samples) or (i + 1) % config.part == 0:
            _save(rows, files[i // config.part])
            rows = []
    _join(files, path)
    shutil.rmtree(parts)


def _parts_folder(samples: Sequence[Sample], config: PackConfig, path: Path, make: Maker) -> Path:
    """Where the parts lie; its name holds what goes into them, and parts of another making are removed."""
    what = hashlib.sha256(f"{config} {make.__name__}".encode())
    for sample in samples:
        points = b"" if sample.landmarks is None else sample.landmarks.tobytes()
        what.update(f"{sample.path.resolve()}".encode() + points)
    parts = path.with_name(f"{path.stem}-{what.hexdigest()[:10]}.parts")
    for other in path.parent.glob(f"{path.stem}-*.parts"):
        if other != parts:
            shutil.rmtree(other)
    parts.mkdir(parents=True, exist_ok=True)
    return parts


def _save(rows: Sequence[Packed], path: Path) -> None:
    write_npz(path, {
        "sample": np.array([r.sample for r in rows], np.int64),
        "variant": np.array([r.variant for r in rows], np.int64),
        "scale": np.array([r.scale for r in rows], np.int64),
        "jpeg": np.frombuffer(b"".join(r.jpeg for r in rows), np.uint8),
        "jpeg_end": np.cumsum([len(r.jpeg) for r in rows], dtype=np.int64),
        "mask": np.frombuffer(b"".join(r.mask for r in rows), np.uint8),
        "mask_end": np.cumsum([len(r.mask) for r in rows], dtype=np.int64),
    })  # fmt: skip


def _join(files: Sequence[Path], path: Path) -> None:
    """The parts as one pack; the ends of the bytes go on from part to part."""
    columns: dict[str, list[NDArray[Any]]] = {}
    lengths = {"jpeg_end": 0, "mask_end": 0}
    for file in files:
        with np.load(file, allow_pickle=False) as part:
            for name in part.files:
                columns.setdefault(name, []).append(part[name] + lengths.get(name, 0))
            for name in lengths:
                lengths[name] += len(part[name.removesuffix("_end")])
    write_npz(path, {name: np.concatenate(found) for name, found in columns.items()})


def write_npz(path: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    """Written aside and moved, so that a run cut off leaves whole files."""
    with whole(path) as aside, aside.open("wb") as stream:
        np.savez(stream, **columns)  # type: ignore[arg-type]


class Pack:
    """A pack read from disk; rows are canonical faces."""

    def __init__(self, path: Path) -> None:
        self.path = path
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


class Packs:
    """Packs one after the other, as one; `counts` says how many pictures each corpus but the last has."""

    def __init__(self, packs: Sequence[Pack], counts: Sequence[int]) -> None:
        self.packs = tuple(packs)
        first = np.cumsum([0, *counts])
        self.sample = np.concatenate([pack.sample + start for pack, start in zip(packs, first, strict=True)])
        self.variant = np.concatenate([pack.variant for pack in packs])
        self.scale = np.concatenate([pack.scale for pack in packs])
        self._starts = np.cumsum([0, *(len(pack) for pack in packs)])

    def __len__(self) -> int:
        return len(self.sample)

    def _at(self, row: int) -> tuple[Pack, int]:
        which = int(np.searchsorted(self._starts, row, "right")) - 1
        return self.packs[which], row - int(self._starts[which])

    def pixels(self, row: int) -> Pixels:
        """As of the pack that has the row."""
        pack, own = self._at(row)
        return pack.pixels(own)

    def face(self, row: int) -> CanonicalFace:
        """As of the pack that has the row."""
        pack, own = self._at(row)
        return pack.face(own)


def _part(data: NDArray[np.uint8], ends: NDArray[Any], row: int) -> NDArray[np.uint8]:
    return data[ends[row - 1] if row else 0 : ends[row]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--scales", type=int, nargs="+", default=list(SCALES))
    parser.add_argument("--variants", type=int, default=PackConfig().variants)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    config = PackConfig(variants=args.variants, scales=tuple(sorted(args.scales)))
    build(in_scope(read_corpus(args.data)), config, args.output, args.workers)


if __name__ == "__main__":
    main()
