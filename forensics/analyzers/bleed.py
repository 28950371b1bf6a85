"""Fluorescent bleed: colour of the background inside the hair, and hair that glints in hues it has no pigment for.

Proposed here. Where hair is thin, light and colour of the background come through in one and the same share (a
matte); a generator that mixes features mixes the colour alone, and deeper than the matte is wide. And the colour of
hair under one light varies along one line, from shade to highlight: melanin has no second hue. Progressive GAN's
hair glints in several.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..records import Abstention, Evidence, Finding, Region
from ..view import FaceView
from .cue import Cue

Field = NDArray[np.float32]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
NAME = "bleed"
SIZE = 512
INNOCENT = (
    "dyed or highlighted hair",
    "coloured light from the side or from behind",
    "colour fringes of the lens",
    "a colourful hair band, scarf or second person at the edge",
)
HEAD = (
    *(Region.SKIN, Region.NOSE, Region.GLASSES, Region.LEFT_EYE, Region.RIGHT_EYE, Region.LEFT_BROW),
    *(Region.RIGHT_BROW, Region.LEFT_EAR, Region.RIGHT_EAR, Region.MOUTH, Region.UPPER_LIP),
    *(Region.LOWER_LIP, Region.HAIR, Region.NECK, Region.EARRING),
)


@dataclass(frozen=True, slots=True)
class BleedConfig:
    """How deep the edge is read and when the cue gives up; lengths in pixels of a 512-px crop."""

    least_side: float = 200.0
    """Smallest native side of the face's square."""
    least_detail: float = 150.0
    """Smallest side times sharpness; below, the matte is as wide as the band."""
    most_compression: float = 4.0
    """Largest blockiness: above, chroma is a patchwork."""
    least_hair: int = 3000
    """Least number of hair pixels away from the hair's edge."""
    least_confidence: float = 0.5
    """Least confidence of the hair region."""
    blur: float = 1.5
    """Least standard deviation before colours are read."""
    chroma: float = 1.2
    """The same in pixels of the picture: halved chroma (4:2:0) is two pixels wide."""
    local: int = 41
    """Side of the window whose mean is the hair's own colour at a place."""
    inset: int = 4
    """How far from its edge hair is read for its hues."""
    band: tuple[int, int] = (-11, -5)
    """Depths of the band inside the edge, beyond matte and chroma subsampling."""
    core: tuple[int, int] = (-34, -16)
    """Depths of the hair or skin that the band is compared with."""
    ground: tuple[int, int] = (8, 22)
    """Heights of the background outside the edge."""
    contrast: float = 12.0
    """Least distance of background and core in a*b*: below, bleed has no colour to show."""
    run: float = 6.0
    """Standard deviation, in samples of 3 pixels along the edge, over which bleed must hold on."""
    spared: float = 0.5
    """Excess that hair, light and the mask's errors reach in camera photographs."""
    weights: tuple[float, float] = (3.0, 6.0)
    """Of the logarithm of the hue spread and of the excess above `spared`."""
    least_spread: float = 0.3
    """Hue spread below which less says no more."""
    usual_spread: float = 0.42
    """Hue spread of half of all camera photographs."""
    finding_spread: float = 0.72
    """Hue spread that is worth a look."""
    finding_excess: float = 0.1
    """Excess above `spared` that is worth a look."""
    most_shift: float = 2.0
    """Largest shift of red against blue towards the corners: above, the lens makes the fringes."""
    grey: float = 2.5
    """Mean chroma below which a picture is black and white."""


@dataclass(frozen=True, slots=True)
class Hues:
    """The hair's own variation in colour."""

    spread: float
    """Second over first axis of the hair's chroma around its local mean, lightness taken out, 0 to 1."""
    off: Field
    """(512, 512) distance from the first axis, in a*b* units; 0 outside the hair."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The head's edge against the background: (n,) points and what is read across each."""

    x: Floats
    y: Floats
    excess: Floats
    """Share of the background's colour in the band beyond its share of lightness, run along the edge; 0 unread."""
    glow: Floats
    """Chroma of the band above both sides, in a*b* units, at least 0."""

    @property
    def strongest(self) -> float:
        """The excess that three hundredths of the edge pass; 0 without an edge."""
        return float(np.quantile(self.excess, 0.97)) if len(self.excess) else 0.0


