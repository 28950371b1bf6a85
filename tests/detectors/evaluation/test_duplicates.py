"""Copies are found across splits, classes and groups, and only pictures with a face are compared."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from whichface.detectors.dataset import Sample
from whichface.detectors.evaluation.corpus import Corpus, gather
from whichface.detectors.evaluation.duplicates import check, found, notes
from whichface.forensics.phash import BITS
from whichface.forensics.survey import DUPLICATE_BITS, JOURNAL, Analysis


def sample(name, fake=False, split="val", group=None):
    return Sample(Path("c") / name, fake, "s", "", split, group or name, "", None)


def hashed(seed, flipped=0):
    bits = np.random.default_rng(seed).integers(0, 2, BITS).astype(np.uint8)
    bits[:flipped] ^= 1
    text = np.packbits(bits).tobytes().hex()
    mirror = np.packbits(np.random.default_rng(seed + 1000).integers(0, 2, BITS).astype(np.uint8)).tobytes().hex()
    return Analysis(f"{seed}{flipped}", side=200.0, hash=text, mirrored=mirror)


@pytest.fixture
def result():
    measured = (sample("a"), sample("b", fake=True), sample("c"), sample("d", group="g"), sample("e", group="g"))
    others = (sample("t", split="train"), sample("u", split="train"))
    looks = [hashed(1), hashed(1, 10), hashed(2), hashed(3), hashed(3, DUPLICATE_BITS), hashed(2, 5)]
    corpus = Corpus(Path("c"), measured, "val", others)
    return found(corpus, (*measured, *others), [*looks, Analysis("x", refused="no face was found")])


def test_pairs_are_told_by_kind(result):
    assert (result["pictures"], result["compared"], result["pairs"]) == (7, 6, 3)
    assert result["across_splits"] == {"pairs": 1, "measured": 1, "examples": [["c", "t"]]}
    assert result["across_classes"] == {"pairs": 1, "measured": 2, "examples": [["a", "b"]]}
    assert result["across_groups"]["pairs"] == 0  # the third pair is of one group


def test_what_flatters_is_said_first(result):
    first, second = notes(result)
    assert "another split: 1." in first and "look alike: 1." in second
    nothing = {"pairs": 0, "measured": 0, "examples": []}
    assert notes({"across_splits": nothing, "across_classes": nothing}) == []


def test_other_splits_are_looked_at_and_the_journal_resumes(make_corpus, tmp_path):
    folder = make_corpus(tmp_path / "c", 16, splits=True)
    first, twin = folder / "real/006.jpg", folder / "real/000.jpg"  # val and train
    cv2.imwrite(str(twin), cv2.imread(str(first)), [cv2.IMWRITE_JPEG_QUALITY, 60])
    corpus = gather(folder)
    assert corpus.split == "val" and len(corpus.samples) + len(corpus.others) == 16
    told = []
    result = check(corpus, tmp_path, 1, lambda done, total, name: told.append((done, total)))
    assert result["compared"] == 16 and told[-1] == (16, 16)
    assert result["across_splits"]["pairs"] == 1
    assert result["across_splits"]["examples"] == [["real/006.jpg", "real/000.jpg"]]
    assert (tmp_path / JOURNAL).is_file()
    told.clear()
    assert check(corpus, tmp_path, 1, lambda *args: told.append(args)) == result and not told
