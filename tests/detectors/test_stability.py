"""The mild re-encoding: how far it shrinks, and that the face stays where it was."""

from __future__ import annotations

import numpy as np
import pytest

from whichface.detectors.canonical import applies
from whichface.detectors.stability import FACTOR, LARGEST, QUALITY, re_encoded
from whichface.forensics.geometry import CropFrame
from whichface.forensics.recompress import jpeg


def _frame(side: float, x: float = 119.5, y: float = 109.5) -> CropFrame:
    return CropFrame(np.array([x, y]), np.array([side / 2, 0.0]))


def _places() -> np.ndarray:
    pixels = np.full((220, 240, 3), 100, np.uint8)
    pixels[..., 0] = np.arange(240)
    pixels[..., 1] = np.arange(220)[:, None]
    return pixels


@pytest.mark.parametrize(
    ("side", "scale", "factor"),
    [
        (200.0, 160, FACTOR),
        (300.0, 256, FACTOR),
        (420.0, 256, FACTOR),
        (800.0, 512, 0.5),
        (2000.0, 512, 0.2),
        (150.0, 160, 1.0),
        (235.0, 256, 1.0),
    ],
)
def test_the_size_after(side: float, scale: int, factor: float) -> None:
    pixels, frame = re_encoded(_places(), _frame(side), scale)
    assert frame.side == pytest.approx(side * factor)
    assert pixels.shape == (round(220 * factor), round(240 * factor), 3)
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize("scale", [160, 256, 512])
def test_the_scale_still_applies(scale: int) -> None:
    for side in np.linspace(scale / 1.11, scale * 4, 40):
        _, frame = re_encoded(_places(), _frame(side), scale)
        assert applies(frame, min(scale, 256)) and frame.side <= max(side * FACTOR, LARGEST)


def test_a_face_at_its_limit_is_only_re_encoded() -> None:
    pixels, frame = re_encoded(_places(), _frame(150.0), 160)
    assert np.array_equal(pixels, jpeg(_places(), QUALITY))
    assert np.array_equal(frame.centre, _frame(150.0).centre)


@pytest.mark.parametrize(("side", "scale"), [(200.0, 160), (600.0, 512)])
def test_the_square_stays_on_its_content(side: float, scale: int) -> None:
    pixels, frame = re_encoded(_places(), _frame(side, 90.0, 120.0), scale)
    x, y = np.round(frame.centre).astype(int)
    assert pixels[y, x, :2].astype(int) == pytest.approx([90, 120], abs=4)


def test_it_is_mild_and_the_same_again() -> None:
    first, second = (re_encoded(_places(), _frame(200.0), 160)[0] for _ in range(2))
    assert np.array_equal(first, second)
    untouched = _places()
    re_encoded(untouched, _frame(200.0), 160)
    assert np.array_equal(untouched, _places())
