"""The canonical face: one size, one codec, a mask of what was there."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from whichface.detectors.canonical import (
    ENLARGE,
    QUALITY,
    SCALES,
    aligned_crop,
    applies,
    canonical_face,
    network_input,
)
from whichface.forensics.geometry import CropFrame
from whichface.forensics.recompress import jpeg


def _frame(x: float, y: float, side: float, roll: float = 0.0) -> CropFrame:
    angle = np.radians(roll)
    return CropFrame(np.array([x, y]), side / 2 * np.array([np.cos(angle), np.sin(angle)]))


def _places(side: int = 250) -> np.ndarray:
    """Red is the column, green the row."""
    pixels = np.full((side, side, 3), 100, np.uint8)
    pixels[..., 0] = np.arange(side)
    pixels[..., 1] = np.arange(side)[:, None]
    return pixels


@pytest.mark.parametrize("scale", SCALES)
def test_a_scale_applies_up_to_a_small_enlargement(scale: int) -> None:
    assert applies(_frame(0, 0, scale / ENLARGE + 0.01), scale)
    assert not applies(_frame(0, 0, scale / ENLARGE - 0.01), scale)


@pytest.mark.parametrize("scale", SCALES)
def test_the_face_has_its_scale(scale: int) -> None:
    face = canonical_face(_places(), _frame(124.5, 124.5, 240.0, 5.0), scale)
    assert face.scale == scale
    assert face.pixels.shape == (scale, scale, 3) and face.pixels.dtype == np.uint8
    assert face.inside.shape == (scale, scale) and face.inside.dtype == bool


@pytest.mark.parametrize(("side", "scale"), [(150.0, 160), (200.0, 160), (96.0, 96), (240.0, 64)])
def test_the_square_fills_the_crop(side: float, scale: int) -> None:
    crop, inside = aligned_crop(_places(), _frame(124.5, 120.5, side), scale)
    assert inside.all()
    middle = slice(scale // 2 - 1, scale // 2 + 1)
    assert crop[middle, middle, 0].mean() == pytest.approx(124.5, abs=1.5)
    assert crop[middle, middle, 1].mean() == pytest.approx(120.5, abs=1.5)
    edge = side / 2 - side / scale / 2
    assert crop[middle, -1, 0].mean() == pytest.approx(124.5 + edge, abs=2)
    assert crop[0, middle, 1].mean() == pytest.approx(120.5 - edge, abs=2)


def test_a_leaning_face_is_set_upright() -> None:
    crop, _ = aligned_crop(_places(), _frame(124.5, 124.5, 160.0, 90.0), 160)
    assert crop[80, -2, 1] > crop[80, 1, 1] + 140  # the crop's right is the picture's bottom
    assert abs(int(crop[80, -2, 0]) - int(crop[80, 1, 0])) < 4


def test_the_codec_is_the_canonical_one() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    frame = _frame(99.5, 99.5, 180.0)
    crop, inside = aligned_crop(noise, frame, 160)
    face = canonical_face(noise, frame, 160)
    assert np.array_equal(face.pixels, jpeg(crop, QUALITY))
    assert np.array_equal(face.inside, inside) and not np.array_equal(face.pixels, crop)


def test_what_lies_outside_is_marked() -> None:
    face = canonical_face(_places(), _frame(0.0, 124.5, 160.0), 160)
    assert not face.inside[:, :78].any() and face.inside[:, 82:].all()


def test_a_far_picture_has_no_influence() -> None:
    near = np.random.default_rng(1).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    wide = np.zeros((200, 600, 3), np.uint8)
    wide[:, 100:300] = near
    first = aligned_crop(near, _frame(99.5, 99.5, 150.0), 160)[0]
    second = aligned_crop(wide, _frame(199.5, 99.5, 150.0), 160)[0]
    assert np.array_equal(first, second)


def test_the_native_size_hardly_shows() -> None:
    small = np.random.default_rng(2).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    one, two = (cv2.resize(small, (s, s), interpolation=cv2.INTER_CUBIC) for s in (320, 640))
    first = canonical_face(one, _frame(159.5, 159.5, 300.0), 160)
    second = canonical_face(two, _frame(319.5, 319.5, 600.0), 160)
    assert np.abs(first.pixels.astype(int) - second.pixels).mean() < 4


def test_the_network_sees_small_faces_enlarged() -> None:
    slope = np.add.outer(np.arange(160), np.arange(160)) // 2
    large = np.repeat(slope[..., None], 3, axis=2).astype(np.uint8)
    small = np.ascontiguousarray(large[:96, :96])
    seen = network_input(small)
    assert seen.shape == (160, 160, 3) and seen.dtype == np.uint8
    assert int(seen[80, 80, 0]) == pytest.approx(int(small[48, 48, 0]), abs=2)
    assert network_input(large) is large
