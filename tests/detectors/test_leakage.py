"""Baselines find what was planted, and stay at chance where nothing was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from whichface.detectors.leakage import BASELINES, container, out_of_fold, sharpness, thumbnail
from whichface.detectors.metrics import auc
from whichface.forensics.records import Photo, SourceFacts

COUNT = 60
FAKE = np.arange(COUNT) % 2 == 0
FOLDS = np.arange(COUNT) // 2 % 3


@pytest.fixture
def photos(make_photo: Callable[..., Photo]) -> list[Photo]:
    """Noise alike in both classes; the containers are all the same."""
    rng = np.random.default_rng(0)
    noise = rng.integers(60, 196, (COUNT, 48, 48, 3)).astype(np.uint8)
    return [replace(make_photo(48, 48), pixels=pixels) for pixels in noise]


def _auc(name: str, photos: list[Photo]) -> float:
    values = np.stack([BASELINES[name](photo) for photo in photos])
    return auc(FAKE, out_of_fold(values, FAKE, FOLDS))


def _planted(photos: list[Photo], change: Callable[[np.ndarray], np.ndarray]) -> list[Photo]:
    return [
        replace(photo, pixels=change(photo.pixels)) if fake else photo
        for photo, fake in zip(photos, FAKE, strict=True)
    ]


def _bright_corner(pixels: np.ndarray) -> np.ndarray:
    out = pixels.copy()
    out[:24, :24] += 40
    return out


def test_the_thumbnail_finds_other_content(photos: list[Photo]) -> None:
    assert _auc("thumbnail", _planted(photos, _bright_corner)) > 0.95
    assert 0.25 < _auc("thumbnail", photos) < 0.75


def test_sharpness_finds_blur(photos: list[Photo]) -> None:
    blurred = _planted(photos, lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 1.0))
    assert _auc("sharpness", blurred) > 0.95
    assert 0.25 < _auc("sharpness", photos) < 0.75


def test_equal_containers_are_chance(photos: list[Photo]) -> None:
    assert _auc("container", photos) == 0.5
    assert _auc("container", _planted(photos, _bright_corner)) == 0.5


def test_another_container_is_found(photos: list[Photo]) -> None:
    told = [
        replace(photo, source=replace(photo.source, jpeg_quality=75)) if fake else photo
        for photo, fake in zip(photos, FAKE, strict=True)
    ]
    assert _auc("container", told) == 1.0


def test_the_byte_count_is_not_looked_at() -> None:
    facts = SourceFacts("JPEG", 20_000, (48, 48), jpeg_quality=90, subsampling="4:2:0")
    assert np.array_equal(container(facts), container(replace(facts, byte_count=9)))


@pytest.mark.parametrize(("name", "place"), [("JPEG", 0), ("PNG", 1), ("WEBP", 2)])
def test_a_container_in_numbers(name: str, place: int) -> None:
    tables = ((1,) * 64, (2,) * 64)
    facts = SourceFacts(name, 9, (8, 8), quantisation_tables=tables, jpeg_quality=88)
    found = container(replace(facts, subsampling="4:2:0", progressive=True))
    assert found[:3].tolist() == [float(i == place) for i in range(3)]
    assert found[3:].tolist() == [88, 1, 1, 64, 128]
    bare = container(SourceFacts(name, 9, (8, 8)))
    assert bare.shape == (8,) and bare[3:].tolist() == [0] * 5


def test_a_thumbnail_is_the_mean_of_its_cells() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:32, :32, 0] = 255
    found = thumbnail(pixels, 2).reshape(2, 2, 3)
    assert found[0, 0].tolist() == [1, 0, 0] and found.sum() == 1
    assert thumbnail(pixels).shape == (16 * 16 * 3,)


def test_sharpness_falls_with_blur() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    sharp, soft = sharpness(noise), sharpness(cv2.GaussianBlur(noise, (0, 0), 2))
    assert sharp.shape == (2,) and (sharp > soft).all()
    assert np.isfinite(sharpness(np.zeros((30, 30, 3), np.uint8))).all()


def test_a_fold_is_never_fitted_on() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(COUNT, 3))
    turned = np.where(FOLDS == 1, ~FAKE, FAKE)
    first, second = (out_of_fold(values, labels, FOLDS) for labels in (FAKE, turned))
    assert np.array_equal(first[FOLDS == 1], second[FOLDS == 1])
    assert not np.array_equal(first[FOLDS == 0], second[FOLDS == 0])
