"""Closed oval outlines of a given size range: thin lines whose direction runs all the way round an ellipse.

A line field (the Hessian's larger eigenvalue, less the gradient across it, so that plain steps between two
surfaces count little) votes in doubled angles, as orientation tensors do (Granlund 1978); an ellipse's outline as
template then answers to closed ovals, and with zero to straight edges and to hair that runs one way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Field = NDArray[np.float32]
ANGLES = np.arange(36) * (2 * np.pi / 36)
REACH = 24
"""Half side in template pixels of the window that holds a template."""


@dataclass(frozen=True, slots=True)
class OvalConfig:
    """Which ovals are looked for; lengths in pixels of a 512-px crop."""

    line: float = 1.4
    """Standard deviation of the blur before lines are measured."""
    step_share: float = 0.6
    """How much of the gradient across a line is taken from its strength."""
    floor: float = 1.0
    """Line strength, in Lab units, that gives half a vote."""
    radii: tuple[float, ...] = (8.0, 11.0, 15.0)
    """Mean radii of the templates."""
    aspects: tuple[float, ...] = (1.0, 1.4, 1.9)
    """Long axis over short axis of the templates."""
    least: float = 6.5
    """Smallest mean radius after refinement."""
    most: float = 20.0
    """Largest mean radius after refinement."""
    longest: float = 2.3
    """Largest aspect after refinement."""
    count: int = 40
    """Candidates that are refined."""


@dataclass(frozen=True, slots=True)
class Ovals:
    """Ellipses, one an entry: centre, half axes, and direction of the first axis in radians; pixels of the crop."""

    x: Floats
    y: Floats
    a: Floats
    b: Floats
    angle: Floats

    def moved(self, x: float, y: float, a: float, b: float, angle: float) -> Ovals:
        """All of them shifted by x and y, their axes multiplied by a and b, turned by an angle."""
        return Ovals(self.x + x, self.y + y, self.a * a, self.b * b, self.angle + angle)

    def chosen(self, mask: NDArray[np.bool_], other: Ovals) -> Ovals:
        """`other` where the mask is set, else these."""
        names = ("x", "y", "a", "b", "angle")
        return Ovals(*(np.where(mask, getattr(other, n), getattr(self, n)) for n in names))

    def outline(self) -> tuple[Floats, Floats, Floats, Floats]:
        """(n, 36) points x, y of each outline and the outward normals x, y there."""
        a, b, t = self.a[:, None], self.b[:, None], self.angle[:, None]
        c, s = np.cos(ANGLES), np.sin(ANGLES)
        norm = np.hypot(c / a, s / b)
        px, py, nx, ny = a * c, b * s, c / a / norm, s / b / norm
        cos, sin = np.cos(t), np.sin(t)
        x, y = self.x[:, None] + px * cos - py * sin, self.y[:, None] + px * sin + py * cos
        return x, y, nx * cos - ny * sin, nx * sin + ny * cos


def line_field(lab: Field, config: OvalConfig) -> Field:
    """(S, S, 2) vote for a line as vector of the doubled angle of its normal, length 0 to 1; lab is (S, S, 3)."""
    sigma = config.line
    smooth = cv2.GaussianBlur(lab, (0, 0), sigma)
    row = np.array([[1, -2, 1]], np.float32) * np.float32(sigma**2)
    cross = np.array([[1, 0, -1], [0, 0, 0], [-1, 0, 1]], np.float32) * np.float32(sigma**2 / 4)
    slope = np.array([[-0.5, 0, 0.5]], np.float32) * np.float32(sigma)
    xx, yy, xy = (cv2.filter2D(smooth, -1, k) for k in (row, row.T, cross))
    gx, gy = cv2.filter2D(smooth, -1, slope), cv2.filter2D(smooth, -1, slope.T)
    half, mean = (xx - yy) / 2, (xx + yy) / 2
    root = cv2.magnitude(half, xy) + np.float32(1e-6)
    unit = np.copysign(1 / root, mean)
    cos, sin = unit * half, unit * xy
    across = (gx * gx + gy * gy + cos * (gx * gx - gy * gy) + sin * (2 * gx * gy)) / 2
    strength = np.maximum(np.abs(mean) + root - np.float32(config.step_share) * np.sqrt(np.maximum(across, 0)), 0)
    share = 1 / (strength.sum(2) + np.float32(config.floor))
    return np.dstack([(strength * cos).sum(2) * share, (strength * sin).sum(2) * share])


@lru_cache(maxsize=4)
def templates(size: int, config: OvalConfig) -> tuple[NDArray[np.float64], NDArray[np.complex64]]:
    """(K, 3) half axes and angle in crop pixels, and the (K, 2, size, size // 2 + 1) spectra, at half scale."""
    from scipy import fft  # late: it takes a sixth of a second to load

    y, x = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1].astype(np.float64)
    shapes, spectra = [], []
    for radius in config.radii:
        for aspect in config.aspects:
            for angle in (0.0,) if aspect == 1 else (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4):
                a, b = radius * np.sqrt(aspect), radius / np.sqrt(aspect)
                shapes.append((a, b, angle))
                kernel = np.zeros((2, size, size), np.float32)
                kernel[:, : 2 * REACH + 1, : 2 * REACH + 1] = _ring(x, y, a / 2, b / 2, angle)
                spectra.append(np.conj(fft.rfft2(np.roll(kernel, (-REACH, -REACH), (1, 2)))))
    return np.array(shapes), np.array(spectra, np.complex64)


