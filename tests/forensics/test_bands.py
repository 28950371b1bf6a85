"""Bands of a picture, and the sharpness of one picture given to another."""

from __future__ import annotations

import numpy as np
import pytest

from tests import photographs
from whichface.forensics.bands import as_sharp_as, bands


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    """64 x 64 x 3 float32."""
    return photographs.photograph(64).astype(np.float32)


def test_bands_sum_to_the_picture(photograph: np.ndarray) -> None:
    rest, parts = bands(photograph)
    assert rest + sum(parts) == pytest.approx(photograph, abs=1e-3)


def test_magnitudes_of_bands_are_given_back(photograph: np.ndarray) -> None:
    soft = photograph * 0.5 + np.random.default_rng(5).normal(0, 1, photograph.shape).astype(np.float32)
    again = as_sharp_as(soft, photograph)
    for step in (1, 2):
        ours, theirs = (np.abs(np.diff(x[::step, ::step], axis=0)).mean() for x in (again, photograph))
        assert ours == pytest.approx(theirs, rel=0.05)


def test_a_plain_picture_stays_plain(photograph: np.ndarray) -> None:
    plain = np.full_like(photograph, 90)
    assert as_sharp_as(plain, photograph) == pytest.approx(plain, abs=0.1)
