"""Hashes of the same picture agree, of others do not; groups stay together; the split follows the name."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from whichface.forensics.phash import BITS, difference_hash, near_pairs
from whichface.forensics.recompress import jpeg
from whichface.forensics.survey import Analysis
from whichface.generator.corpus.grouping import cap_of, groups, split_of
from whichface.generator.corpus.records import CorpusConfig, Source

CONFIG = CorpusConfig()


def scene(seed):
    noise = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)
    return cv2.resize(noise, (64, 64), interpolation=cv2.INTER_CUBIC)


def found(seed=0, digest=None, pixels=None, side=200.0):
    pixels = scene(seed) if pixels is None else pixels
    flipped = np.ascontiguousarray(pixels[:, ::-1])
    digest = digest or hashlib.sha256(bytes([seed])).hexdigest()
    return Analysis(digest, (0,), side, difference_hash(pixels), difference_hash(flipped))


def source(name, group="", fake=False):
    return Source(Path(name), fake, set="s", group=group)


def test_a_recompressed_picture_is_near_and_another_is_far():
    first, again, other = scene(1), jpeg(scene(1), 60), scene(2)
    hashes = [difference_hash(p) for p in (first, again, other)]
    assert len(hashes[0]) * 4 == BITS
    assert near_pairs(hashes, hashes, CONFIG.duplicate_bits) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2)]
    assert near_pairs([], hashes, 5) == []


@pytest.mark.parametrize("mirrored", [False, True])
def test_near_duplicates_share_a_group(mirrored):
    copy = jpeg(scene(1), 70)
    copy = np.ascontiguousarray(copy[:, ::-1]) if mirrored else copy
    names, pairs = groups(
        [source("a"), source("b"), source("c", fake=True)],
        [found(1), found(2), found(3, pixels=copy)],
        CONFIG,
    )
    assert names[0] == names[2] != names[1] and pairs == 1


def test_groups_of_manifests_and_equal_files_are_joined_through_each_other():
    sources = [source("a", "ffhq:1"), source("b", "ffhq:1"), source("c"), source("d")]
    analyses = [found(1), found(2), found(3, digest=found(2).sha256), found(4)]
    names, _ = groups(sources, analyses, CONFIG)
    assert names[:3] == ["ffhq:1"] * 3 and names[3].startswith("sha:")


def test_shares_of_the_split_and_its_independence():
    sides = [split_of(f"g{n}", CONFIG) for n in range(4000)]
    assert [round(sides.count(s) / 4000, 1) for s in ("train", "val", "test")] == [0.8, 0.1, 0.1]
    assert split_of("g7", CONFIG) == split_of("g7", CorpusConfig(resolution=64))
    moved = [split_of(f"g{n}", CorpusConfig(seed=1)) for n in range(100)]
    assert moved != sides[:100]


def test_the_cap_is_that_of_the_smaller_class():
    analyses = [found(n, side=s) for n, s in enumerate([900.0, 950.0, 64.0, 70.0])]
    assert cap_of(analyses, [False, False, True, True], CONFIG) == 64.0
    assert cap_of(analyses[:2], [False, True], CorpusConfig(max_side=500.0)) == 500.0
    with pytest.raises(ValueError, match="fake"):
        cap_of(analyses, [False] * 4, CONFIG)
