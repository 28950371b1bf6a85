"""The hair's own texture: small squares turned along the strands, and how straight and how regular these are."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..view import FaceView


@dataclass(frozen=True, slots=True)
class StreakConfig:
    """How the hair's texture is sampled; lengths in 1,024ths of the square's side."""

    squares: int = 32
    """Squares looked at."""
    side: int = 64
    """Side of a square."""
    window: float = 12.0
    """Standard deviation of the structure tensor's window."""
    coherence: float = 0.55
    """Least coherence of the structure tensor in a square's middle."""
    inside: float = 0.6
    """Least share of hair in a square's middle and around it."""
    border: int = 25
    """How far from the hair's edge a middle must lie."""
    fewest: int = 1500
    """Fewest places for a middle, at half of the scale."""
    low: int = 3
    """Lowest frequency looked at, in periods a square."""
    high: int = 16
    """Highest frequency looked at."""


@dataclass(frozen=True, slots=True)
class Streaks:
    """What the squares show."""

    coherence: float
    """Mean coherence of the orientation, 0 to 1."""
    straightness: float
    """Share of the contrast across the strands that outlives averaging along a square's side, 0 to 1."""
    peak: float
    """Height of the spectral peak across the strands over a power law, in natural logarithms."""
    places: NDArray[np.float64]
    """(N, 2) middles in pixels of the crop."""


def find_streaks(view: FaceView, size: int, config: StreakConfig) -> Streaks | None:
    """The texture of the hair; None where no hair with a direction is large enough."""
    scale = size / 1024
    light = cv2.cvtColor(view.crop(size), cv2.COLOR_RGB2GRAY).astype(np.float32) * np.float32(100 / 255)
    half = cv2.resize(light, (size // 2, size // 2), interpolation=cv2.INTER_AREA)
    coherence, across = _orientation(half, config.window * scale / 2)
    hair = (view.hair(size // 2) > config.inside) & view.valid(size // 2)
    width = max(3, round(config.border * scale))
    core = cv2.erode(hair.astype(np.uint8), np.ones((width, width), np.uint8), borderValue=0) > 0
    rows, columns = np.nonzero(core & (coherence > config.coherence))
    if len(rows) < config.fewest * scale**2:
        return None
    # Evenly through the list of places: the same picture always gives the same squares.
    chosen = np.linspace(0, len(rows) - 1, config.squares).round().astype(int)
    rows, columns = rows[chosen], columns[chosen]
    places = np.stack([2 * columns + 0.5, 2 * rows + 0.5], 1)
    squares = _turned(light, places, across[rows, columns], config.side, scale)
    straight, peak = _spectra(squares, config)
    mean = float(coherence[rows, columns].mean())
    return Streaks(mean, float(np.median(straight)), float(np.median(peak)), places)


def _orientation(
    light: NDArray[np.float32], sigma: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coherence, 0 to 1, and direction across the strands in radians, by the structure tensor."""
    x, y = cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.GaussianBlur(a * b, (0, 0), sigma) for a, b in ((x, x), (y, y), (x, y)))
    difference, cross = xx - yy, 2 * xy
    return cv2.magnitude(difference, cross) / (xx + yy + 1e-3), 0.5 * np.arctan2(cross, difference)


def _turned(
    light: NDArray[np.float32], places: NDArray[np.float64], across: NDArray[np.float32], side: int, scale: float
) -> NDArray[np.float64]:
    """(N, side, side) squares around the places, columns across the strands, rows along them."""
    steps = (np.arange(side) - (side - 1) / 2) * max(scale, 0.5)
    right, down = np.meshgrid(steps, steps)
    cos, sin = np.cos(across)[:, None, None], np.sin(across)[:, None, None]
    x = (places[:, 0, None, None] + right * cos - down * sin).astype(np.float32)
    y = (places[:, 1, None, None] + right * sin + down * cos).astype(np.float32)
    out = cv2.remap(light, x.reshape(-1, side), y.reshape(-1, side), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return out.reshape(len(places), side, side).astype(np.float64)


def _spectra(
    squares: NDArray[np.float64], config: StreakConfig
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) straightness and (N,) spectral peak of the squares."""
    ramp = np.linspace(-1, 1, config.side)
    flat = squares - squares.mean((1, 2), keepdims=True)
    flat -= (flat * ramp).mean((1, 2), keepdims=True) / float((ramp * ramp).mean()) * ramp
    window = np.hanning(config.side)
    band = slice(config.low, config.high + 1)
    each = np.square(np.abs(np.fft.rfft(flat * window, axis=2))).mean(1)[:, band]
    together = np.square(np.abs(np.fft.rfft(flat.mean(1) * window, axis=1)))[:, band]
    straight = together.sum(1) / np.maximum(each.sum(1), 1e-9)
    level = np.log(together + 1e-3)
    octave = np.log(np.arange(config.low, config.high + 1))
    octave -= octave.mean()
    slope = (level * octave).sum(1, keepdims=True) / float((octave * octave).sum())
    rest = level - level.mean(1, keepdims=True) - slope * octave
    return straight, rest.max(1)
