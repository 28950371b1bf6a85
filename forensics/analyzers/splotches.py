"""Water splotches: the droplets that StyleGAN's first version leaves, mostly where hair meets the background.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (arXiv 1912.04958, section 2): the
instance normalisation of AdaIN makes the generator carry a signal's magnitude past it in a local spike, seen from
64x64 upward. In the picture the spike is an oval of about 40 to 70 pixels of 1,024 with several closed outlines of
a colour of their own, whatever lies on either side of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from ..records import Abstention, Evidence, Finding, Region
from ..view import FaceView
from ._ovals import (
    Field,
    Floats,
    OvalConfig,
    Ovals,
    find_ovals,
    line_field,
    low,
    refined,
    sample,
    support,
)
from .cue import Cue

NAME = "splotches"
SIZE = 512
INNOCENT = (
    "an earring, bead, button or water drop near the hair",
    "an out-of-focus light behind the head",
    "a loop of hair or a ringlet",
    "printed letters or a pattern close to the head",
)
HEAD = (Region.SKIN, Region.NOSE, Region.LEFT_EAR, Region.RIGHT_EAR, Region.NECK, Region.HAIR)
ROUND_BY_NATURE = (
    Region.GLASSES,
    Region.LEFT_EYE,
    Region.RIGHT_EYE,
    Region.LEFT_BROW,
    Region.RIGHT_BROW,
    Region.LEFT_EAR,
    Region.RIGHT_EAR,
    Region.MOUTH,
    Region.UPPER_LIP,
    Region.LOWER_LIP,
    Region.NOSE,
    Region.HAT,
    Region.EARRING,
    Region.NECKLACE,
    Region.CLOTH,
)


@dataclass(frozen=True, slots=True)
class SplotchConfig:
    """Where droplets are looked for and how their parts are weighed; lengths in pixels of a 512-px crop."""

    ovals: OvalConfig = field(default_factory=OvalConfig)
    """Sizes and shapes."""
    least_side: float = 200.0
    """Smallest native side of the face's square; below, the outlines of a droplet are under a pixel wide."""
    least_detail: float = 130.0
    """Smallest side times sharpness, for the same reason."""
    most_compression: float = 4.0
    """Largest blockiness: above, the JPEG grid draws outlines of its own."""
    beside: float = 26.0
    """How far outside the head a centre may lie."""
    apart: float = 4.0
    """How far from parts that are round by nature a centre must lie."""
    least_area: float = 0.05
    """Least share of the square in which centres may lie."""
    seen: float = 0.55
    """Least share of an outline that must lie inside the picture."""
    weights: tuple[float, float, float, float, float, float] = (1.5, 16.0, 8.0, -2.0, -5.0, -2.3)
    """Of closure, second outline, coherence, and the logarithms of texture around, aspect and contrast.

    From a logistic fit of 25 droplets, marked by eye in StyleGAN1 training pictures at 1,024 px, against the
    ovals of 105 photographs of the same format; rounded."""
    offset: float = 1.5
    """Added to the score, so that the best oval of half of all camera photographs lies below 0."""
    finding: float = 3.5
    """Least score of an oval that is worth a look."""
    floor: float = -3.0
    """Score of a picture without any oval."""


@dataclass(frozen=True, slots=True)
class OvalMeasures:
    """What is measured on each oval, (n,) each."""

    closure: Floats
    """Sum over offsets of how well lines follow three quarters of the outline or more, 0 upward."""
    second: Floats
    """The same for the best outline at least 2.5 pixels inside or outside the first, -1 to 1."""
    coherence: Floats
    """How far the outline's colour against both sides is the same all round, 0 to 1."""
    around: Floats
    """Mean gradient around the oval, in Lab units a pixel."""
    aspect: Floats
    """Long axis over short axis."""
    contrast: Floats
    """Largest mean colour difference of the outline to both sides, in Lab units: a droplet's is faint."""
    seen: Floats
    """Share of the outline inside the picture."""

    def score(self, config: SplotchConfig) -> Floats:
        """How much each oval looks like a droplet, in log-odds-like units."""
        logs = [np.log(part + 0.3) for part in (self.around, self.aspect, self.contrast)]
        parts = np.stack([self.closure, self.second, self.coherence, *logs])
        return np.asarray(np.tensordot(np.array(config.weights), parts, 1) + config.offset)


PARTS = tuple(f.name for f in fields(OvalMeasures))


