"""Codecs, resizes and random chains on pictures whose colours tell the place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whichface.forensics.errors import CodecLimitError
from whichface.forensics.geometry import CropFrame
from whichface.forensics.recompress import (
    FILTERS,
    JPEG_SIDE,
    SUBSAMPLING,
    WEBP_SIDE,
    ChainConfig,
    jpeg,
    random_chain,
    resize,
    webp,
)

ONLY_CUT = ChainConfig(
    shrink_probability=0,
    quality=(98, 98),
    webp_probability=0,
    double_probability=0,
    blur_probability=0,
    cut_probability=1,
)


def _places(width: int = 240, height: int = 200) -> np.ndarray:
    """Red is the column, green the row, blue 100."""
    pixels = np.full((height, width, 3), 100, np.uint8)
    pixels[..., 0] = np.arange(width)
    pixels[..., 1] = np.arange(height)[:, None]
    return pixels


def _frame(x: float = 119.5, y: float = 99.5, side: float = 180.0) -> CropFrame:
    return CropFrame(np.array([x, y]), np.array([side / 2, 0.0]))


def _noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (96, 112, 3)).astype(np.uint8)


@pytest.mark.parametrize("subsampling", SUBSAMPLING)
def test_jpeg_keeps_a_smooth_picture(subsampling: str) -> None:
    pixels = _places()
    out = jpeg(pixels, 95, subsampling)
    assert out.shape == pixels.shape and out.dtype == np.uint8
    assert np.abs(out.astype(int) - pixels).mean() < 1.5


def test_channels_keep_their_order() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 220
    for out in (jpeg(red, 95, "4:4:4"), webp(red, 95)):
        assert out[..., 0].min() > 200 and out[..., 1:].max() < 25


@pytest.mark.parametrize("codec", [jpeg, webp])
def test_lower_quality_costs_more(codec) -> None:
    pixels = _noise()
    errors = [np.abs(codec(pixels, q).astype(int) - pixels).mean() for q in (95, 60, 20)]
    assert 0 < errors[0] < errors[1] < errors[2]


def test_subsampling_is_what_it_says() -> None:
    pixels = _noise()
    full, half = (jpeg(pixels, 90, s).astype(int) for s in ("4:4:4", "4:2:0"))
    assert np.abs(full - pixels).mean() < np.abs(half - pixels).mean() / 2


@pytest.mark.parametrize(("codec", "most"), [(jpeg, JPEG_SIDE), (webp, WEBP_SIDE)])
def test_a_side_that_the_codec_cannot_hold_is_told(codec, most: int) -> None:
    assert codec(np.zeros((1, most, 3), np.uint8), 50).shape[1] == most
    for shape in ((1, most + 1, 3), (most + 1, 1, 3)):
        with pytest.raises(CodecLimitError, match=f"{most + 1:,}.* cannot be saved as .*{most:,}"):
            codec(np.zeros(shape, np.uint8), 50)


def test_unknown_subsampling_is_refused() -> None:
    with pytest.raises(KeyError):
        jpeg(_noise(), 90, "4:1:0")


@pytest.mark.parametrize("interpolation", FILTERS)
@pytest.mark.parametrize("factor", [0.5, 0.75, 1.25])
def test_resize_moves_pixel_centres_as_the_frame_says(interpolation: str, factor: float) -> None:
    pixels, frame = _places(200, 160), _frame(80.0, 60.0, 40.0)
    out, scaled = resize(pixels, factor, interpolation), frame.scaled(factor)
    assert out.shape[:2] == (160 * factor, 200 * factor)
    x, y = np.round(scaled.centre).astype(int)
    back = (np.array([x, y]) + 0.5) / factor - 0.5
    assert out[y, x, :2].astype(int) == pytest.approx(back, abs=1.01)
    assert back == pytest.approx(frame.centre, abs=0.5 / factor + 1e-9)


@pytest.mark.parametrize("interpolation", FILTERS)
def test_shrinking_does_not_alias(interpolation: str) -> None:
    stripes = np.zeros((120, 120, 3), np.uint8)
    stripes[:, ::2] = 255
    inner = resize(stripes, 0.3, interpolation)[4:-4, 4:-4]
    assert inner.std() < 25 < stripes.std() / 4


def test_a_picture_never_vanishes() -> None:
    assert resize(_noise(), 0.001).shape == (1, 1, 3)


def test_a_chain_is_the_same_for_a_seed() -> None:
    drawn = [random_chain(_places(), _frame(), np.random.default_rng(s)) for s in (5, 5, 6)]
    (first, frame), (second, again), (other, _) = drawn
    assert np.array_equal(first, second) and np.array_equal(frame.centre, again.centre)
    assert frame.side == again.side
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_a_chain_leaves_its_input_alone() -> None:
    pixels, frame = _places(), _frame()
    for seed in range(6):
        random_chain(pixels, frame, np.random.default_rng(seed))
    assert np.array_equal(pixels, _places()) and frame.side == 180.0


def test_no_chain_goes_below_the_least_side() -> None:
    config = ChainConfig(min_side=150.0, shrink_probability=1.0)
    rngs = [np.random.default_rng(seed) for seed in range(40)]
    sides = [random_chain(_places(), _frame(), rng, config)[1].side for rng in rngs]
    assert min(sides) >= 150.0 - 1e-9 and max(sides) <= 180.0
    assert np.ptp(sides) > 10


@pytest.mark.parametrize("side", [100.0, 152.0])
def test_a_small_face_is_never_resized(side: float) -> None:
    config = ChainConfig(min_side=150.0, shrink_probability=1.0, cut_probability=0)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        out, frame = random_chain(_places(), _frame(side=side), rng, config)
        assert frame.side == side and out.shape == (200, 240, 3)


def test_the_cut_keeps_the_square_on_the_same_content() -> None:
    sizes = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        out, frame = random_chain(_places(), _frame(120.0, 100.0), rng, ONLY_CUT)
        x, y = frame.centre.astype(int)
        assert out[y, x, :2].astype(int) == pytest.approx([120, 100], abs=4)
        assert frame.side == 180.0 and frame.roll == 0.0
        sizes.add(out.shape)
    assert len(sizes) > 6


def test_the_cut_keeps_to_its_share() -> None:
    config, most = replace(ONLY_CUT, cut_share=0.05), 0.05 * 180
    for seed in range(12):
        out, frame = random_chain(_places(), _frame(), np.random.default_rng(seed), config)
        cut = np.array([240 - out.shape[1], 200 - out.shape[0]])
        assert (cut <= 2 * most).all()
        assert (np.array([119.5, 99.5]) - frame.centre <= most).all()


def test_cut_and_shrink_together_keep_the_content() -> None:
    config = replace(ONLY_CUT, shrink_probability=1.0, min_side=90.0)
    for seed in range(12):
        out, frame = random_chain(_places(), _frame(), np.random.default_rng(seed), config)
        x, y = np.round(frame.centre).astype(int)
        assert out[y, x, :2].astype(int) == pytest.approx([119.5, 99.5], abs=5)
