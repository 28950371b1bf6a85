"""Residual co-occurrences, spectra and band energies of a canonical face: what the classical expert looks at.

Co-occurrences of truncated, quantised residuals follow Fridrich & Kodovský (2012, "Rich models for steganalysis of
digital images", IEEE TIFS 7(3)); across colour bands, Barni et al. (2020, arXiv 2007.12909); the radial spectrum,
Durall et al. (2020, arXiv 2003.01826). Histograms are square-rooted, so that Euclidean distance is Hellinger's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from .canonical import CanonicalFace

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Planes = tuple[Array, Array]
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
    luma = np.ascontiguousarray(ycc[..., 0])
    half = face.scale // 2
    chroma = [cv2.resize(ycc[..., c], (half, half), interpolation=cv2.INTER_AREA) for c in (1, 2)]
    inside = _erode(face.inside, 3)
    inside_half = _erode(cv2.resize(face.inside.astype(np.uint8), (half, half)) > 0, 2)
    planes, chroma_planes = planes_of(luma), [planes_of(c) for c in chroma]
    for name, residual, step in LUMA_RESIDUALS:
        yield f"luma-{name}", _directional(residual, planes, step, inside)
    for name, residual, step in CHROMA_RESIDUALS:
        red, blue = (_directional(residual, p, step, inside_half) for p in chroma_planes)
        yield f"chroma-{name}", (red + blue) / np.float32(np.sqrt(2))
    yield "cross-band", _cross_band(face.pixels.astype(np.float32), inside)
    for name, channel in (("luma", luma), ("cr", chroma[0]), ("cb", chroma[1])):
        yield f"radial-{name}", radial_spectrum(channel)
    yield "bands", _band_grid(luma, chroma)


def planes_of(channel: Array) -> Planes:
    """A channel and its transpose, both contiguous."""
    return np.ascontiguousarray(channel), np.ascontiguousarray(channel.T)


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


def _directional(residual: Residual, planes: Planes, step: float, inside: Mask | None) -> Array:
    """Co-occurrences along and across the residual, rows and columns pooled: 2 x 169 values."""
    along = np.zeros(LEVELS**ORDER)
    across = np.zeros(LEVELS**ORDER)
    for plane, mask in zip(planes, (inside, None if inside is None else inside.T), strict=True):
        levels = quantise(residual(plane), step)
        along += _count(levels, mask, axis=1)
        across += _count(levels, mask, axis=0)
    return np.concatenate([_fold(along), _fold(across)])


def quantise(residual: Array, step: float) -> NDArray[np.uint8]:
    """Residual over `step`, rounded, truncated to [-2, 2] and shifted to 0 … 4."""
    levels = np.multiply(residual, np.float32(1 / step))
    np.rint(levels, out=levels)
    np.clip(levels, -TRUNCATE, TRUNCATE, out=levels)
    return (levels + TRUNCATE).astype(np.uint8)


def _count(levels: NDArray[np.uint8], valid: Mask | None, axis: int) -> NDArray[np.float64]:
    """Counts of the 625 runs of four neighbouring levels along `axis`; `valid` None counts all."""
    if axis:
        pair = levels[:, :-1] * np.uint8(LEVELS) + levels[:, 1:]
        code = pair[:, :-2].astype(np.uint16) * np.uint16(LEVELS**2) + pair[:, 2:]
    else:
        pair = levels[:-1] * np.uint8(LEVELS) + levels[1:]
        code = pair[:-2].astype(np.uint16) * np.uint16(LEVELS**2) + pair[2:]
    return _histogram(code, valid, LEVELS**ORDER)


def _histogram(code: NDArray[np.uint16], valid: Mask | None, size: int) -> NDArray[np.float64]:
    """Counts of 0 … `size` - 1; OpenCV counts 16-bit numbers in a quarter of NumPy's time, but slowly under a mask."""
    if valid is not None:
        code = np.where(valid[: code.shape[0], : code.shape[1]], code, np.uint16(size))
    return cv2.calcHist([code], [0], None, [size], [0, size])[:, 0].astype(np.float64)


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


def _cross_band(rgb: Array, inside: Mask | None) -> Array:
    """Joint levels of the three bands' residuals at one place: 3 x 63 values."""
    bands = [planes_of(rgb[..., band]) for band in range(3)]
    blocks = []
    for residual, step in ((first, 3.0), (second, 2.0), (square, 2.0)):
        counts = np.zeros(LEVELS**3)
        for turn, mask in enumerate((inside, None if inside is None else inside.T)):
            red, green, blue = (quantise(residual(band[turn]), step) for band in bands)
            code = (red * np.uint8(LEVELS) + green).astype(np.uint16) * np.uint16(LEVELS) + blue
            counts += _histogram(code, mask, LEVELS**3)
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
    return [a - b for a, b in pairwise(levels)]


def _erode(mask: Mask, radius: int) -> Mask | None:
    """The mask less a rim, or None for "everywhere": also where the rim would leave nothing."""
    if mask.all():
        return None
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    eroded = cv2.erode(mask.astype(np.uint8), kernel) > 0
    return eroded if eroded.any() else None
