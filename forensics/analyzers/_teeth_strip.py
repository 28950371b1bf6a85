"""The visible teeth laid out flat: a strip between the lips, and the dark gaps between the teeth in it.

Lengths are millimetres of an adult whose eyes are 62 mm apart; the FFHQ square is the ruler (its side is 264 mm).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..view import FaceView

UPPER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
"""Inner edges of the lips in face-mesh points, from the left of an upright picture to its right."""
CHEEKS = (50, 280, 205, 425, 36, 266)
MIDDLE = (13, 14, 0, 17)
"""Face-mesh points of the lips on the head's plane of symmetry."""
SIDE = 264.0
"""Side of the FFHQ square in mm: its eyes are 0.2344 sides apart."""


@dataclass(frozen=True, slots=True)
class StripConfig:
    """How the strip is cut and read."""

    scale: int = 4
    """Columns a mm, about the native scale at 1,024 px."""
    half: int = 26
    """Half the strip's width in mm."""
    rows: int = 48
    """Rows of the strip."""
    margin: float = 2.5
    """How far in mm the strip reaches beyond the inner edges of the lips, which are known to about that."""
    redness: float = 1.2
    """Weight of a* against lightness where teeth are told from gums and lips."""
    paler: float = 4.0
    """How much less red than the cheeks, in a*, teeth are; lips and gums are redder than the cheeks."""
    least_height: float = 2.0
    """Height in mm between the lips from which a column counts."""
    gap: float = 0.5
    """Standard deviation in mm of the dark line that a gap is matched with."""
    near: float = 0.75
    """How far from bright teeth, in mm, a gap is looked for."""
    least_peak: float = 0.5
    """Darkness of a gap in L*, below which it is texture."""
    least_spacing: float = 2.5
    """Smallest distance in mm of two gaps."""
    faint: float = 0.3
    """A gap this much fainter than the median gap is texture."""
    reach: float = 20.0
    """How far in mm from the middle of the mouth gaps are used: beyond, the arch turns away."""


@dataclass(frozen=True, slots=True)
class Strip:
    """The mouth's inside, columns along the mouth's line, rows from the upper to the lower lip."""

    lab: NDArray[np.float32]
    """(rows, columns, 3) CIE L*a*b*."""
    x: NDArray[np.float64]
    """(columns,) mm along the mouth's line from the middle of the lips, rightwards in the picture."""
    upper: NDArray[np.float64]
    """(columns,) mm from the mouth's line down to the first row."""
    lower: NDArray[np.float64]
    """(columns,) the same for the last row."""
    open: NDArray[np.bool_]
    """(columns,) where the lips are apart."""
    origin: NDArray[np.float64]
    """(2,) middle of the lips in pixels of the crop."""
    along: NDArray[np.float64]
    """(2,) one mm along the mouth's line in pixels of the crop."""
    middle: float
    """Where the head's plane of symmetry meets the lips, in mm along the line."""
    axis: float
    """Where the crop's vertical axis meets the line, in mm: the camera's axis in an aligned picture."""
    width: float
    """Width of the inner mouth in mm."""
    opening: float
    """Largest height between the lips over that width."""
    skin: float
    """a* of the cheeks."""
    size: int
    """Side of the crop in pixels."""

    @property
    def inner(self) -> NDArray[np.bool_]:
        """(rows, columns) between the lips and a margin above and below."""
        return np.broadcast_to(self.open, self.lab.shape[:2])

    @property
    def cell(self) -> NDArray[np.float64]:
        """(columns,) area of one sample in mm²."""
        return np.asarray((self.lower - self.upper) / len(self.lab) * (self.x[1] - self.x[0]))

    def to_crop(self, x: float, y: float) -> NDArray[np.float64]:
        """(2,) a place of the strip in mm as pixels of the crop."""
        down = np.array([-self.along[1], self.along[0]])
        return np.asarray(self.origin + x * self.along + y * down)

    def box(self, x0: float, x1: float) -> tuple[float, float, float, float]:
        """XYXY in the crop around the teeth between two places along the line."""
        chosen = (self.x >= x0) & (self.x <= x1)
        if not chosen.any():
            chosen[len(chosen) // 2] = True
        top, low = float(self.upper[chosen].min()), float(self.lower[chosen].max())
        corners = np.array([self.to_crop(x, y) for x in (x0, x1) for y in (top, low)])
        (left, up), (right, down) = corners.min(0), corners.max(0)
        return float(left), float(up), float(right), float(down)


def cut_strip(view: FaceView, config: StripConfig) -> Strip | None:
    """The strip of a face; None when the mouth's points have fallen together."""
    size = view.size
    points = view.points(size)
    mm = size / SIDE
    line = points[UPPER_LIP[-1]] - points[UPPER_LIP[0]]
    width = float(np.hypot(*line))
    if not np.isfinite(width) or width < mm:
        return None
    along = line / width
    down = np.array([-along[1], along[0]])
    origin = (points[13] + points[14]) / 2
    placed = (points - origin) @ np.stack([along, down], 1) / mm
    x = np.arange(-config.half * config.scale, config.half * config.scale + 1) / config.scale
    upper, lower = (_edge(placed, lip, x) for lip in (UPPER_LIP, LOWER_LIP))
    height = lower - upper
    upper, lower = upper - config.margin, lower + config.margin
    y = upper + (lower - upper) * np.linspace(0, 1, config.rows)[:, None]
    place = origin + (x[None, :, None] * along + y[..., None] * down) * mm
    return Strip(
        lab=_sampled(view.crop(size), place),
        x=x,
        upper=upper,
        lower=lower,
        open=height > config.least_height,
        origin=origin,
        along=along * mm,
        middle=float(placed[list(MIDDLE), 0].mean()),
        axis=float(((size - 1) / 2 - origin[0]) / mm / max(along[0], 0.1)),
        width=width / mm,
        opening=float(height.max()) / (width / mm),
        skin=_redness(view.crop(size), points[list(CHEEKS)], mm),
        size=size,
    )


def _edge(placed: NDArray[np.float64], lip: tuple[int, ...], x: NDArray[np.float64]) -> NDArray[np.float64]:
    order = np.argsort(placed[list(lip), 0], kind="stable")
    edge = placed[list(lip)][order]
    return np.interp(x, edge[:, 0], edge[:, 1])


def _sampled(crop: NDArray[np.uint8], place: NDArray[np.float64]) -> NDArray[np.float32]:
    where = place.astype(np.float32)
    rgb = cv2.remap(
        crop, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB))


