"""Teeth that follow the camera and not the head: the gap between the incisors is not where the face has its middle.

Progressively grown generators draw fine detail at fixed places of the picture, so that teeth stay aligned with the
camera while the head turns (Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", figure 6).
In a photograph a gap between two teeth lies on the head's plane of symmetry; there, in a generated face, an incisor
may stand, and a gap on the picture's axis instead. Gates after Matern, Riess, Stamminger 2019, section 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..records import Abstention, Evidence, Finding
from ..view import FaceView
from ._teeth_strip import (
    SIDE,
    Gaps,
    Strip,
    StripConfig,
    cut_strip,
    darkness,
    find_gaps,
    tooth_mask,
)
from .cue import Cue

NAME = "teeth"
CORNERS = (61, 291)
STRIP = StripConfig()


@dataclass(frozen=True, slots=True)
class TeethConfig:
    """When teeth are looked at, and how their places are judged; lengths in mm of an adult's mouth."""

    strip: StripConfig = STRIP
    """How the teeth are laid out."""
    mouth: float = 56.0
    """Least distance of the mouth's corners in pixels of the picture."""
    yaw: float = 30.0
    """Largest turn of the head in degrees: beyond, the arch hides its own middle."""
    opening: float = 0.07
    """Least height of the inner mouth over its width, as our landmarks give it (they flatten it)."""
    teeth: float = 60.0
    """Least area of visible teeth in mm²: about 1 % of the box around the face's oval."""
    span: float = 20.0
    """Least width of visible teeth in mm, about that of three incisors."""
    contrast: float = 15.0
    """Least difference in lightness less redness between teeth and the rest of the mouth."""
    gaps: int = 4
    """Fewest gaps."""
    depth: float = 1.0
    """Least darkness of the median gap in L*: below, teeth run into each other."""
    behind: float = 3.0
    """How far behind the landmarks of the lips teeth stand: a turned head shows them shifted by its sine."""
    head_spread: float = 1.3
    """Standard deviation of a photograph's gap around the head's middle, landmarks' errors included."""
    axis_spread: float = 1.5
    """The same of a generated face's gap around the picture's axis."""
    floor: float = 0.3
    """Height of the uniform part beside both peaks."""
    incisor: float = 3.2
    """Distance from the nearest gap from which a tooth, not a gap, is said to stand in the middle."""
    widths: tuple[float, float] = (5.0, 11.0)
    """Widths that a tooth may have; else a gap was missed."""
    turned: float = 3.0
    """Distance of the head's middle from the picture's axis from which the two can be told apart."""
    midline_weight: float = 1.5
    """Weight of the head's middle against the picture's axis: a tooth in the middle is odd in a frontal face too."""
    width_weight: float = 0.5
    """Weight of the difference of the two incisors' widths, in natural logarithms, at most `unequal`."""
    unequal: float = 0.7
    """Difference of widths from which more says no more."""
    locked: float = 1.2
    """A gap this near to the picture's axis follows it."""
    spacing: float = 4.5
    """Least median distance of gaps: finer ones are a moustache, lips or noise."""
    telling: float = 0.55
    """Statistic from which a tooth in the middle is shown to people."""
    telling_turn: float = 1.0
    """The same for teeth that face the camera."""


CONFIG = TeethConfig()


@dataclass(frozen=True, slots=True)
class Reading:
    """What the mouth shows."""

    strip: Strip
    """The teeth laid out."""
    profile: NDArray[np.float64]
    """(columns,) darkness in L*."""
    gaps: Gaps
    """The gaps."""
    head: float
    """Where the head's middle meets the teeth, in mm along the mouth's line."""


def look(view: FaceView) -> Evidence | Abstention:
    """The statistic is a log ratio, "gap on the picture's axis" over "on the head's middle", and unequal incisors."""
    reason = _too_poor(view, CONFIG)
    if reason is not None:
        return Abstention(NAME, reason)
    read = _read(view, CONFIG)
    if isinstance(read, str):
        return Abstention(NAME, read)
    measures = _measures(read, CONFIG)
    statistic = _statistic(measures, CONFIG)
    return Evidence(
        analyzer=NAME,
        statistic=statistic,
        llr=None,
        findings=_findings(view, read, statistic, measures, CONFIG),
        quality=_quality(view, read, CONFIG),
        heatmap=view.heat(_heat(read, statistic)),
        measures=measures,
        innocent=CUE.innocent,
    )


