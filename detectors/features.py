"""Residual co-occurrences, spectra and band energies of a canonical face: what the classical expert looks at.

Co-occurrences of truncated, quantised residuals follow Fridrich & Kodovský (2012, "Rich models for steganalysis of
digital images", IEEE TIFS 7(3)); across colour bands, Barni et al. (2020, arXiv 2007.12909); the radial spectrum,
Durall et al. (2020, arXiv 2003.01826). Histograms are square-rooted, so that Euclidean distance is Hellinger's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .canonical import CanonicalFace

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
TRUNCATE = 2
LEVELS = 2 * TRUNCATE + 1
ORDER = 4
GRID = 6


def features(face: CanonicalFace) -> Array:
    """One float32 vector; its length depends on nothing but the scale-free definition below."""
    blocks = [values for _, values in blocks_of(face)]
    return np.concatenate(blocks).astype(np.float32)


def blocks_of(face: CanonicalFace) -> Iterator[tuple[str, Array]]:
    """(name, values) of every block of features."""
    ycc = cv2.cvtColor(face.pixels, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    luma = ycc[..., 0]
    half = face.scale // 2
    chroma = [cv2.resize(ycc[..., c], (half, half), interpolation=cv2.INTER_AREA) for c in (1, 2)]
    inside = _erode(face.inside, 3)
    inside_half = _erode(cv2.resize(face.inside.astype(np.uint8), (half, half)) > 0, 2)
    for name, residual, step in LUMA_RESIDUALS:
        yield f"luma-{name}", _directional(residual, luma, step, inside)
    for name, residual, step in CHROMA_RESIDUALS:
        pair = [_directional(residual, c, step, inside_half) for c in chroma]
        yield f"chroma-{name}", np.concatenate([pair[0] + pair[1]]) / np.float32(np.sqrt(2))
    yield "cross-band", _cross_band(face.pixels.astype(np.float32), inside)
    for name, channel in (("luma", luma), ("cr", chroma[0]), ("cb", chroma[1])):
        yield f"radial-{name}", radial_spectrum(channel)
    yield "bands", _band_grid(luma, chroma)


def first(x: Array) -> Array:
    """First difference along rows."""
    return x[:, 1:] - x[:, :-1]


def second(x: Array) -> Array:
    """Second difference along rows, halved."""
    return (x[:, 2:] - 2 * x[:, 1:-1] + x[:, :-2]) / 2


def third(x: Array) -> Array:
    """Third difference along rows, over three."""
    return (x[:, 3:] - 3 * x[:, 2:-1] + 3 * x[:, 1:-2] - x[:, :-3]) / 3


def square(x: Array) -> Array:
    """The 3x3 "square" predictor of the rich models, over four."""
    kernel = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]], np.float32) / 4
    return cv2.filter2D(x, cv2.CV_32F, kernel)[1:-1, 1:-1].astype(np.float32, copy=False)


Residual = Callable[[Array], Array]
LUMA_RESIDUALS: tuple[tuple[str, Residual, float], ...] = (
    ("first-1", first, 1.0),
    ("first-3", first, 3.0),
    ("second-1", second, 1.0),
    ("second-2", second, 2.0),
    ("third-1", third, 1.5),
    ("square-1", square, 1.0),
    ("square-2", square, 2.0),
)
CHROMA_RESIDUALS: tuple[tuple[str, Residual, float], ...] = (
    ("first-1", first, 1.0),
    ("second-1", second, 0.7),
    ("square-1", square, 0.7),
)


def _directional(residual: Residual, channel: Array, step: float, inside: Mask) -> Array:
    """Co-occurrences along and across the residual, rows and columns pooled: 2 x 169 values."""
    along = np.zeros(LEVELS**ORDER)
    across = np.zeros(LEVELS**ORDER)
    for plane, mask in ((channel, inside), (channel.T, inside.T)):
        levels = quantise(residual(np.ascontiguousarray(plane)), step)
        valid = mask[: levels.shape[0], : levels.shape[1]]
        along += _count(levels, valid, axis=1)
        across += _count(levels, valid, axis=0)
    return np.concatenate([_fold(along), _fold(across)])


def quantise(residual: Array, step: float) -> NDArray[np.int32]:
    """Residual over `step`, rounded, truncated to [-2, 2] and shifted to 0 … 4."""
    return (np.clip(np.rint(residual / step), -TRUNCATE, TRUNCATE) + TRUNCATE).astype(np.int32)


def _count(levels: NDArray[np.int32], valid: Mask, axis: int) -> NDArray[np.float64]:
    """Counts of the 625 runs of four neighbouring levels along `axis`."""
    length = levels.shape[axis] - ORDER + 1
    code = np.zeros(1, np.int32)
    for shift in range(ORDER):
        part = levels[:, shift : shift + length] if axis else levels[shift : shift + length]
        code = code * LEVELS + part
    use = valid[: code.shape[0], : code.shape[1]]
    return np.bincount(code[use], minlength=LEVELS**ORDER).astype(np.float64)


@cache
def _symmetry() -> tuple[NDArray[np.int64], int]:
    """Class of each of the 625 runs when a run, its reverse and their negatives are one: 169 classes."""
    runs = np.stack(np.unravel_index(np.arange(LEVELS**ORDER), (LEVELS,) * ORDER), 1)
    weights = LEVELS ** np.arange(ORDER - 1, -1, -1)
    twins = [runs, runs[:, ::-1], LEVELS - 1 - runs, LEVELS - 1 - runs[:, ::-1]]
    lowest = np.min([twin @ weights for twin in twins], axis=0)
    classes, index = np.unique(lowest, return_inverse=True)
    return index, len(classes)


def _fold(counts: NDArray[np.float64]) -> Array:
    index, number = _symmetry()
    folded = np.bincount(index, weights=counts, minlength=number)
    return np.sqrt(folded / max(folded.sum(), 1.0)).astype(np.float32)


def _cross_band(rgb: Array, inside: Mask) -> Array:
    """Joint levels of the three bands' residuals at one place, and at neighbours: 3 x 63 values."""
    blocks = []
    for residual, step in ((first, 3.0), (second, 2.0), (square, 2.0)):
        counts = np.zeros(LEVELS**3)
        for turn in (False, True):
            mask = inside.T if turn else inside
            code = np.zeros(1, np.int32)
            for band in range(3):
                plane = rgb[..., band].T if turn else rgb[..., band]
                code = code * LEVELS + quantise(residual(np.ascontiguousarray(plane)), step)
            use = mask[: code.shape[0], : code.shape[1]]
            counts += np.bincount(code[use], minlength=LEVELS**3)
        counts = (counts + counts[::-1])[: LEVELS**3 // 2 + 1]
        blocks.append(np.sqrt(counts / max(counts.sum(), 1.0)))
    return np.concatenate(blocks).astype(np.float32)


@cache
def _rings(size: int, bins: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    fy = np.fft.fftfreq(size)[:, None]
    fx = np.fft.rfftfreq(size)[None]
    ring = np.minimum((np.hypot(fy, fx) / 0.5 * bins).astype(np.int64), bins)
    return ring, np.maximum(np.bincount(ring.ravel(), minlength=bins + 1), 1)


def radial_spectrum(channel: Array, bins: int = 40) -> Array:
    """Mean log power in `bins` rings from frequency 0 to 0.5 cycles a pixel, of the windowed second residual."""
    size = channel.shape[0]
    window = np.hanning(size).astype(np.float32)
    field = (channel - channel.mean()) * window[:, None] * window[None]
    power = np.log(np.abs(np.fft.rfft2(field)) ** 2 / size**2 + 1e-2)
    ring, counts = _rings(size, bins)
    return (np.bincount(ring.ravel(), power.ravel(), bins + 1) / counts)[:bins].astype(np.float32) / 4


def _band_grid(luma: Array, chroma: list[Array]) -> Array:
    """Log mean magnitude of band-passed channels in a GRID x GRID lattice over the aligned face."""
    maps = _bands(luma, 4) + [band for c in chroma for band in _bands(c, 2)]
    cells = [cv2.resize(np.abs(m), (GRID, GRID), interpolation=cv2.INTER_AREA).ravel() for m in maps]
    return (np.log(np.concatenate(cells) + 0.1) / 2).astype(np.float32)


def _bands(channel: Array, number: int) -> list[Array]:
    levels = [channel] + [
        cv2.GaussianBlur(channel, (0, 0), 0.7 * 2**i).astype(np.float32) for i in range(number)
    ]
    return [a - b for a, b in zip(levels, levels[1:], strict=False)]


def _erode(mask: Mask, radius: int) -> Mask:
    """The mask less a rim, but never empty: a face that is almost outside still gives features."""
    if mask.all():
        return mask
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    eroded = cv2.erode(mask.astype(np.uint8), kernel) > 0
    return eroded if eroded.any() else np.ones_like(mask)
