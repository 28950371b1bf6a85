"""Both irises of a face: circles fitted to the limbus, and patches of one scale to compare them in."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import LEFT_IRIS, RIGHT_IRIS
from ..records import Pixels
from ..view import FaceView

RIGHT_LIDS = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_LIDS = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
"""Face-mesh points around the opening of each eye, in order; right is the pictured person's right."""
PATCH = 64
RADIUS = 24.0
"""Side of a patch, and radius of the iris in it, in pixels."""
MIDDLE = (PATCH - 1) / 2


@dataclass(frozen=True, slots=True)
class LimbusConfig:
    """How the circle between iris and white is looked for."""

    angles: int = 13
    """Directions on each side of the iris, within `spread` of the horizontal: lids hide the rest."""
    spread: float = 38.0
    """Degrees."""
    across: float = 0.7
    """Largest move of the centre from the landmark in the picture's x, in radii: gaze is read coarsely."""
    down: float = 0.35
    """The same in y."""
    grow: float = 0.16
    """Largest change of the radius from the landmarks' one, as a share."""
    width: float = 0.14
    """Half width of the edge in radii: the white beyond it, less the iris within it."""
    pull: float = 6.0
    """Luminance (0 to 100) that a move of the whole allowed length must gain."""
    dark: float = 0.25
    """Weight of the iris being darker than the white around it, against the edge between them."""


@dataclass(frozen=True, slots=True)
class Iris:
    """One iris, in the crop and in a patch of fixed scale."""

    centre: NDArray[np.float64]
    """(2,) x and y in pixels of the crop."""
    radius: float
    """In pixels of the crop."""
    edge: float
    """Luminance step from iris to white, 0 to 100."""
    lab: NDArray[np.float32]
    """(PATCH, PATCH, 3) CIE L*a*b*; the iris is a disc of RADIUS in the middle."""
    seen: NDArray[np.bool_]
    """(PATCH, PATCH) between the lids, and photographed."""
    matrix: NDArray[np.float64]
    """(2, 3) affine from the crop to the patch."""

    def wide(self, grow: int, share: float) -> NDArray[np.bool_]:
        """(PATCH, PATCH) as `disc`, the opening grown by so many pixels: the mesh's lids lie a little tight."""
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow + 1, 2 * grow + 1))
        return (cv2.dilate(self.seen.astype(np.uint8), kernel) > 0) & (polar()[0] <= share)

    def disc(self, share: float = 1.0) -> NDArray[np.bool_]:
        """(PATCH, PATCH) the visible part of the iris out to that share of its radius."""
        return self.seen & (polar()[0] <= share)

    @property
    def openness(self) -> float:
        """Visible share of the iris, 0 to 1."""
        whole = polar()[0] <= 1.0
        return float((self.seen & whole).sum() / whole.sum())


def polar() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(PATCH, PATCH) distance from the patch's middle in iris radii, and angle (0 right, clockwise)."""
    y, x = np.mgrid[:PATCH, :PATCH] - MIDDLE
    return np.hypot(x, y) / RADIUS, np.arctan2(y, x)


def both_irises(view: FaceView, size: int, config: LimbusConfig | None = None) -> tuple[Iris, Iris]:
    """The pictured person's right and left iris, from the crop of that size."""
    points = view.points(size)
    valid = view.valid(size)
    chosen = config or LimbusConfig()
    first, second = (
        _iris(view.crop(size), valid, points[list(iris)], points[list(lids)], chosen)
        for iris, lids in ((RIGHT_IRIS, RIGHT_LIDS), (LEFT_IRIS, LEFT_LIDS))
    )
    return first, second