def _redness(crop: NDArray[np.uint8], places: NDArray[np.float64], mm: float) -> float:
    """Median a* of small squares of the crop."""
    grid = np.arange(-1.5, 1.51, 0.5) * mm
    offsets = np.stack(np.meshgrid(grid, grid), -1).reshape(1, -1, 2)
    return float(np.median(_sampled(crop, places[:, None] + offsets)[..., 1]))


def tooth_mask(strip: Strip, config: StripConfig) -> tuple[NDArray[np.bool_], float]:
    """(rows, columns) of teeth by Otsu's threshold of lightness less redness, and the classes' distance in L*."""
    whiteness = strip.lab[..., 0] - config.redness * strip.lab[..., 1]
    inner = strip.inner
    values = whiteness[inner]
    if values.size < 50:
        return np.zeros_like(inner), 0.0
    coded = np.clip(values * 2 + 60, 0, 255).astype(np.uint8)
    threshold = (cv2.threshold(coded[None], 0, 255, cv2.THRESH_OTSU)[0] - 60) / 2
    bright = values > threshold
    if bright.all() or not bright.any():
        return np.zeros_like(inner), 0.0
    teeth = inner & (whiteness > threshold) & (strip.lab[..., 1] < strip.skin - config.paler)
    return teeth, float(values[bright].mean() - values[~bright].mean())


def darkness(strip: Strip, teeth: NDArray[np.bool_], sigma: float, near: float) -> NDArray[np.float64]:
    """(columns,) how much darker a column is than its sides, in L*, averaged down the teeth; `sigma` in columns."""
    light = strip.lab[..., 0].astype(np.float64)
    from scipy.ndimage import gaussian_filter1d  # late: it takes a fifth of a second to load

    curve = gaussian_filter1d(light, sigma, axis=1, order=2) * sigma * sigma
    weight = cv2.GaussianBlur(teeth.astype(np.float32), (0, 0), near) * strip.inner
    return np.asarray((curve * weight).sum(0) / np.maximum(weight.sum(0), 3.0))


@dataclass(frozen=True, slots=True)
class Gaps:
    """Dark lines between teeth."""

    x: NDArray[np.float64]
    """(N,) mm along the mouth's line, ascending."""
    median: float
    """Darkness of the median gap in L*; 0 without gaps."""


def find_gaps(profile: NDArray[np.float64], strip: Strip, config: StripConfig) -> Gaps:
    """The peaks of the darkness profile, to a fraction of a column."""
    from scipy.signal import find_peaks  # late: it takes half a second to load

    peaks, _ = find_peaks(
        profile,
        height=config.least_peak,
        prominence=config.least_peak,
        distance=max(1, round(config.least_spacing * config.scale)),
    )
    peaks = peaks[np.abs(strip.x[peaks] - strip.middle) < config.reach]
    if len(peaks) == 0:
        return Gaps(np.zeros(0), 0.0)
    peaks = peaks[profile[peaks] > config.faint * np.median(profile[peaks])]
    before, at, after = profile[peaks - 1], profile[peaks], profile[peaks + 1]
    bend = before - 2 * at + after
    shift = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1), 0)
    return Gaps(strip.x[peaks] + shift / config.scale, float(np.median(at)))