def _ring(x: Floats, y: Floats, a: float, b: float, angle: float) -> Floats:
    """(2, H, W) an ellipse's outline as unit-sum weights times the doubled angle of its normal."""
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    level = np.hypot(u / a, v / b) + 1e-6
    gu, gv = u / a**2 / level, v / b**2 / level
    steep = np.hypot(gu, gv) + 1e-9
    weight = np.exp(-0.5 * ((level - 1) / steep / 0.9) ** 2)
    turn = 2 * (np.arctan2(gv, gu) + angle)
    return np.stack([np.cos(turn), np.sin(turn)]) * weight / weight.sum()


def find_ovals(field: Field, allowed: NDArray[np.bool_], config: OvalConfig) -> tuple[Ovals, Floats]:
    """The best ovals with allowed centres, best first, unrefined, and their answers; field is (S, S, 2)."""
    from scipy import fft  # late: it takes a sixth of a second to load

    size = field.shape[0] // 2
    small = cv2.resize(field, (size, size), interpolation=cv2.INTER_AREA)
    shapes, spectra = templates(size, config)
    spectrum = fft.rfft2(small.transpose(2, 0, 1))
    best, which = np.full((size, size), -np.inf, np.float32), np.zeros((size, size), np.uint8)
    for number, spectra_of in enumerate(spectra):
        answer = fft.irfft2((spectrum * spectra_of).sum(0), s=(size, size))
        better = answer > best
        best[better] = answer[better]
        which[better] = number
    # Where nothing is to be seen at all, every pixel is a peak of zero.
    peak = (best >= cv2.dilate(best, np.ones((5, 5), np.uint8))) & allowed[::2, ::2]
    ys, xs = np.nonzero(peak)
    order = np.argsort(-best[ys, xs], kind="stable")[: config.count]
    ys, xs = ys[order], xs[order]
    a, b, angle = shapes[which[ys, xs]].T
    x, y = np.asarray(2 * xs + 0.5, np.float64), np.asarray(2 * ys + 0.5, np.float64)
    return Ovals(x, y, a, b, angle), best[ys, xs].astype(np.float64)


def sample(values: NDArray[np.float32], x: Floats, y: Floats) -> NDArray[np.float32]:
    """Values of an (S, S) or (S, S, C) map at points, mirrored at its border."""
    mode = cv2.BORDER_REFLECT_101
    out = cv2.remap(values, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=mode)
    return out.astype(np.float32, copy=False)


def support(field: Field, ovals: Ovals, offset: float = 0.0) -> Floats:
    """(n, 36) how well the lines follow each outline, -1 to 1, moved outward by `offset` pixels."""
    x, y, nx, ny = ovals.outline()
    votes = sample(field, x + offset * nx, y + offset * ny)
    return votes[..., 0] * (nx * nx - ny * ny) + votes[..., 1] * (2 * nx * ny)


def low(values: Floats, visible: NDArray[np.bool_], share: float) -> Floats:
    """(n,) quantile of the visible ones of (n, K) values; 0 where none is visible."""
    ordered = np.sort(np.where(visible, values, np.inf), 1)
    count = visible.sum(1)
    index = np.clip(np.round(share * (count - 1)).astype(int), 0, None)
    return np.where(count > 0, ordered[np.arange(len(values)), index], 0.0)


def refined(field: Field, ovals: Ovals, config: OvalConfig) -> Ovals:
    """Ovals moved, stretched and turned in small steps to where the lines follow them best."""
    best = _fit(field, ovals)
    for step in (1.0, 1.0, 0.5, 0.5):
        for move in _moves(step):
            other = ovals.moved(*move)
            radius, aspect = np.sqrt(other.a * other.b), np.maximum(other.a / other.b, other.b / other.a)
            allowed = (radius > config.least) & (radius < config.most) & (aspect < config.longest)
            fit = _fit(field, other)
            better = (fit > best) & allowed
            best, ovals = np.where(better, fit, best), ovals.chosen(better, other)
    return ovals


def _fit(field: Field, ovals: Ovals) -> Floats:
    values = np.sort(support(field, ovals), 1)
    return np.asarray(values.mean(1) + 0.5 * values[:, values.shape[1] // 5])


def _moves(step: float) -> tuple[tuple[float, float, float, float, float], ...]:
    shift, wide, narrow, turn = 2 * step, 1 + 0.12 * step, 1 - 0.12 * step, 0.25 * step
    shifts = ((shift, 0.0), (-shift, 0.0), (0.0, shift), (0.0, -shift))
    scales = ((wide, wide), (narrow, narrow), (wide, 1.0), (narrow, 1.0), (1.0, wide), (1.0, narrow))
    moves = [(x, y, 1.0, 1.0, 0.0) for x, y in shifts] + [(0.0, 0.0, a, b, 0.0) for a, b in scales]
    return (*moves, (0.0, 0.0, 1.0, 1.0, turn), (0.0, 0.0, 1.0, 1.0, -turn))
