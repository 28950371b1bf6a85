"""Perceptual hashes: who belongs together."""

from __future__ import annotations

import cv2
import numpy as np
from skimage import data

from whichface.forensics.phash import CROWD, close_groups, difference_hash, near_pairs


def _hash(pixels):
    return bytes.fromhex(difference_hash(np.ascontiguousarray(pixels)))


def test_groups_are_those_of_comparing_all_with_all():
    rng = np.random.default_rng(1)
    hashes = [rng.bytes(32) for _ in range(300)]
    for number in range(0, 120, 3):
        bits = np.frombuffer(hashes[number], np.uint8).copy()
        for place in rng.choice(256, int(rng.integers(0, 24)), replace=False):
            bits[place // 8] ^= 1 << (place % 8)
        hashes.append(bits.tobytes())
    found = {tuple(sorted(group)) for group in close_groups(b"".join(hashes), 16)}
    texts = [h.hex() for h in hashes]
    pairs = {(i, j) for i, j in near_pairs(texts, texts, 16) if i < j}
    assert found == pairs and len(found) > 10


def test_copies_of_a_picture_belong_together_and_others_do_not():
    picture = np.asarray(data.astronaut())
    small = cv2.resize(picture, (200, 200), interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 40])
    hashes = [_hash(p) for p in (picture, small, cv2.imdecode(coded, 1), picture[:, ::-1], data.coffee())]
    hashes[2] = _hash(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    assert close_groups(b"".join(hashes), 16) == [[0, 1, 2]]


def test_flat_pictures_belong_nowhere_and_crowds_end():
    assert close_groups(b"", 16) == []
    assert close_groups(bytes(32 * 5), 16) == []
    rng = np.random.default_rng(2)
    crowd = [rng.bytes(32)] * (3 * CROWD)
    assert close_groups(b"".join(crowd), 16) == [list(range(3 * CROWD))]
