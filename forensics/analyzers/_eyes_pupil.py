"""The pupil in an iris patch, and how far its edge is from an ellipse."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ._eyes_highlights import HighlightConfig, peaks
from ._eyes_iris import MIDDLE, RADIUS, Iris, polar

ANGLES = np.radians(np.arange(0, 360, 10))
WAVES = np.stack(
    [np.ones_like(ANGLES), np.cos(ANGLES), np.sin(ANGLES), np.cos(2 * ANGLES), np.sin(2 * ANGLES)], 1
)
"""(36, 5) an ellipse of small eccentricity about a point near its centre, as radius by angle."""


@dataclass(frozen=True, slots=True)
class PupilConfig:
    """How the pupil is looked for, in pixels of a patch (iris radius 24)."""

    contrast: float = 8.0
    """L* (0 to 100) between iris and pupil from which its edge is believed: brown eyes in plain light have less."""
    offset: float = 4.5
    """Largest distance of the pupil's centre from the iris' in x and y."""
    smallest: float = 6.0
    """Smallest radius."""
    largest: float = 14.0
    """Largest radius."""
    edge: float = 2.5
    """Half width of the edge."""
    glint: float = 8.0
    """L* from which a small bright spot hides the edge."""
    angles: int = 18
    """Of 36 directions, those that must show the edge."""


@dataclass(frozen=True, slots=True)
class Pupil:
    """One pupil."""

    irregularity: float
    """1 less the overlap of the area within the edge and within its ellipse, 0 to 1 (Guo et al. 2022)."""
    contrast: float
    """L* of the iris around it less its own, 0 to 100."""
    size: float
    """Radius as a share of the iris' radius."""
    edge: NDArray[np.float64]
    """(36, 2) x and y in the patch where the edge was found; NaN where it is hidden."""


def find_pupil(iris: Iris, config: PupilConfig) -> Pupil | None:
    """The pupil of an iris; None when it does not stand out or too much of its edge is hidden."""
    light = cv2.GaussianBlur(iris.lab[..., 0], (0, 0), 0.8)
    open_ = iris.wide(3, 0.88)
    around = open_ & (polar()[0] > 0.55)
    if around.sum() < 60:
        return None
    # A dent shows the iris, no more: only what is lighter than the iris hides the edge.
    lit = (peaks(iris, HighlightConfig()) > config.glint) & (light > np.median(light[around]) + config.glint)
    clear = open_ & (cv2.dilate(lit.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0)
    circle = _circle(light, clear, config)
    if circle is None:
        return None
    x, y, radius = circle
    down, across = np.mgrid[: len(light), : len(light)]
    distance = np.hypot(across - x, down - y)
    ring = clear & (polar()[0] < 0.85) & (distance > 1.25 * radius)
    inner = clear & (distance < 0.7 * radius)
    if ring.sum() < 60 or inner.sum() < 10:
        return None
    outside, inside = float(np.median(light[ring])), float(np.median(light[inner]))
    if outside - inside < config.contrast:
        return None
    return _shape(light, clear, circle, (outside + inside) / 2, outside - inside, config)


def _sample(image: NDArray[np.float32], x: float, y: float, radii: NDArray[np.float64]) -> NDArray[np.float32]:
    """(len(radii), 36) values along rays from a point."""
    across = (x + radii[:, None] * np.cos(ANGLES)).astype(np.float32)
    down = (y + radii[:, None] * np.sin(ANGLES)).astype(np.float32)
    return cv2.remap(image, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)


def _circle(
    light: NDArray[np.float32], clear: NDArray[np.bool_], config: PupilConfig
) -> tuple[float, float, float] | None:
    """Centre and radius of the circle with the strongest step from dark to light (Daugman 1993)."""
    steps = np.linspace(-config.offset, config.offset, 7)
    radii = np.arange(config.smallest, config.largest + 0.5)
    mask, best, found = clear.astype(np.float32), -np.inf, None
    rings = np.concatenate([radii - config.edge, radii + config.edge])
    count = len(radii)
    for dx in steps:
        for dy in steps:
            values = _sample(light, MIDDLE + dx, MIDDLE + dy, rings)
            seen = _sample(mask, MIDDLE + dx, MIDDLE + dy, rings) > 0.9
            shown = seen[:count] & seen[count:]
            number = shown.sum(1)
            step = (np.clip(values[count:] - values[:count], -10, 20) * shown).sum(1) / np.maximum(number, 1)
            score = step * np.sqrt(radii / 10) - 0.15 * np.hypot(dx, dy)
            score[number < config.angles] = -np.inf
            k = int(np.argmax(score))
            if score[k] > best:
                best, found = float(score[k]), (MIDDLE + dx, MIDDLE + dy, float(radii[k]))
    return found


def _shape(
    light: NDArray[np.float32],
    clear: NDArray[np.bool_],
    circle: tuple[float, float, float],
    level: float,
    contrast: float,
    config: PupilConfig,
) -> Pupil | None:
    """Where each ray first gets lighter than `level`, against the ellipse of least squares through those places."""
    x, y, radius = circle
    shares = np.linspace(0.4, 1.7, 53)
    bright = _sample(light, x, y, shares * radius) > level
    seen = _sample(clear.astype(np.float32), x, y, shares * radius) > 0.5
    first = np.where(bright.any(0), bright.argmax(0), len(shares) - 1)
    edge = shares[first]
    before = np.cumsum(seen, 0)[first, np.arange(36)] / (first + 1)
    usable = (before > 0.7) & seen[first, np.arange(36)]
    if usable.sum() < config.angles:
        return None
    ellipse = _ellipse(edge, usable)
    both = np.square(np.minimum(edge, ellipse))[usable].sum()
    either = np.square(np.maximum(edge, ellipse))[usable].sum()
    places = np.stack([x + radius * edge * np.cos(ANGLES), y + radius * edge * np.sin(ANGLES)], 1)
    places[~usable] = np.nan
    size = radius * float(np.sqrt(np.square(edge[usable]).mean())) / RADIUS
    return Pupil(float(1 - both / either), contrast, size, places)


def _ellipse(edge: NDArray[np.float64], usable: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(36,) radii of the ellipse through the edge; a dent counts little (Cauchy weights, width 0.1).

    A light ridge keeps it sane where only part of the edge is seen.
    """
    trust, ellipse = usable.astype(float), edge
    ridge = np.diag([0.0, 0.5, 0.5, 1.5, 1.5])
    for _ in range(5):
        root = np.sqrt(trust)[:, None]
        rows, goal = np.vstack([WAVES * root, ridge]), np.concatenate([edge * root[:, 0], np.zeros(5)])
        ellipse = np.clip(WAVES @ np.linalg.lstsq(rows, goal, rcond=None)[0], 0.2, 2.0)
        trust = usable / (1.0 + np.square((edge - ellipse) / 0.1))
    return np.asarray(ellipse)
