"""Repeated pixels are found by their steps, through JPEG too; photographs and codecs alone are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from whichface.forensics.pixelation import repeated_share
from whichface.forensics.quality import effective_resolution


def _portrait() -> np.ndarray:
    return cv2.cvtColor(data.astronaut()[:300, 80:380], cv2.COLOR_RGB2GRAY)


def _coded(luma: np.ndarray, quality: int | None) -> np.ndarray:
    if quality is None:
        return luma.astype(np.float32)
    _, stream = cv2.imencode(".jpg", luma, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(stream, cv2.IMREAD_GRAYSCALE).astype(np.float32)


@pytest.mark.parametrize("quality", [None, 90, 60])
@pytest.mark.parametrize("side", [40, 75, 110])
def test_repeated_pixels_count_once(side: int, quality: int | None) -> None:
    small = cv2.resize(_portrait(), (side, side), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (300, 300), interpolation=cv2.INTER_NEAREST)
    luma = _coded(large, quality)
    assert repeated_share(luma) == pytest.approx(side / 300, rel=0.4)
    assert effective_resolution(luma) <= repeated_share(luma)


@pytest.mark.parametrize("quality", [None, 90, 50, 30])
def test_photographs_and_codecs_repeat_nothing(quality: int | None) -> None:
    assert repeated_share(_coded(_portrait(), quality)) == 1.0


@pytest.mark.parametrize("interpolation", [cv2.INTER_LINEAR, cv2.INTER_CUBIC])
def test_smooth_enlargement_is_not_repetition(interpolation: int) -> None:
    small = cv2.resize(_portrait(), (75, 75), interpolation=cv2.INTER_AREA)
    assert repeated_share(_coded(cv2.resize(small, (300, 300), interpolation=interpolation), 90)) == 1.0


@pytest.mark.parametrize("luma", [np.zeros((0, 0)), np.zeros((20, 20)), np.full((100, 100), 7.0)])
def test_nothing_to_see_is_no_repetition(luma: np.ndarray) -> None:
    assert repeated_share(luma.astype(np.float32)) == 1.0