def _iris(
    pixels: Pixels,
    valid: NDArray[np.bool_],
    points: NDArray[np.float64],
    lids: NDArray[np.float64],
    config: LimbusConfig,
) -> Iris:
    """The iris whose centre and four edge points are `points`, (5, 2) in pixels of the crop."""
    radius = max(float(np.hypot(*(points[1:] - points[0]).T).mean()), 1.0)
    lab, corner = _window(pixels, points[0], 4 * radius)
    place, radius, edge = fit_limbus(lab[..., 0], points[0] - corner, radius, config)
    matrix = patch_matrix(place, radius)
    patch = cv2.warpAffine(lab, matrix, (PATCH, PATCH), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    centre = place + corner
    matrix = patch_matrix(centre, radius)
    photographed = cv2.warpAffine(valid.astype(np.uint8), matrix, (PATCH, PATCH), flags=cv2.INTER_NEAREST)
    opening = np.zeros((PATCH, PATCH), np.uint8)
    outline = lids @ matrix[:, :2].T + matrix[:, 2]
    cv2.fillPoly(opening, [np.clip(outline, -1e4, 1e4).round().astype(np.int32)], 1)
    return Iris(centre, radius, edge, patch.astype(np.float32, copy=False), (opening & photographed) > 0, matrix)


def _window(pixels: Pixels, centre: NDArray[np.float64], half: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """CIE L*a*b* of the part of the crop around an eye, and its corner (x, y)."""
    height, width = pixels.shape[:2]
    x0, y0 = (int(np.clip(c - half, 0, n - 2)) for c, n in zip(centre, (width, height), strict=True))
    x1, y1 = (int(np.clip(c + half + 2, 2, n)) for c, n in zip(centre, (width, height), strict=True))
    part = pixels[y0 : max(y1, y0 + 2), x0 : max(x1, x0 + 2)].astype(np.float32) / np.float32(255)
    lab = cv2.cvtColor(part, cv2.COLOR_RGB2LAB).astype(np.float32, copy=False)
    return lab, np.array([x0, y0])


def patch_matrix(centre: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """(2, 3) affine that takes the iris in the crop to the middle of a patch."""
    scale = RADIUS / radius
    return np.array([[scale, 0.0, MIDDLE - scale * centre[0]], [0.0, scale, MIDDLE - scale * centre[1]]])


def fit_limbus(
    light: NDArray[np.float32], centre: NDArray[np.float64], radius: float, config: LimbusConfig
) -> tuple[NDArray[np.float64], float, float]:
    """Centre, radius and luminance step of the circle with the strongest edge near the given one.

    Daugman 1993's integro-differential operator on the two lateral arcs; a far circle must gain more than a near one.
    """
    coarse = _moves(15, 7, 3)
    first = coarse[np.argmax(_gain(light, centre, radius, coarse, config) - _cost(coarse, config))]
    near = first + _moves(5, 5, 5) * (1 / 7, 1 / 3, 0.5)
    gain = _gain(light, centre, radius, near, config)
    best = int(np.argmax(gain - _cost(near, config)))
    x, y, grown = near[best]
    place = centre + radius * np.array([config.across * x, config.down * y])
    return place, float(radius * (1 + config.grow * grown)), float(gain[best])


def _moves(across: int, down: int, grow: int) -> NDArray[np.float64]:
    """(N, 3) steps in x, y and radius, each from -1 to 1."""
    axes = [np.linspace(-1.0, 1.0, count) for count in (across, down, grow)]
    return np.stack([m.ravel() for m in np.meshgrid(*axes, indexing="ij")], 1)


def _cost(moves: NDArray[np.float64], config: LimbusConfig) -> NDArray[np.float64]:
    return np.asarray(config.pull * np.square(moves).sum(1) / 3)


def _gain(
    light: NDArray[np.float32],
    centre: NDArray[np.float64],
    radius: float,
    moves: NDArray[np.float64],
    config: LimbusConfig,
) -> NDArray[np.float64]:
    """(N,) luminance step across the lateral arcs of each moved circle."""
    half = np.radians(np.linspace(-config.spread, config.spread, config.angles))
    angles = np.concatenate([half, np.pi - half])
    radii = radius * (1 + config.grow * moves[:, 2])
    x = centre[0] + config.across * radius * moves[:, 0]
    y = centre[1] + config.down * radius * moves[:, 1]
    rings = []
    for reach in (radii * (1 - config.width), radii * (1 + config.width), radii * 0.6):
        across = (x[:, None] + reach[:, None] * np.cos(angles)).astype(np.float32)
        down = (y[:, None] + reach[:, None] * np.sin(angles)).astype(np.float32)
        rings.append(cv2.remap(light, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    inner, outer, core = rings
    # Clipped, so that one highlight is not the edge; the weaker arc counts too, for light comes from a side.
    step = np.clip(outer - inner, -15, 30) + config.dark * np.clip(outer - core, -40, 40)
    sides = step.reshape(len(x), 2, -1).mean(2)
    return np.asarray(0.5 * sides.mean(1) + 0.5 * sides.min(1), np.float64)
