"""Pseudo-fakes keep content and sharpness, and bear the upsampler's traces."""

from __future__ import annotations

import numpy as np
import pytest

from tests import photographs
from whichface.detectors.leakage import sharpness
from whichface.detectors.training.simulate import (
    UPSAMPLERS,
    SimulateConfig,
    pseudo_fake,
)

EVEN = SimulateConfig(uneven=0.0)


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    """64 x 64 x 3 uint8."""
    return photographs.photograph(64)


@pytest.mark.parametrize("name", UPSAMPLERS)
def test_upsamplers_double_a_picture_and_keep_a_plain_one(name: str) -> None:
    high = UPSAMPLERS[name](np.full((8, 10, 3), 50, np.float32), np.random.default_rng(1), EVEN)
    assert high.shape == (16, 20, 3)
    assert high[2:-2, 2:-2] == pytest.approx(50, abs=1e-3)


def test_unequal_phases_leave_a_pattern() -> None:
    draw, config = np.random.default_rng(3), SimulateConfig(uneven=0.5)
    plain = np.full((8, 8, 3), 50, np.float32)
    spread = [float(np.ptp(UPSAMPLERS["zero insertion"](plain, draw, config)[4:-4, 4:-4])) for _ in range(8)]
    assert min(spread) < 1e-3 and max(spread) > 1


def test_a_pseudo_fake_shows_the_same_and_is_as_sharp(photograph: np.ndarray) -> None:
    for seed in range(6):
        fake, name = pseudo_fake(photograph, np.random.default_rng(seed))
        assert name in UPSAMPLERS and fake.shape == photograph.shape and fake.dtype == np.uint8
        assert np.corrcoef(fake.ravel(), photograph.ravel())[0, 1] > 0.9
        assert sharpness(fake)[0] == pytest.approx(sharpness(photograph)[0], abs=0.35)
        assert np.abs(fake.astype(int) - photograph).mean() > 1


def test_the_same_seed_draws_the_same(photograph: np.ndarray) -> None:
    one, two = (pseudo_fake(photograph, np.random.default_rng(7))[0] for _ in range(2))
    assert (one == two).all()


def test_odd_sides_are_refused() -> None:
    with pytest.raises(ValueError, match="both sides must be even to be halved, but the picture is 10x9"):
        pseudo_fake(np.zeros((9, 10, 3), np.uint8), np.random.default_rng(0))
