"""How far the perceptual hash tells copies of a photograph from other photographs: whole, as scan, and aligned.

    python benchmarks/duplicates.py --data DATA

Copies: FFHQ photographs that the data holds at 256 and at 1024 pixels. Others: all pairs of different groups.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image

from whichface.detectors.dataset import Sample, read_corpus, read_pixels
from whichface.detectors.scanning.records import ScanConfig
from whichface.forensics.geometry import align
from whichface.forensics.phash import BITS, bits_of, difference_hash
from whichface.generator.corpus.records import CorpusConfig

SETS = ("sg1-ffhq-256", "sg2-ffhq-1024", "wild-lfw")


def hash_of(sample: Sample) -> str:
    """Of the aligned face, as the corpus takes it."""
    if sample.landmarks is None:
        raise ValueError(f"{sample.path} has no landmarks")
    crop, _ = align(read_pixels(sample.path), sample.landmarks, 64)
    return difference_hash(crop)


WHOLE = ("wild-press", "sg2-ffhq-1024", "wild-lfw", "wild-unsplash", "sg1-ffhq-256")
COPIES = ((60, 0.5), (40, 1.0), (75, 0.3), (85, 0.8))
"""JPEG quality and factor of size."""


def whole_pictures(data: Path, bits: int, most: int = 150) -> str:
    """What a scan's threshold finds of recompressed and shrunk pictures, and the nearest of different ones."""
    hashes: list[str] = []
    near: list[float] = []
    for folder in WHOLE:
        for path in sorted((data / folder).rglob("*.jpg"))[:most]:
            with Image.open(path) as image:
                picture = image.convert("RGB")
            hashes.append(difference_hash(np.asarray(picture)))
            for quality, factor in COPIES:
                size = tuple(max(17, int(side * factor)) for side in picture.size)
                coded = io.BytesIO()
                picture.resize(size, Image.Resampling.LANCZOS).save(coded, "JPEG", quality=quality)
                copy = difference_hash(np.asarray(Image.open(coded)))
                near.append((BITS - (bits_of(hashes[-1:]) @ bits_of([copy]).T)[0, 0]) / 2)
    all_bits = bits_of(hashes)
    others = ((BITS - all_bits @ all_bits.T) / 2)[np.triu_indices(len(hashes), 1)]
    found = np.mean(np.array(near) <= bits)
    return (
        f"whole pictures: {found:.1%} of {len(near)} copies of {len(hashes)} within {bits} bits; "
        f"{len(others)} other pairs: {int((others <= bits).sum())} within, nearest {others.min():.0f}"
    )


def main() -> None:
    """Command line; prints what the threshold finds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    print(whole_pictures(data, ScanConfig().duplicate_bits))
    samples = [
        s for s in read_corpus(data)
        if s.set in SETS and not s.fake and s.landmarks is not None
    ]  # fmt: skip
    bits = bits_of([hash_of(s) for s in samples])
    groups, sets = np.array([s.group for s in samples]), np.array([s.set for s in samples])
    first, second = np.triu_indices(len(samples), 1)
    distances = ((BITS - bits @ bits.T) / 2)[first, second]
    same = groups[first] == groups[second]
    copies, others = distances[same & (sets[first] != sets[second])], distances[~same]
    threshold = CorpusConfig().duplicate_bits
    print(f"{len(copies)} pairs of copies: {np.mean(copies <= threshold):.1%} within {threshold} bits")
    print(f"{len(others)} other pairs: {int((others <= threshold).sum())} within, nearest {others.min():.0f}")


if __name__ == "__main__":
    main()
