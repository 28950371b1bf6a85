"""Background: what a generator of faces gets wrong around them; padding is told as the innocent thing it is."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from ..haar import Search
from ..records import Abstention, Box, Evidence, Finding
from ..view import FaceView
from ._background import (
    Break,
    LineConfig,
    Stranger,
    background_mask,
    blur_jumps,
    breaks,
    lines_beside_head,
    strangers,
)
from .cue import Cue

NAME = "background"


@dataclass(frozen=True, slots=True)
class BackgroundConfig:
    """When the background can be judged, and what counts."""

    size: int = 512
    """Side in pixels of the crop for lines."""
    cells: int = 32
    """Cells a side of the map of blur, 16 pixels each."""
    least_detail: float = 200.0
    """Pixels with detail across the square below which lines and blur are not resolved."""
    least_share: float = 0.06
    """Share of the square that must be photographed background."""
    lines: LineConfig = field(default_factory=LineConfig)
    """How lines are paired."""
    usual_jump: float = 0.1
    """Share of jumps that nearly all photographs stay below."""
    search: Search = field(default_factory=lambda: Search(240, step=1.1, neighbours=1, smallest=24))
    """How faces beside the face are looked for."""
    unsteady: tuple[float, float] = (0.1, 0.13)
    """Spread of the readings of a second face from which it counts, and at which it counts fully."""


@dataclass(frozen=True, slots=True)
class _Signs:
    """What was seen."""

    broken: list[Break]
    jump: tuple[float, NDArray[np.float32]] | None
    odd: list[Stranger]


def look(view: FaceView, config: BackgroundConfig | None = None) -> Evidence | Abstention:
    """Evidence on broken lines, jumping blur and malformed faces; the statistic is the sum of what is beyond usual."""
    config = config or BackgroundConfig()
    if not view.detail >= config.least_detail:
        return Abstention(NAME, "The picture is too small or too blurred for its background to be judged.")
    share = float(background_mask(view, config.size).mean())
    if share < config.least_share:
        return Abstention(NAME, "Too little photographed background is to be seen around the head.")
    signs = _signs(view, config)
    measures = {
        "broken_lines": min(1.0, sum(one.weight for one in signs.broken) / 0.15),
        "blur_jumps": signs.jump[0] if signs.jump else 0.0,
        "odd_faces": max((_oddness(one, config) for one in signs.odd), default=0.0),
        "padding": view.padding.share,
        "share": share,
    }
    beyond = max(0.0, measures["blur_jumps"] / config.usual_jump - 1.0)
    return Evidence(
        analyzer=NAME,
        statistic=measures["broken_lines"] + measures["odd_faces"] + min(beyond, 1.0),
        llr=None,
        findings=tuple(_findings(view, signs, beyond, config)),
        quality=float(np.clip(share / 0.3, 0.2, 1.0)),
        heatmap=view.heat(_map(view, signs, config)),
        measures=measures,
        innocent=INNOCENT,
    )


def _signs(view: FaceView, config: BackgroundConfig) -> _Signs:
    lines = lines_beside_head(view, config.size, config.lines)
    odd = [one for one in strangers(view, config.search) if _oddness(one, config) > 0]
    return _Signs(breaks(lines, config.size, config.lines), blur_jumps(view, config.size, config.cells), odd)


def _oddness(stranger: Stranger, config: BackgroundConfig) -> float:
    low, high = config.unsteady
    return float(np.clip((stranger.unsteady - low) / (high - low), 0.0, 1.0)) * stranger.skin


def _own_body(view: FaceView, box: Box, size: int) -> float:
    """Share of a box of the picture that the person's own neck, clothes and skin fill; 0 outside the square."""
    matrix = view.frame.matrix(size)
    corners = np.array(box).reshape(2, 2) @ matrix[:, :2].T + matrix[:, 2]
    (x0, y0), (x1, y1) = np.clip([corners.min(0), corners.max(0)], 0, size - 1).astype(int)
    part = view.person(size)[y0 : y1 + 1, x0 : x1 + 1]
    return float(part.mean()) if part.size else 0.0


def _findings(view: FaceView, signs: _Signs, beyond: float, config: BackgroundConfig) -> list[Finding]:
    """Strongest first; padding, which speaks for no generator, last."""
    found = [
        Finding("A second face beside the head has eyes, nose and mouth that do not fit together.", one.box)
        for one in sorted(signs.odd, key=lambda one: -one.unsteady)
        if _own_body(view, one.box, config.size) < 0.5  # a bare shoulder has the colour of a face, too
    ]
    text = "A line of the background goes behind the head and comes out at another height."
    found += [Finding(text, view.box(one.box, config.size)) for one in signs.broken[:2]]
    if beyond > 0.2 and signs.jump is not None:
        box = _around(signs.jump[1], 0.5)
        text = "Sharp and blurred patches of the background lie side by side without an object's edge between them."
        found.append(Finding(text, view.box(box, config.cells)))
    if view.padding.mask.any():
        found.append(Finding(PADDED, _padding_box(view)))
    return found


def _around(values: NDArray[np.float32], least: float) -> Box:
    """XYXY around the cells that reach `least`."""
    y, x = np.nonzero(values >= least)
    return float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1)


def _padding_box(view: FaceView) -> Box:
    """XYXY in the picture around the largest piece of padding."""
    mask = view.padding.mask
    _, _, pieces, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    x, y, width, height, _ = max(pieces[1:], key=lambda piece: piece[4])
    scale = view.photo.width / mask.shape[1], view.photo.height / mask.shape[0]
    low, high = (x * scale[0], y * scale[1]), ((x + width) * scale[0] - 1, (y + height) * scale[1] - 1)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _map(view: FaceView, signs: _Signs, config: BackgroundConfig) -> NDArray[np.float32]:
    """Breaks, jumps and strangers on one map over the crop."""
    size = config.size // 2
    out = np.zeros((size, size), np.float32)
    if signs.jump:
        strength = min(1.0, signs.jump[0] / (2 * config.usual_jump))
        out = strength * cv2.resize(signs.jump[1], (size, size), interpolation=cv2.INTER_LINEAR)
    for one in signs.broken:
        x0, y0, x1, y1 = (round(value / 2) for value in one.box)
        out[max(y0, 0) : y1 + 1, max(x0, 0) : x1 + 1] = 0.8
    out[view.person(size) > 0.3] = 0.0
    matrix = view.frame.matrix(size)
    for stranger in signs.odd:
        left, top, right, bottom = stranger.box
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
        cv2.fillConvexPoly(out, np.rint(corners @ matrix[:, :2].T + matrix[:, 2]).astype(np.int32), 1.0)
    return out


PADDED = (
    "The border mirrors the inside, blurred and faded: an aligner filled it where a photograph ended; "
    "this is no sign of a generator."
)
INNOCENT = (
    "a border that an aligner filled with mirrored and blurred pixels (FFHQ and CelebA-HQ photographs have them)",
    "two different shelves, beams or horizons on the two sides of the head",
    "a background blurred by a phone's portrait mode, or a collage",
    "a statue, a poster or a person half turned away",
)

CUE = Cue(
    name=NAME,
    title="Background",
    meaning=(
        "A generator of faces has learned little about what is behind them. Lines may break behind the head, sharpness "
        "may jump from patch to patch, and a second person may be a smear with the colour of skin."
    ),
    innocent=INNOCENT,
    needs="A visible background and a face of about 200 pixels of detail or more; a plain wall tells nothing.",
    source="West and Bergstrom, whichfaceisreal.com (the cue); the measures are proposed here",
    look=look,
)