def head_mask(view: FaceView) -> NDArray[np.uint8]:
    """(512, 512) the largest connected part of hair, face and neck, smoothed."""
    labels = view.labels(SIZE)
    mask = (np.isin(labels, [int(r) for r in HEAD]) | (view.hair(SIZE) > 0.5)).astype(np.uint8)
    kernel = np.ones((7, 7), np.uint8)
    mask = cv2.morphologyEx(cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel), cv2.MORPH_CLOSE, kernel).astype(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count > 2:
        mask = (parts == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    return mask


def inner_hair(view: FaceView, config: BleedConfig) -> Mask:
    """(512, 512) hair away from its edge."""
    hair = ((view.labels(SIZE) == Region.HAIR) & view.valid(SIZE)).astype(np.uint8)
    side = 2 * config.inset + 1
    return np.asarray(cv2.erode(hair, np.ones((side, side), np.uint8), borderValue=0) > 0)


def hair_hues(lab: Field, hair: Mask, config: BleedConfig) -> Hues:
    """The hair's chroma around its local mean, without what follows lightness."""
    weight = hair.astype(np.float32)
    window = (config.local, config.local)
    total = cv2.blur(weight, window) + np.float32(1e-3)
    local = cv2.blur(lab * weight[..., None], window) / total[..., None]
    rest = (lab - local)[hair]
    light, chroma = rest[:, :1], rest[:, 1:]
    chroma = chroma - light * ((chroma * light).sum(0) / ((light * light).sum() + 1))
    values, vectors = np.linalg.eigh(np.cov(chroma.T))
    spread = float(np.sqrt(max(values[0], 0) / (values[1] + 0.5)))
    off = np.zeros(hair.shape, np.float32)
    off[hair] = np.abs(chroma @ vectors[:, 0])
    return Hues(spread, off)


def read_edge(view: FaceView, lab: Field, config: BleedConfig) -> Edge:
    """The head's edge, read along its normals where background lies outside and hair or skin inside."""
    x, y, nx, ny = _contour(head_mask(view))
    depth = np.arange(config.core[0], config.ground[1] + 1)
    px, py = x[:, None] + depth * nx[:, None], y[:, None] + depth * ny[:, None]
    within = ((px > 1) & (px < SIZE - 2) & (py > 1) & (py < SIZE - 2)).all(1)
    column, row = (np.clip(np.round(p), 0, SIZE - 1).astype(int) for p in (px, py))
    labels, valid = view.labels(SIZE)[row, column], view.valid(SIZE)[row, column].all(1)
    outside, inside = depth >= config.ground[0], depth <= config.band[1]
    ground = (labels[:, outside] == Region.BACKGROUND).mean(1) > 0.9
    flesh = np.isin(labels[:, inside], [Region.SKIN, Region.HAIR, Region.NECK]).mean(1) > 0.9
    read = within & valid & ground & flesh
    colours = lab[row, column]
    band, core, beyond = (_middle(colours, depth, span) for span in (config.band, config.core, config.ground))
    excess, glow = _excess(band, core, beyond, config)
    run = _smoothed(np.where(read, excess, 0.0), config.run) if len(x) else excess
    return Edge(x, y, np.where(read, run, 0.0), np.where(read, glow, 0.0))


def _contour(mask: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats, Floats]:
    """(n,) points every 3 pixels of the mask's outline, smoothed, and the outward normals there."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return (np.zeros(0),) * 4
    points = max(outlines, key=len)[:, 0].astype(np.float64)
    if len(points) < 30:
        return (np.zeros(0),) * 4
    smooth = _smoothed(points, 4)
    along = (np.roll(smooth, -1, 0) - np.roll(smooth, 1, 0)) / 2
    along /= np.hypot(*along.T)[:, None] + 1e-6
    area = float((smooth[:, 0] * along[:, 1] - smooth[:, 1] * along[:, 0]).sum())
    outward = np.stack([along[:, 1], -along[:, 0]], 1) * np.sign(area)
    smooth, outward = smooth[::3], outward[::3]
    return smooth[:, 0], smooth[:, 1], outward[:, 0], outward[:, 1]


def _smoothed(values: Floats, sigma: float) -> Floats:
    """(n, …) a closed line's values, blurred along it."""
    from scipy.ndimage import gaussian_filter1d  # late: it takes a fifth of a second to load

    return np.asarray(gaussian_filter1d(values, sigma, axis=0, mode="wrap"))


def _middle(colours: Field, depth: NDArray[np.int_], span: tuple[int, int]) -> Floats:
    chosen = (depth >= span[0]) & (depth <= span[1])
    return np.asarray(np.median(colours[:, chosen], 1), np.float64)


def _excess(band: Floats, core: Floats, ground: Floats, config: BleedConfig) -> tuple[Floats, Floats]:
    """(n,) share of the background's colour less its share of lightness, and the band's chroma above both sides.

    t = <band - core, ground - core> / |ground - core|^2 in a*b*: 0 for the core's colour, 1 for the background's.
    """
    step, moved = ground - core, band - core
    apart = np.hypot(step[:, 1], step[:, 2])
    colour = (moved[:, 1:] * step[:, 1:]).sum(1) / np.maximum(apart**2, 1)
    light = moved[:, 0] * step[:, 0] / (step[:, 0] ** 2 + 100)
    share = np.clip(colour - np.maximum(light, 0), 0, 1.5)
    chroma = [np.hypot(part[:, 1], part[:, 2]) for part in (band, core, ground)]
    glow = np.maximum(chroma[0] - np.maximum(chroma[1], chroma[2]), 0)
    return np.where(apart > config.contrast, share, 0.0), glow


def lens_shift(crop: NDArray[np.uint8]) -> float:
    """Shift of red against blue at the crop's corners, in its pixels, as a lens with lateral colour error makes it."""
    small = cv2.resize(crop, (SIZE // 2, SIZE // 2), interpolation=cv2.INTER_AREA).astype(np.float32)
    fine = small - cv2.GaussianBlur(small, (0, 0), 4)
    y, x = (np.mgrid[: SIZE // 2, : SIZE // 2] - SIZE / 4).astype(np.float32)
    slope = cv2.Sobel(fine[..., 1], cv2.CV_32F, 1, 0, scale=1 / 8) * x
    slope += cv2.Sobel(fine[..., 1], cv2.CV_32F, 0, 1, scale=1 / 8) * y
    rate = ((fine[..., 0] - fine[..., 2]) * slope).sum() / ((slope * slope).sum() + 1)
    return float(abs(rate)) * SIZE * 2**-0.5


def look(view: FaceView, config: BleedConfig = BleedConfig()) -> Evidence | Abstention:
    """Hues that the hair has no pigment for, and background colour inside the head's edge beyond the matte."""
    reason = _gate(view, config)
    if reason:
        return Abstention(NAME, reason)
    hair = inner_hair(view, config)
    if hair.sum() < config.least_hair:
        return Abstention(NAME, "Too little hair is seen to judge its colours.")
    lab = view.lab(SIZE)
    if float(np.hypot(lab[..., 1], lab[..., 2]).mean()) < config.grey:
        return Abstention(NAME, "The picture is black and white.")
    shift = lens_shift(view.crop(SIZE))
    if shift > config.most_shift:
        return Abstention(NAME, "The lens left colour fringes everywhere, which look like bleed.")
    blur = max(config.blur, config.chroma * SIZE / view.side)
    lab = cv2.GaussianBlur(lab, (0, 0), blur).astype(np.float32, copy=False)
    hues, edge = hair_hues(lab, hair, config), read_edge(view, lab, config)
    above = max(edge.strongest - config.spared, 0.0)
    hue = np.log(max(hues.spread, config.least_spread) / config.usual_spread)
    statistic = config.weights[0] * hue + config.weights[1] * above
    glow = float(edge.glow.mean()) if len(edge.glow) else 0.0
    return Evidence(
        NAME,
        float(statistic),
        None,
        _findings(view, hues, edge, config),
        quality=float(np.clip((view.detail - 100) / 400, 0.1, 1) / (1 + max(shift - 0.5, 0))),
        heatmap=view.heat(_heat(hues, edge, config)),
        measures={"hue_spread": hues.spread, "excess": edge.strongest, "glow": glow, "lens_shift": shift},
        innocent=INNOCENT,
    )


def _gate(view: FaceView, config: BleedConfig) -> str | None:
    if view.side < config.least_side:
        return "The face is too small in the picture: colours at its edge run together."
    if view.detail < config.least_detail:
        return "The picture is too soft: colours at the head's edge run together."
    if view.face.quality.compression > config.most_compression:
        return "The JPEG compression is too strong for colours to be trusted."
    if view.regions.confidence.get(Region.HAIR, 0.0) < config.least_confidence:
        return "The hair could not be told from its surroundings with certainty."
    return None


def _findings(view: FaceView, hues: Hues, edge: Edge, config: BleedConfig) -> tuple[Finding, ...]:
    """Where the background's colour runs into the head, and where the hair glints most."""
    found = []
    if edge.strongest - config.spared > config.finding_excess:
        top = int(np.argmax(edge.excess))
        near = np.hypot(edge.x - edge.x[top], edge.y - edge.y[top]) < 40
        points = near & (edge.excess > config.spared)
        text = "The background's colour runs into the head here, deeper than hair lets it through."
        found.append(Finding(text, view.box(_around(edge.x[points], edge.y[points], 12), SIZE)))
    if hues.spread > config.finding_spread:
        smooth = cv2.blur(hues.off, (31, 31))
        y, x = np.unravel_index(int(np.argmax(smooth)), smooth.shape)
        box = _around(np.array([x], float), np.array([y], float), 24)
        text = "The hair glints in several colours at once, which one hair colour under one light does not do."
        found.append(Finding(text, view.box(box, SIZE)))
    return tuple(found)


def _around(x: Floats, y: Floats, margin: float) -> tuple[float, float, float, float]:
    low, high = (x.min() - margin, y.min() - margin), (x.max() + margin, y.max() + margin)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _heat(hues: Hues, edge: Edge, config: BleedConfig) -> Field:
    """(512, 512) the hair's off-hue glints, and the edge where its excess is large."""
    scale = max(3.0 * (config.finding_spread / max(hues.spread, 0.05)) ** 2, 1.0)
    heat = cv2.blur(np.minimum(hues.off / np.float32(2 * scale), 1).astype(np.float32), (9, 9))
    for x, y, excess in zip(edge.x, edge.y, edge.excess, strict=True):
        if excess > config.spared:
            value = float(np.clip((excess - config.spared) / (2 * config.finding_excess), 0, 1))
            cv2.circle(heat, (round(x), round(y)), 9, value, -1)
    return np.asarray(cv2.GaussianBlur(heat, (0, 0), 2.0), np.float32)


CUE = Cue(
    name=NAME,
    title="Fluorescent bleed",
    meaning=(
        "Colour of the background that seems to glow inside the hair or the face's edge, and hair that glints in "
        "pink, green or blue. A generator mixes the features of neighbouring places; in a photograph the background "
        "shines through thin hair with its light and its colour alike, and only at the very edge."
    ),
    innocent=INNOCENT,
    needs="A colour picture with hair in it, at least 200 pixels of face, not too soft or strongly compressed.",
    source="Proposed here",
    look=look,
)
