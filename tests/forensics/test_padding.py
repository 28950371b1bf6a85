"""Padding: planted by the aligner's own steps (numpy's reflection, a rotated cut); look-alikes stay silent."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data

from whichface.forensics.padding import find_padding
from whichface.forensics.recompress import jpeg_bytes

SIDE = 512


def _decode(data: bytes) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def _aligned(
    photo: np.ndarray, centre: tuple[float, float], side: float, roll: float
) -> tuple[np.ndarray, np.ndarray]:
    """The square cut from a photo that may end inside it, as FFHQ's aligner does it, and where it is padding."""
    pad = round(0.5 * side)
    reflected = np.pad(photo, ((pad, pad), (pad, pad), (0, 0)), "reflect").astype(np.float32)
    added = np.pad(np.zeros(photo.shape[:2], np.float32), pad, constant_values=1.0)
    height, width = added.shape
    y, x = np.ogrid[:height, :width]
    depth = 1.0 - np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y)) / pad
    soft = cv2.GaussianBlur(reflected, (0, 0), 0.02 * side)
    out = reflected + (soft - reflected) * np.clip(3 * depth + 1, 0, 1)[..., None]
    out += (np.median(out, axis=(0, 1)) - out) * np.clip(depth, 0, 1)[..., None]
    matrix = cv2.getRotationMatrix2D((centre[0] + pad, centre[1] + pad), roll, SIDE / side)
    matrix[:, 2] += (SIDE - 1) / 2 - np.array([centre[0] + pad, centre[1] + pad])
    cut = cv2.warpAffine(np.clip(out, 0, 255), matrix, (SIDE, SIDE))
    truth = cv2.warpAffine(added, matrix, (SIDE, SIDE)) > 0.5
    return np.rint(cut).astype(np.uint8), truth


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.asarray(skimage.data.astronaut())


def _overlap(found: np.ndarray, truth: np.ndarray) -> float:
    small = cv2.resize(truth.astype(np.uint8), found.shape[::-1], interpolation=cv2.INTER_AREA) > 0
    return float((found & small).sum() / max((found | small).sum(), 1))


@pytest.mark.parametrize("roll", [0.0, 8.0, -14.0])
@pytest.mark.parametrize("centre", [(225.0, 60.0), (110.0, 140.0), (225.0, 440.0)])
@pytest.mark.parametrize("quality", [60, 95])
def test_a_reflected_border_is_found_in_its_place(
    astronaut: np.ndarray, centre: tuple[float, float], roll: float, quality: int
) -> None:
    picture, truth = _aligned(astronaut, centre, 300.0, roll)
    found = find_padding(_decode(jpeg_bytes(picture, quality)))
    assert truth.mean() > 0.08
    assert found.strength > 0.5
    assert _overlap(found.mask, truth) > 0.7


def test_the_mask_covers_the_picture_at_reduced_resolution(astronaut: np.ndarray) -> None:
    picture, _ = _aligned(astronaut, (225.0, 60.0), 300.0, 4.0)
    found = find_padding(picture)
    assert found.mask.shape == (256, 256)
    assert 0.1 < found.share < 0.6


@pytest.mark.parametrize("roll", [0.0, 8.0])
def test_the_same_cut_from_a_wider_photo_is_silent(astronaut: np.ndarray, roll: float) -> None:
    picture, truth = _aligned(astronaut, (250.0, 250.0), 300.0, roll)
    assert not truth.any()
    found = find_padding(picture)
    assert not found.mask.any()
    assert found.strength == 0.0


def _studio(rng: np.random.Generator) -> np.ndarray:
    """A grey wall lit from the left, with the camera's noise."""
    wall = np.broadcast_to(np.linspace(120, 180, SIDE)[None, :, None], (SIDE, SIDE, 3))
    return np.clip(wall + rng.normal(0, 2, wall.shape), 0, 255).astype(np.uint8)


def _columns(rng: np.random.Generator) -> np.ndarray:
    """Curtains out of focus: the same from top to bottom, so mirrored in every level axis."""
    folds = 130 + 60 * np.sin(np.linspace(0, 40, SIDE))[None, :, None]
    return np.clip(folds + rng.normal(0, 2, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)


def _bokeh(rng: np.random.Generator) -> np.ndarray:
    """Lights out of focus."""
    picture = np.full((SIDE, SIDE, 3), 40, np.uint8)
    for x, y, radius in rng.integers((0, 0, 12), (SIDE, SIDE, 40), (60, 3)):
        colour = tuple(map(int, rng.integers(60, 255, 3)))
        cv2.circle(picture, (int(x), int(y)), int(radius), colour, -1)
    return cv2.GaussianBlur(picture, (0, 0), 8)


def _symmetric(rng: np.random.Generator) -> np.ndarray:
    """A façade: left and right are mirror images, sharp and not faded."""
    half = cv2.resize(rng.integers(0, 255, (32, 16, 3)).astype(np.uint8), (SIDE // 2, SIDE))
    return np.hstack([half, half[:, ::-1]])


@pytest.mark.parametrize("make", [_studio, _columns, _bokeh, _symmetric])
def test_look_alikes_are_silent(make) -> None:  # type: ignore[no-untyped-def]
    for seed in range(4):
        picture = make(np.random.default_rng(seed))
        assert find_padding(picture).strength == 0.0


@pytest.mark.parametrize("shape", [(1, 1), (8, 300), (63, 63), (64, 64), (90, 700), (3000, 2000)])
def test_any_size_and_a_constant_picture_pass(shape: tuple[int, int]) -> None:
    found = find_padding(np.full((*shape, 3), 128, np.uint8))
    assert found.strength == 0.0
    assert max(found.mask.shape) <= 256
    assert not found.mask.any()
