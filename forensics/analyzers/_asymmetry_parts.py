"""What can differ between the two halves of a face: glasses, earrings, beard and collar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from ..records import Finding, Region
from ._asymmetry_halves import CHEEKS, COLLAR, GLASSES, JAW, LOBES, PER_UNIT, SIDES, Halves, Zone
from ._eyes_highlights import HighlightConfig, best_shift, moved

Patches = tuple[NDArray[np.float32], NDArray[np.float32]]
SHIFTS = HighlightConfig(across=8, down=6)
"""How far patches are moved to lie over each other: the mesh is a few pixels off, and no face is quite symmetric."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From what difference on it counts, and where it is worth a look."""

    typical: float
    """Most photographs stay below."""
    alarm: float
    """Hardly any photograph passes."""

    def score(self, value: float) -> float:
        """0 up to the typical difference, 1 at the alarming one, 2 at most."""
        return float(np.clip((value - self.typical) / (self.alarm - self.typical), 0.0, 2.0))


@dataclass(frozen=True, slots=True)
class PartsConfig:
    """Gates and scales of the parts; colours in CIE L*a*b*, patches have 96 px to an interocular distance."""

    lens: float = 0.7
    """Least share of each eye's surroundings that is labelled glasses: both eyes lie behind a lens."""
    sure: float = 0.6
    """Least confidence of the regions network in glasses."""
    band: int = 9
    """Pixels of a patch to both sides of the lenses' outline in which a rim lies; reflections lie within."""
    rim_colour: Scale = field(default=Scale(7.0, 22.0))
    """a*b* distance of the two rims, less that of the cheeks."""
    rim_shape: Scale = field(default=Scale(0.45, 0.8))
    """Share of the rims' area that has no counterpart within `slack` pixels."""
    rim_width: Scale = field(default=Scale(0.7, 1.4))
    """Log ratio of the rims' areas."""
    slack: int = 4
    """Pixels of a patch by which mirrored rims may miss each other."""
    earring: int = 40
    """Pixels of a patch from which a label is an earring; twice as many before the other one is missed."""
    trust: float = 0.6
    """Least confidence of the regions network in its earrings."""
    covered: float = 0.45
    """Share of hair, hat or background about a lobe from which an earring may be hidden."""
    turned: float = 8.0
    """Yaw in degrees from which a far earring may be hidden by the head."""
    earring_colour: Scale = field(default=Scale(18.0, 45.0))
    """L*a*b* distance of the two earrings."""
    earring_size: Scale = field(default=Scale(1.3, 2.2))
    """Log ratio of their areas."""
    beard: float = 9.0
    """L* by which a jaw must be darker than the cheeks to be bearded."""
    beard_density: Scale = field(default=Scale(0.9, 1.5))
    """Log ratio of the contrast of the hairs."""
    side_light: float = 10.0
    """L* between the cheeks from which shadow may pass for a beard."""
    strands: float = 0.1
    """Share of hair in a pixel from which it may be a strand from the head."""
    cloth: float = 0.15
    """Least share of each patch that is labelled cloth."""
    collar_edges: Scale = field(default=Scale(0.4, 0.8))
    """Share of the edges' strength that changes its direction in the mirror."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing compared."""

    name: str
    """eyes, gaze, glasses, earrings, beard, collar."""
    score: float
    """0 as in most photographs, 1 worth a look, 2 at most."""
    measures: Mapping[str, float]
    """What the score was made of."""
    zone: Zone | None = None
    """Where the maps lie; None when the part draws for itself."""
    maps: Patches | None = None
    """Differences in both patches, 0 to 1."""
    finding: Finding | None = None
    """What to look at, when the score reaches 1."""
    marks: tuple[tuple[float, float, float], ...] = field(default=())
    """Discs (x, y, radius) in the crop to shade instead of maps."""


def glasses(halves: Halves, config: PartsConfig) -> Part | None:
    """Colour, width and mirrored shape of the rims; None without glasses.

    Rims are ridges, darker or lighter than both sides, within the label and outside the eye.
    """
    labels, eye = halves.labels(GLASSES), _eye_zone()
    worn = [label == Region.GLASSES for label in labels]
    sure = halves.view.regions.confidence.get(Region.GLASSES, 0.0)
    if sure < config.sure or min(float(mask[eye].mean()) for mask in worn) < config.lens:
        return None
    patches = halves.cut(halves.view.lab(halves.size), GLASSES)
    where = (_outline(worn[0], config.band) | _outline(worn[1], config.band)) & ~eye
    ridges = [ridge(patch[..., 0]) for patch in patches]
    level = max(6.0, 0.4 * max(float(np.percentile(np.abs(r[where]), 95)) for r in ridges))
    _, (x, y) = best_shift(ridges, (where, where), SHIFTS, 300)
    rims = [(np.abs(r) > level) & where for r in ridges]
    if max(int(rim.sum()) for rim in rims) < 60:
        return None
    alone = (_without(rims[0], moved(rims[1], x, y), config), _without(rims[1], moved(rims[0], -x, -y), config))
    measures = {
        "glasses_shape": float(sum(a.sum() for a in alone) / max(sum(r.sum() for r in rims), 1)),
        "glasses_width": _log_ratio(rims[0].sum(), rims[1].sum(), 40),
        "glasses_colour": _rim_colour(halves, patches, rims),
    }
    scores = {
        "glasses_shape": config.rim_shape.score(measures["glasses_shape"]),
        "glasses_width": config.rim_width.score(measures["glasses_width"]),
        "glasses_colour": config.rim_colour.score(measures["glasses_colour"]),
    }
    worst = max(scores, key=lambda name: scores[name])
    shown = rims if worst == "glasses_colour" else alone
    side = int(np.argmax([mask.sum() for mask in shown]))
    text = {
        "glasses_shape": "The rims of the glasses do not mirror each other: part of one has no counterpart.",
        "glasses_width": f"The rim of the glasses is much heavier on the person's {SIDES[side]} side.",
        "glasses_colour": "The rims of the glasses differ in colour from one side to the other.",
    }[worst]
    finding = Finding(text, halves.box(GLASSES, side, shown[side])) if scores[worst] >= 1 else None
    maps = (shown[0].astype(np.float32), shown[1].astype(np.float32))
    return Part("glasses", scores[worst], measures, GLASSES, maps, finding)


