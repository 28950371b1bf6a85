"""Colour and direction of the two eyes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..records import Finding
from ._asymmetry_halves import Halves
from ._asymmetry_parts import Part, Scale, cheek_difference
from ._eyes_highlights import HighlightConfig, peaks
from ._eyes_iris import Iris, polar

CORNERS = ((33, 133), (263, 362))
"""Outer and inner corner of each eye, the person's right first."""


@dataclass(frozen=True, slots=True)
class EyePartsConfig:
    """Gates and scales; colours in CIE L*a*b*, lengths in widths of the eye."""

    edge: float = 12.0
    """L* by which each iris must differ from the white around it."""
    iris: int = 60
    """Least pixels of an iris patch that show its colour."""
    colour: Scale = field(default=Scale(5.0, 11.0))
    """a*b* distance of the irises, less that of the cheeks."""
    histogram: Scale = field(default=Scale(0.6, 1.2))
    """1 less the mean correlation of the a* and b* histograms; counts only as far as the colours differ."""
    level: Scale = field(default=Scale(0.08, 0.18))
    """Difference in height of the irises in their openings."""
    together: Scale = field(default=Scale(0.3, 0.5))
    """Difference of the irises' sideways place from that of a pair that looks at one point."""
    vergence: float = -0.08
    """Where a pair usually lies: the sum of both irises' distances from the middle of the eye, outward positive."""


def eye_colour(halves: Halves, irises: tuple[Iris, Iris], config: EyePartsConfig) -> Part | None:
    """Colour of the irises, as Matern, Riess, Stamminger 2019 compare it; None where it is not seen."""
    if min(iris.edge for iris in irises) < config.edge:
        return None
    samples = [_colours(iris) for iris in irises]
    if min(len(sample) for sample in samples) < config.iris:
        return None
    middles = [np.median(sample, 0) for sample in samples]
    gap = middles[0] - middles[1]
    distance = max(0.0, float(np.hypot(*gap[1:])) - cheek_difference(halves))
    apart = 1.0 - float(np.mean([_correlation(samples[0][:, k], samples[1][:, k]) for k in (1, 2)]))
    score = config.colour.score(distance)
    score = min(2.0, score + 0.5 * min(score, config.histogram.score(apart)))
    measures = {"eyes_colour": distance, "eyes_light": float(abs(gap[0])), "eyes_histogram": apart}
    finding = _both(halves, irises, "The two eyes have different colours.") if score >= 1 else None
    return Part("eyes", score, measures, finding=finding, marks=_marks(irises))


def _colours(iris: Iris) -> NDArray[np.float32]:
    """(N, 3) L*a*b* of the iris without its pupil, its rim and what it reflects."""
    config = HighlightConfig()
    clear = (peaks(iris, config) < 8.0) & (polar()[0] > 0.4)
    return np.asarray(iris.lab[iris.wide(3, 0.85) & clear], np.float32)


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Correlation of two histograms of a* or b*, smoothed over the noise of the chroma."""
    edges = np.linspace(-40, 40, 41)
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    one, other = (np.convolve(np.histogram(v, edges)[0].astype(float), kernel, "same") for v in (first, second))
    return float(np.corrcoef(one, other)[0, 1])


def gaze(halves: Halves, irises: tuple[Iris, Iris], config: EyePartsConfig) -> Part | None:
    """Whether the eyes look at one point: the place of each iris between the corners of its eye."""
    if min(iris.edge for iris in irises) < config.edge:
        return None
    places = [_place(halves.points, iris, corners) for iris, corners in zip(irises, CORNERS, strict=True)]
    level = abs(places[0][1] - places[1][1])
    together = abs(places[0][0] + places[1][0] - config.vergence)
    score = max(config.level.score(level), config.together.score(together))
    measures = {"gaze_level": level, "gaze_together": together}
    finding = _both(halves, irises, "The two eyes do not look at the same point.") if score >= 1 else None
    return Part("gaze", score, measures, finding=finding, marks=_marks(irises))


def _place(points: NDArray[np.float64], iris: Iris, corners: tuple[int, int]) -> tuple[float, float]:
    """Iris centre from the middle of the eye: outward, and down, in widths of the eye."""
    outer, inner = points[corners[0]], points[corners[1]]
    along = outer - inner
    width = max(float(np.hypot(*along)), 1.0)
    outward = along / width
    down = np.array([-outward[1], outward[0]])
    down = down if down[1] > 0 else -down
    offset = iris.centre - (outer + inner) / 2
    return float(offset @ outward) / width, float(offset @ down) / width


def _marks(irises: tuple[Iris, Iris]) -> tuple[tuple[float, float, float], ...]:
    return tuple((float(iris.centre[0]), float(iris.centre[1]), iris.radius) for iris in irises)


def _both(halves: Halves, irises: tuple[Iris, Iris], text: str) -> Finding:
    """A finding whose box holds both irises."""
    corners = np.array([iris.centre + s * iris.radius for iris in irises for s in (-1, 1)])
    low, high = corners.min(0), corners.max(0)
    box = halves.view.box((float(low[0]), float(low[1]), float(high[0]), float(high[1])), halves.size)
    return Finding(text, box)