def _too_poor(view: FaceView, config: TeethConfig) -> str | None:
    corners = np.asarray(view.face.landmarks, np.float64)[list(CORNERS)]
    width = float(np.hypot(*(corners[1] - corners[0])))
    if not width >= config.mouth:
        return "The mouth is too small in this picture for single teeth to be seen."
    if not abs(view.face.pose.yaw) <= config.yaw:
        return "The head is turned too far for the middle of the teeth to be judged."
    low = np.array([-0.5, -0.5])
    high = np.array([view.photo.width, view.photo.height]) - 0.5
    if (corners < low).any() or (corners > high).any():
        return "The mouth is cut off by the edge of the picture."
    return None


def _read(view: FaceView, config: TeethConfig) -> Reading | str:
    """The teeth, or why they cannot be read."""
    strip = cut_strip(view, config.strip)
    if strip is None or strip.opening < config.opening:
        return "The mouth is closed, or nearly."
    teeth, contrast = tooth_mask(strip, config.strip)
    area = float((teeth * strip.cell).sum())
    span = float(teeth.any(0).sum()) / config.strip.scale
    if area < config.teeth or span < config.span or contrast < config.contrast:
        return "Too little of the teeth is seen."
    # A picture of few pixels was enlarged: its lines are no thinner than one of its own pixels.
    sigma = max(config.strip.gap, 0.6 * SIDE / view.side) * config.strip.scale
    profile = darkness(strip, teeth, sigma, config.strip.near * config.strip.scale)
    gaps = find_gaps(profile, strip, config.strip)
    spaced = len(gaps.x) >= config.gaps and float(np.median(np.diff(gaps.x))) >= config.spacing
    if not spaced or gaps.median < config.depth:
        return "The teeth cannot be told from each other: too blurred, too bright or too far apart."
    head = strip.middle - config.behind * float(np.sin(np.radians(view.face.pose.yaw)))
    return Reading(strip, profile, gaps, head)


def _measures(read: Reading, config: TeethConfig) -> dict[str, float]:
    """Parts of the statistic, and the other signs, by name; lengths in mm."""
    x, head = read.gaps.x, read.head
    nearest = int(np.argmin(np.abs(x - head)))
    left, right = _teeth_beside(x, nearest, config)
    return {
        "midline_offset": float(np.abs(x - head).min()),
        "camera_offset": float(np.abs(x - read.strip.axis).min()),
        "turn": abs(head - read.strip.axis),
        "width_asymmetry": abs(float(np.log(left / right))) if left and right else 0.0,
        "odd_count": float(_odd(x, head, config)),
        "mirror_correlation": _mirrored(read, x[nearest]),
        "opening": read.strip.opening,
    }


def _teeth_beside(x: NDArray[np.float64], gap: int, config: TeethConfig) -> tuple[float, float]:
    """Widths of the teeth left and right of a gap; 0 where none of plausible width is seen."""
    low, high = config.widths
    left = float(x[gap] - x[gap - 1]) if gap > 0 else 0.0
    right = float(x[gap + 1] - x[gap]) if gap + 1 < len(x) else 0.0
    return (left if low <= left <= high else 0.0), (right if low <= right <= high else 0.0)


def _odd(x: NDArray[np.float64], head: float, config: TeethConfig) -> bool:
    """Whether the head's middle runs through the middle half of one tooth: as many teeth left as right, and it."""
    after = int(np.searchsorted(x, head))
    if after in (0, len(x)):
        return False
    width = float(x[after] - x[after - 1])
    share = float(head - x[after - 1]) / max(width, 1e-6)
    return config.widths[0] <= width <= config.widths[1] and 0.3 <= share <= 0.7