def ridge(light: NDArray[np.float32], radius: int = 4) -> NDArray[np.float32]:
    """L* by which lines and spots are darker (positive) or lighter (negative) than both their sides."""
    soft = cv2.GaussianBlur(light, (0, 0), 0.8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    dark = cv2.morphologyEx(soft, cv2.MORPH_CLOSE, kernel) - soft
    bright = soft - cv2.morphologyEx(soft, cv2.MORPH_OPEN, kernel)
    return np.asarray(np.where(dark > bright, dark, -bright), np.float32)


def _eye_zone() -> NDArray[np.bool_]:
    """The ellipse around the eye itself, whose lids and lashes are ridges too."""
    width, height = GLASSES.shape
    down, across = np.mgrid[:height, :width] / PER_UNIT
    return np.asarray(((across + GLASSES.x0) / 0.3) ** 2 + ((down + GLASSES.y0) / 0.16) ** 2 < 1)


def _outline(mask: NDArray[np.bool_], band: int) -> NDArray[np.bool_]:
    """The strip along the edge of a mask, so many pixels to both sides."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    filled = mask.astype(np.uint8)
    return (cv2.dilate(filled, kernel) > 0) & (cv2.erode(filled, kernel) == 0)


def _without(mask: NDArray[np.bool_], other: NDArray[np.bool_], config: PartsConfig) -> NDArray[np.bool_]:
    """What of a mask is farther than `slack` from the other."""
    size = 2 * config.slack + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return mask & (cv2.dilate(other.astype(np.uint8), kernel) == 0)


def _rim_colour(halves: Halves, patches: Patches, rims: list[NDArray[np.bool_]]) -> float:
    """a*b* distance of the rims beyond that of the cheeks, which the light alone makes; 0 when one is missing."""
    if min(int(rim.sum()) for rim in rims) < 40:
        return 0.0
    first, second = (np.median(patch[rim], 0)[1:] for patch, rim in zip(patches, rims, strict=True))
    return max(0.0, float(np.hypot(*(first - second))) - cheek_difference(halves))


def cheek_difference(halves: Halves) -> float:
    """a*b* distance of the two cheeks: what coloured light from one side does."""
    cheeks = halves.cut(halves.view.lab(halves.size), CHEEKS)
    first, second = (np.median(cheek.reshape(-1, 3), 0)[1:] for cheek in cheeks)
    return float(np.hypot(*(first - second)))


def _log_ratio(first: float, second: float, floor: float) -> float:
    return float(abs(np.log((first + floor) / (second + floor))))


def earrings(halves: Halves, config: PartsConfig) -> Part | None:
    """One earring of two, or two of different colour or size; None without earrings or where a lobe is hidden."""
    if halves.view.regions.confidence.get(Region.EARRING, 0.0) < config.trust:
        return None
    labels, valid = halves.labels(LOBES), halves.valid(LOBES)
    worn = [(label == Region.EARRING) & seen for label, seen in zip(labels, valid, strict=True)]
    areas = [int(mask.sum()) for mask in worn]
    if max(areas) < config.earring or min(float(seen.mean()) for seen in valid) < 0.95:
        return None
    poor = int(np.argmin(areas))
    measures = {"earrings_worn": float(sum(area >= config.earring for area in areas))}
    maps = (worn[0].astype(np.float32), worn[1].astype(np.float32))
    if areas[poor] < config.earring / 3:
        if areas[1 - poor] < 2 * config.earring:
            return None
        hidden = np.isin(labels[poor], (Region.HAIR, Region.HAT)).mean() > config.covered
        if hidden or abs(halves.view.face.pose.yaw) > config.turned:
            return None
        text = f"An earring hangs from one ear only; the person's {SIDES[poor]} ear is bare, though in plain sight."
        place = halves.box(LOBES, 1 - poor, worn[1 - poor])
        return Part("earrings", 1.0, measures | {"earrings_missing": 1.0}, LOBES, maps, Finding(text, place))
    patches = halves.cut(halves.view.lab(halves.size), LOBES)
    first, second = (np.median(patch[mask], 0) for patch, mask in zip(patches, worn, strict=True))
    measures["earrings_colour"] = float(np.linalg.norm(first - second))
    measures["earrings_size"] = _log_ratio(areas[0], areas[1], config.earring / 2)
    by_colour = config.earring_colour.score(measures["earrings_colour"])
    by_size = config.earring_size.score(measures["earrings_size"])
    score = max(by_colour, by_size)
    kind = "colour" if by_colour >= by_size else "size"
    finding = Finding(f"The two earrings differ in {kind}.", halves.box(LOBES, 1 - poor, worn[1 - poor]))
    return Part("earrings", score, measures, LOBES, maps, finding if score >= 1 else None)


def beard(halves: Halves, config: PartsConfig) -> Part | None:
    """Density of the hairs on both sides of the jaw; None without a beard on either.

    Density is the contrast of fine texture over the light there, so that a shaded side keeps its beard.
    """
    first, second = halves.labels(JAW)
    strands = halves.cut(halves.view.hair(halves.size), JAW)
    skin = (first == Region.SKIN) & (second == Region.SKIN) & (np.maximum(*strands) < config.strands)
    if skin.sum() < 600:
        return None
    light = halves.view.lab(halves.size)[..., 0]
    jaws = halves.cut(light, JAW)
    cheeks = [float(np.median(cheek)) for cheek in halves.cut(light, CHEEKS)]
    darker = [cheek - float(np.median(jaw[skin])) for cheek, jaw in zip(cheeks, jaws, strict=True)]
    if max(darker) < config.beard or abs(cheeks[0] - cheeks[1]) > config.side_light:
        return None
    hairs = [_texture(jaw) for jaw in jaws]
    means = [max(float(hair[skin].mean()), 1e-3) for hair in hairs]
    density = _log_ratio(means[0], means[1], 0.01)
    score = config.beard_density.score(density)
    top = max(float(np.percentile(hair[skin], 90)) for hair in hairs)
    gap = (np.clip(np.abs(hairs[0] - hairs[1]) / max(top, 1e-3), 0, 1) * skin * min(1.0, score)).astype(np.float32)
    thin = int(np.argmin(means))
    text = f"The beard is much thinner on the person's {SIDES[thin]} side."
    finding = Finding(text, halves.box(JAW, thin, skin)) if score >= 1 else None
    return Part("beard", score, {"beard_density": density}, JAW, (gap, gap), finding)


def _texture(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Local contrast of fine structure: deviation over 9 px, relative to the light there."""
    fine = light - cv2.GaussianBlur(light, (0, 0), 3.0)
    deviation = np.sqrt(np.maximum(cv2.blur(np.square(fine), (9, 9)), 0))  # rounding may fall below zero
    return np.asarray(deviation / np.maximum(cv2.blur(light, (9, 9)), 8.0), np.float32)


def collar(halves: Halves, config: PartsConfig) -> Part | None:
    """Directions of the edges in the clothes left and right of the neck, mirrored; None where too little is seen."""
    labels, valid = halves.labels(COLLAR), halves.valid(COLLAR)
    cloth = [(label == Region.CLOTH) & seen for label, seen in zip(labels, valid, strict=True)]
    if min(float(mask.mean()) for mask in cloth) < config.cloth or abs(halves.view.face.pose.yaw) > config.turned:
        return None
    light = halves.cut(halves.view.lab(halves.size)[..., 0], COLLAR)
    edges = [_edges(patch, mask) for patch, mask in zip(light, cloth, strict=True)]
    if max(float(edge.sum()) for edge, _ in edges) < 3.0:
        return None
    shares = [edge / max(float(edge.sum()), 1.0) for edge, _ in edges]
    changed = 1.0 - float(np.minimum(*shares).sum())
    score = config.collar_edges.score(changed)
    maps = (edges[0][1] * np.float32(min(1.0, score)), edges[1][1] * np.float32(min(1.0, score)))
    strong = int(np.argmax([edge.sum() for edge, _ in edges]))
    text = "The collar runs differently on its two sides."
    finding = Finding(text, halves.box(COLLAR, strong, cloth[strong])) if score >= 1 else None
    return Part("collar", score, {"collar_edges": changed}, COLLAR, maps, finding)


def _edges(light: NDArray[np.float32], mask: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """(9,) mean strength of the edges a direction, each spread over its neighbours; and their map, 0 to 1."""
    soft = cv2.GaussianBlur(light, (0, 0), 1.5)
    across, down = cv2.Sobel(soft, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=0.125)
    strength = np.hypot(across, down) * mask
    turn = (np.arctan2(down, across) % np.pi) / np.pi * 9
    bins = np.bincount(turn.astype(int).ravel() % 9, strength.ravel(), 9) / max(int(mask.sum()), 1)
    spread = 0.5 * bins + 0.25 * (np.roll(bins, 1) + np.roll(bins, -1))
    return spread * 9, np.clip(strength / 6.0, 0, 1).astype(np.float32)