def allowed_centres(view: FaceView, config: SplotchConfig) -> NDArray[np.bool_]:
    """(512, 512) skin, hair and a band around the head, without parts that are round by nature."""
    labels = view.labels(SIZE)
    head = (np.isin(labels, [int(r) for r in HEAD]) | (view.hair(SIZE) > 0.5)).astype(np.uint8)
    head = cv2.morphologyEx(head, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8)).astype(np.uint8)
    head = _largest(head)
    near = cv2.distanceTransform(1 - head, cv2.DIST_L2, 3) < config.beside
    natural = np.isin(labels, [int(r) for r in ROUND_BY_NATURE]).astype(np.uint8)
    clear = cv2.distanceTransform(1 - natural, cv2.DIST_L2, 3) > config.apart
    # A droplet cut by the picture's edge still shows half: its centre may lie on the edge.
    photographed = cv2.dilate(view.valid(SIZE).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return np.asarray(near & clear & photographed, bool)


def _largest(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The largest connected part of a mask, so that a second person's hair is left out."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count <= 2:
        return mask
    return (parts == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)


def measure(
    lab: Field, field: Field, photographed: NDArray[np.bool_], ovals: Ovals
) -> OvalMeasures:
    """Measures of ovals, from (S, S, 3) Lab, the (S, S, 2) line field and the mask of photographed pixels."""
    visible = sample(photographed.astype(np.float32), *ovals.outline()[:2]) > 0.99
    offsets = np.arange(-7.0, 8.01, 0.5)
    follow = np.stack([low(support(field, ovals, o), visible, 0.25) for o in offsets], 1)
    # Inside the oval's own centre an outline has no room.
    room = offsets[None] >= 2.5 - np.minimum(ovals.a, ovals.b)[:, None]
    follow = np.where(room, follow, -0.3)
    first = np.where(np.abs(offsets) <= 2, follow, -9).argmax(1)
    far = np.abs(offsets[None] - offsets[first][:, None]) >= 2.5
    coherence, contrast = _colour(lab, ovals, visible, offsets)
    return OvalMeasures(
        closure=np.maximum(follow, 0).sum(1),
        second=np.where(far, follow, -0.3).max(1),
        coherence=coherence,
        around=_around(lab, ovals),
        aspect=np.maximum(ovals.a / ovals.b, ovals.b / ovals.a),
        contrast=contrast,
        seen=visible.mean(1),
    )


def _colour(
    lab: Field, ovals: Ovals, visible: NDArray[np.bool_], offsets: Floats
) -> tuple[Floats, Floats]:
    """(n,) coherence and contrast of the outline's colour against both sides, each the largest over the offsets."""
    x, y, nx, ny = ovals.outline()
    along = np.stack([sample(lab, x + o * nx, y + o * ny) for o in offsets], 2)
    bend = along[:, :, 4:-4] - (along[:, :, :-8] + along[:, :, 8:]) / 2
    weight = (visible / np.maximum(visible.sum(1, keepdims=True), 1))[:, :, None, None]
    mean, square = (bend * weight).sum(1), (bend**2 * weight).sum(1)
    # The hue, not the lightness, sets a droplet's outline apart from loops of hair and creases of skin.
    coherence = (mean[..., 1:] ** 2).sum(2) / (square[..., 1:].sum(2) + 0.3)
    return coherence.max(1), np.sqrt((mean**2).sum(2)).max(1)


def _around(lab: Field, ovals: Ovals) -> Floats:
    """(n,) mean gradient, in Lab units a pixel, between 1.4 and 2.2 radii."""
    x, y, *_ = ovals.outline()
    scales = np.array([1.4, 1.6, 1.8, 2.0, 2.2])
    px = ovals.x[:, None, None] + (x - ovals.x[:, None])[..., None] * scales
    py = ovals.y[:, None, None] + (y - ovals.y[:, None])[..., None] * scales
    shape = (len(px), -1)
    px, py = px.reshape(shape), py.reshape(shape)
    dx = sample(lab, px + 1, py) - sample(lab, px - 1, py)
    dy = sample(lab, px, py + 1) - sample(lab, px, py - 1)
    return np.asarray(np.sqrt(((dx**2).sum(2) + (dy**2).sum(2)) / 4).mean(1), np.float64)


def find_splotches(
    view: FaceView, allowed: NDArray[np.bool_], config: SplotchConfig
) -> tuple[Ovals, OvalMeasures]:
    """Ovals with centres in the (512, 512) mask, at least one, with their measures; pixels of the 512-px crop."""
    lab = view.lab(SIZE)
    field = line_field(lab, config.ovals)
    ovals, _ = find_ovals(field, allowed, config.ovals)
    field = cv2.GaussianBlur(field, (0, 0), 0.8).astype(np.float32, copy=False)
    ovals = refined(field, ovals, config.ovals)
    return ovals, measure(lab, field, view.valid(SIZE), ovals)


def look(view: FaceView, config: SplotchConfig = SplotchConfig()) -> Evidence | Abstention:
    """Droplet-like ovals on skin, hair and the head's edge; the statistic is the best one's score."""
    reason = _gate(view, config)
    if reason:
        return Abstention(NAME, reason)
    allowed = allowed_centres(view, config)
    if allowed.mean() < config.least_area:
        return Abstention(NAME, "No hair or skin was found on which a splotch could be looked for.")
    ovals, measures = find_splotches(view, allowed, config)
    score = np.where(measures.seen >= config.seen, measures.score(config), config.floor)
    order = np.argsort(-score, kind="stable")
    best = int(order[0])
    parts = {name: float(getattr(measures, name)[best]) for name in PARTS}
    return Evidence(
        NAME,
        max(float(score[best]), config.floor),
        None,
        _findings(view, ovals, score, order, config),
        quality=float(np.clip((view.detail - 100) / 500, 0.1, 1)),
        heatmap=view.heat(_heat(ovals, score, config)),
        measures=parts,
        innocent=INNOCENT,
    )


def _gate(view: FaceView, config: SplotchConfig) -> str | None:
    if view.side < config.least_side:
        return "The face is too small in the picture for the outlines of a splotch to be seen."
    if view.detail < config.least_detail:
        return "The picture is too soft for the outlines of a splotch to be seen."
    if view.face.quality.compression > config.most_compression:
        return "The JPEG compression is too strong: its blocks look like outlines."
    if view.valid(SIZE).mean() < 0.4:
        return "Too little of the head is inside the picture."
    return None


def _findings(
    view: FaceView, ovals: Ovals, score: Floats, order: NDArray[np.int_], config: SplotchConfig
) -> tuple[Finding, ...]:
    """The best two ovals that pass the threshold and do not overlap."""
    kept: list[int] = []
    for i in map(int, order[:10]):
        apart = all(np.hypot(ovals.x[i] - ovals.x[j], ovals.y[i] - ovals.y[j]) > 30 for j in kept)
        if score[i] >= config.finding and apart and len(kept) < 2:
            kept.append(i)
    text = "A small oval blot with an outline of its own, like a water drop on the picture, lies here."
    return tuple(Finding(text, view.box(_box(ovals, i), SIZE)) for i in kept)


def _box(ovals: Ovals, i: int) -> tuple[float, float, float, float]:
    a, b, t = ovals.a[i] + 4, ovals.b[i] + 4, ovals.angle[i]
    half_x, half_y = np.hypot(a * np.cos(t), b * np.sin(t)), np.hypot(a * np.sin(t), b * np.cos(t))
    x, y = ovals.x[i], ovals.y[i]
    return float(x - half_x), float(y - half_y), float(x + half_x), float(y + half_y)


def _heat(ovals: Ovals, score: Floats, config: SplotchConfig) -> Field:
    """(512, 512) each oval filled with its score, 1 at twice the threshold of a finding."""
    heat = np.zeros((SIZE, SIZE), np.float32)
    for i in np.argsort(score, kind="stable"):
        value = float(np.clip(score[i] / (2 * config.finding), 0, 1))
        if value > 0:
            axes = (float(2 * ovals.a[i]), float(2 * ovals.b[i]))
            box = ((float(ovals.x[i]), float(ovals.y[i])), axes, float(np.degrees(ovals.angle[i])))
            cv2.ellipse(heat, box, value, -1)
    return np.asarray(cv2.GaussianBlur(heat, (0, 0), 2.0), np.float32)


CUE = Cue(
    name=NAME,
    title="Water splotches",
    meaning=(
        "Small oval blots that look like drops of water on the picture, with a shine and an outline of their own, "
        "often where the hair meets the background. The first StyleGAN leaves them because its normalisation "
        "makes it hide a spike somewhere in the picture. Later versions do not."
    ),
    innocent=INNOCENT,
    needs="A face at least 200 pixels wide with its hair, not too soft and not too strongly compressed.",
    source="Karras et al. 2020, Analyzing and Improving the Image Quality of StyleGAN (arXiv 1912.04958)",
    look=look,
)
