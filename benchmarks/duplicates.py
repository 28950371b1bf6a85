"""How far the corpus' perceptual hash tells copies of a photograph from other photographs.

    python benchmarks/duplicates.py --data DATA

Copies: FFHQ photographs that the data holds at 256 and at 1024 pixels. Others: all pairs of different groups.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from whichface.detectors.dataset import Sample, read_corpus, read_pixels
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


def main() -> None:
    """Command line; prints what the threshold finds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    samples = [
        s for s in read_corpus(parser.parse_args().data)
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