def _mirrored(read: Reading, centre: float) -> float:
    """Correlation, -1 to 1, of the gaps within two teeth of a gap with their mirror image."""
    offsets = np.arange(-14, 14.01, 0.25)
    limit = 3 * read.gaps.median
    values = np.minimum(np.interp(centre + offsets, read.strip.x, read.profile), limit)
    values -= values.mean()
    return float((values * values[::-1]).sum() / max(float((values * values).sum()), 1e-9))


def _statistic(measures: dict[str, float], config: TeethConfig) -> float:
    def near(offset: float, spread: float) -> float:
        return float(np.log(config.floor + np.exp(-((offset / spread) ** 2) / 2)))

    camera = near(measures["camera_offset"], config.axis_spread)
    head = near(measures["midline_offset"], config.head_spread)
    widths = min(measures["width_asymmetry"], config.unequal)
    return camera - config.midline_weight * head + config.width_weight * widths


def _findings(
    view: FaceView, read: Reading, statistic: float, measures: dict[str, float], config: TeethConfig
) -> tuple[Finding, ...]:
    x, size = read.gaps.x, read.strip.size
    found = []
    locked = measures["turn"] >= config.turned and measures["camera_offset"] <= config.locked
    if locked and statistic >= config.telling_turn:
        gap = float(x[np.argmin(np.abs(x - read.strip.axis))])
        box = read.strip.box(min(gap, read.head) - 3, max(gap, read.head) + 3)
        text = "The teeth face the camera although the head is turned: a gap between them lies on the picture's axis."
        found.append(Finding(text, view.box(box, size)))
    middle = measures["odd_count"] > 0 and measures["midline_offset"] >= config.incisor
    if middle and statistic >= config.telling:
        after = int(np.searchsorted(x, read.head))
        box = read.strip.box(float(x[after - 1]), float(x[after]))
        text = "One front tooth stands in the middle of the face, where two should meet."
        found.append(Finding(text, view.box(box, size)))
    return tuple(found)


def _quality(view: FaceView, read: Reading, config: TeethConfig) -> float:
    """Size, clear gaps, and how far the head's middle and the picture's axis can be told apart."""
    pixels = read.strip.width * view.side / SIDE
    size = np.clip(pixels / (2 * config.mouth), 0.3, 1)
    clear = np.clip(read.gaps.median / 2.0, 0.3, 1)
    apart = np.clip(abs(read.head - read.strip.axis) / config.turned, 0.3, 1)
    return float((size * clear * apart) ** (1 / 3))


def _heat(read: Reading, statistic: float) -> NDArray[np.float32]:
    """(256, 256) over the crop: the tooth or the gap at the head's middle, as strong as the statistic."""
    heat = np.zeros((256, 256), np.float32)
    strength = float(np.clip(statistic / 1.5, 0, 1))
    if strength > 0:
        x0, y0, x1, y1 = (v * 256 / read.strip.size for v in read.strip.box(read.head - 5, read.head + 5))
        centre = (round((x0 + x1) / 2), round((y0 + y1) / 2))
        axes = (max(1, round((x1 - x0) / 2)), max(1, round((y1 - y0) / 2)))
        cv2.ellipse(heat, centre, axes, 0, 0, 360, strength, -1)
        heat = np.asarray(cv2.GaussianBlur(heat, (0, 0), 2.0))
    return heat


CUE = Cue(
    name=NAME,
    title="Teeth",
    meaning=(
        "In a photograph two front teeth meet in the middle of the face, and turn with the head. Older generators drew"
        " teeth at fixed places of the picture, so that a single tooth may stand in the middle, or the teeth face the"
        " camera although the head is turned."
    ),
    innocent=(
        "a missing or crooked tooth",
        "a middle of the teeth that lies beside the middle of the face, as in many people",
        "braces, a gap between the front teeth, or lower teeth only",
        "a mouth that is drawn to one side",
    ),
    needs="An open mouth of at least 56 pixels with upper teeth, and a head turned by less than 30 degrees.",
    source="Karras et al. 2020, figure 6; gates after Matern, Riess, Stamminger 2019; the measure is proposed here",
    look=look,
)
