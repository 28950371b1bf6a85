"""Borders that an aligner made: reflected, blurred and faded pixels around a photograph that was too tight.

FFHQ's and CelebA-HQ's aligners (Karras et al. 2018, arXiv 1710.10196, appendix C; 2019, arXiv 1812.04948, appendix A)
reflect the photograph at its edges, blur what they added with a sigma of 2 % of the square's side, and fade it
evenly to the picture's median colour. Mirror axes are looked for by the directions of the gradients, at every tilt;
then each is tried against the aligner's own formula.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .records import Pixels

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Padding:
    """What of the picture is padding."""

    mask: NDArray[np.bool_]
    """(h, w) over the whole picture at reduced resolution: True where it is padding."""
    strength: float
    """How surely, 0 to 1."""

    @property
    def share(self) -> float:
        """Share of the picture that is padding, 0 to 1."""
        return float(self.mask.mean())


@dataclass(frozen=True, slots=True)
class PaddingConfig:
    """How padding is looked for; lengths are in sides of the picture unless said otherwise."""

    coarse: int = 64
    """Longer side in pixels of the picture in which mirror axes are looked for."""
    fine: int = 96
    """The same for the trial of an axis."""
    largest_tilt: float = 24.0
    """Largest tilt of the axes in degrees: the roll of the head in the photograph."""
    tilt_step: float = 3.0
    """Step of the tilt in degrees."""
    blur: float = 0.02
    """Sigma of the aligner's blur."""
    near: int = 4
    """Pixels of the coarse picture nearer to each other than this say nothing of a mirror."""
    prior: float = 120.0
    """Pairs of pixels without agreement that are added to every axis, so that short strips do not win."""
    least_depth: float = 0.03
    """Strips shallower than this are not looked for: too little can be compared."""
    deepest: float = 0.36
    """Deepest strip; the aligner refuses photographs that need much more."""
    agreement: float = 0.4
    """Least agreement of mirrored gradients, -1 to 1, for an axis to be tried."""
    second_agreement: float = 0.3
    """The same on the other sides, once one side is sure and gives the tilt."""
    detail: float = 3.0
    """Most detail, in grey levels, that a blurred strip may hold in the fine picture: its own, and that of JPEG."""
    misfit: float = 0.1
    """Most of the strip's structure that the formula may leave unexplained."""
    structure: float = 25.0
    """Least variance, in squared grey levels, around a plane: on a plain wall nothing can be told."""
    colour: float = 110.0
    """Furthest, in grey levels, of the colour that a strip fades to from the median of the picture."""
    fade: tuple[float, float] = (0.6, 3.6)
    """Least and most fade to the median colour a side of the picture; the aligner pads by at least 0.3 sides."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """A line beyond which the picture mirrors its inside."""

    side: int
    """0 top, 1 bottom, 2 left, 3 right of the picture turned upright."""
    tilt: float
    """Degrees by which the picture is turned for the line to be level."""
    reach: float
    """Distance from the middle of the picture, in pixels of the coarse picture."""
    score: float
    """Agreement of mirrored gradients, or the misfit once tried."""


def find_padding(pixels: Pixels, config: PaddingConfig | None = None) -> Padding:
    """Padding of HxWx3 uint8 RGB pixels."""
    config = config or PaddingConfig()
    height, width = pixels.shape[:2]
    factor = min(1.0, 256 / max(height, width))
    shape = (max(1, round(height * factor)), max(1, round(width * factor)))
    if min(height, width) < config.coarse:
        return Padding(np.zeros(shape, bool), 0.0)
    base = _shrunk(pixels, 2 * config.fine)
    axes = _axes(base, config)
    mask = np.zeros(shape, bool)
    for axis in axes:
        mask |= _beyond(axis, shape, config)
    best = min((axis.score for axis in axes), default=1.0)
    return Padding(mask, float(np.clip(1.25 - best / config.misfit, 0.0, 1.0)) if axes else 0.0)


def _shrunk(pixels: NDArray[np.generic], longest: int) -> NDArray[np.generic]:
    """The picture by area averaging with its longer side at `longest` pixels, or as it is when smaller."""
    height, width = pixels.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1:
        return pixels
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _axes(base: NDArray[np.generic], config: PaddingConfig) -> list[_Axis]:
    """The axes that hold: the best of each side, all of one tilt."""
    agreement, tilts = _agreement(base, config)
    trial = _Trial(base, config)
    first = [trial.settle(axis) for axis in _peaks(agreement, tilts, config, config.agreement)]
    held = [axis for axis in first if axis.score <= config.misfit]
    if not held:
        return []
    best = min(held, key=lambda axis: axis.score)
    close = np.abs(tilts - best.tilt) <= config.tilt_step
    again = _peaks(agreement[close], tilts[close], config, config.second_agreement)
    others = [trial.settle(axis) for axis in again if axis.side != best.side]
    return [best, *(axis for axis in others if axis.score <= config.misfit)]


def _canvas(longest: int) -> int:
    """Side in pixels of the square that holds a turned picture."""
    return int(1.375 * longest)


def _turn(shape: tuple[int, ...], tilt: float, canvas: int) -> NDArray[np.float64]:
    """(2, 3) affine that turns a picture of this shape about its middle into the middle of the canvas."""
    matrix = cv2.getRotationMatrix2D(((shape[1] - 1) / 2, (shape[0] - 1) / 2), -tilt, 1.0)
    matrix[0, 2] += (canvas - shape[1]) / 2
    matrix[1, 2] += (canvas - shape[0]) / 2
    return np.asarray(matrix, np.float64)


def _directions(base: NDArray[np.generic], config: PaddingConfig) -> Plane:
    """(h, w, 2) gradients of the blurred luma, of about unit length wherever there is any contrast."""
    small = _shrunk(base, config.coarse)
    luma = cv2.cvtColor(small.astype(np.float32), cv2.COLOR_RGB2GRAY)
    luma = cv2.GaussianBlur(luma, (0, 0), 1.25 * config.blur * config.coarse)
    across, down = (
        cv2.Sobel(luma, cv2.CV_32F, x, 1 - x, ksize=3, scale=1 / 8, borderType=cv2.BORDER_REPLICATE) for x in (1, 0)
    )
    weight = 1.0 / (np.hypot(across, down) + 1.0)
    return np.dstack([across * weight, down * weight])


def _turned(directions: Plane, tilts: NDArray[np.float64], canvas: int) -> tuple[Plane, Plane]:
    """Components (2 * tilts, canvas, canvas) along and across the rows, then the columns, at every tilt."""
    along, across = [], []
    for tilt in tilts:
        plane = cv2.warpAffine(directions, _turn(directions.shape, tilt, canvas), (canvas, canvas))
        cos, sin = np.float32(np.cos(np.radians(tilt))), np.float32(np.sin(np.radians(tilt)))
        x, y = cos * plane[..., 0] - sin * plane[..., 1], sin * plane[..., 0] + cos * plane[..., 1]
        along += [x, y.T]
        across += [y, x.T]
    return np.array(along), np.array(across)


def _antidiagonals(gram: Plane) -> Plane:
    """(n, 2m - 1) sums of (n, m, m) matrices over the entries (i, j) of equal i + j."""
    count, side = gram.shape[:2]
    # Rows padded to 2m and read as rows of 2m - 1 are each shifted by one more: columns are antidiagonals then.
    wide = np.zeros((count, side, 2 * side), np.float32)
    wide[:, :, :side] = gram
    flat = wide.reshape(count, -1)[:, : side * (2 * side - 1)]
    return np.asarray(flat.reshape(count, side, 2 * side - 1).sum(1))


@lru_cache(maxsize=4)
def _apart(side: int, near: int) -> Plane:
    """(side, side) 1 where two rows are at least `near` apart, else 0."""
    rows = np.arange(side)
    return (np.abs(rows[:, None] - rows) >= near).astype(np.float32)


def _agreement(base: NDArray[np.generic], config: PaddingConfig) -> tuple[Plane, NDArray[np.float64]]:
    """Agreement of mirrored gradients (tilts, 2, 2 * canvas - 1), -1 to 1, at level and upright axes; and the tilts.

    All axes of one tilt come from one matrix of products between rows: its antidiagonal s is the axis at row s / 2.
    A mirror keeps the component along the axis and turns the one across it.
    """
    tilts = np.arange(-config.largest_tilt, config.largest_tilt + 1e-6, config.tilt_step)
    canvas = _canvas(config.coarse)
    along, across = _turned(_directions(base, config), tilts, canvas)
    length = np.hypot(along, across)
    apart = _apart(canvas, config.near)
    signed = np.concatenate([along, across], 2) @ np.concatenate([along, -across], 2).transpose(0, 2, 1)
    agreed = _antidiagonals(signed * apart)
    pairs = _antidiagonals((length @ length.transpose(0, 2, 1)) * apart)
    return (agreed / (pairs + np.float32(config.prior))).reshape(len(tilts), 2, -1), tilts


def _peaks(agreement: Plane, tilts: NDArray[np.float64], config: PaddingConfig, least: float) -> Iterator[_Axis]:
    """The best axis of each side where it reaches `least`."""
    middle = (agreement.shape[2] - 1) / 4
    reach = np.arange(agreement.shape[2]) / 2 - middle
    for side in range(4):
        outward = reach if side % 2 else -reach
        inner, outer = (0.5 - config.deepest) * config.coarse, (1.375 / 2) * config.coarse
        allowed = (outward > inner) & (outward < outer)
        scores = np.where(allowed, agreement[:, side // 2], -1.0)
        tilt, place = np.unravel_index(int(scores.argmax()), scores.shape)
        if scores[tilt, place] >= least:
            yield _Axis(side, float(tilts[tilt]), float(outward[place]), float(scores[tilt, place]))


def _upright(plane: NDArray[np.generic], axis: _Axis, canvas: int) -> Plane:
    """The plane turned and flipped so that the axis is level and the strip lies above it."""
    out = cv2.warpAffine(plane, _turn(plane.shape, axis.tilt, canvas), (canvas, canvas))
    out = out.swapaxes(0, 1) if axis.side > 1 else out
    # Every second column is enough: all is blurred.
    return np.asarray((out[::-1] if axis.side % 2 else out)[:, ::2])


class _Trial:
    """Tries axes against the aligner's formula."""

    def __init__(self, base: NDArray[np.generic], config: PaddingConfig) -> None:
        self.config = config
        small = _shrunk(base, config.fine).astype(np.float32)
        detail = small - cv2.GaussianBlur(small, (0, 0), 1.0)
        soft = cv2.GaussianBlur(small, (0, 0), config.blur * config.fine)
        inside = np.full(small.shape[:2], 1.0, np.float32)
        self.median = np.median(small.reshape(-1, 3), axis=0)
        self.planes = np.dstack([small, soft, np.square(detail).mean(2), inside])

    def settle(self, axis: _Axis) -> _Axis:
        """The best place and tilt near an axis, with its misfit as the score; 1 when it is no padding."""
        tries = [self._place(axis, axis.tilt, (0.0, -1.5, -0.75, 0.75, 1.5))]
        if tries[0].score > 4 * self.config.misfit:
            return tries[0]
        for step in (1.5, 0.75):
            centre = min(tries, key=lambda tried: tried.score)
            moves = (-step / 2, 0.0, step / 2)
            tries += [self._place(centre, centre.tilt + turn * step, moves) for turn in (-1, 1)]
        return min(tries, key=lambda tried: tried.score)

    def _place(self, axis: _Axis, tilt: float, moves: tuple[float, ...]) -> _Axis:
        """The best of the axis moved outward by `moves` coarse pixels, at this tilt."""
        turned = _Axis(axis.side, tilt, axis.reach, 1.0)
        planes = _upright(self.planes, turned, _canvas(self.config.fine))
        fits = [(self._misfit(planes, axis.reach + move), axis.reach + move) for move in moves]
        misfit, reach = min(fits)
        return _Axis(axis.side, tilt, reach, misfit)

    def _misfit(self, planes: Plane, reach: float) -> float:
        """Share of the strip's structure that reflection, blur and fade leave unexplained; 1 for no padding."""
        config = self.config
        line = (len(planes) - 1) / 2 - reach * config.fine / config.coarse
        first = int(planes[:, :, 7].any(1).argmax())
        rows = np.arange(first, max(first, int(np.floor(line - 1))))
        if line - first < config.least_depth * config.fine:
            return 1.0
        mirror = 2 * line - rows
        below = np.minimum(np.floor(mirror).astype(int), len(planes) - 2)
        part: Plane = (mirror - below).astype(np.float32)[:, None, None]
        strip, inside = planes[rows], planes[below] * (1 - part) + planes[below + 1] * part
        lit = np.minimum(strip[..., 7], inside[..., 7]) > 0.99
        if lit.sum() < 2 * config.fine or strip[..., 6][lit].mean() > config.detail**2:
            return 1.0
        depth, across = np.broadcast_arrays(((line - rows) / config.fine)[:, None], np.arange(lit.shape[1]) / 64)
        return self._unexplained(strip[..., :3][lit], inside[..., 3:6][lit], depth[lit], across[lit])

    def _unexplained(
        self, seen: Plane, mirrored: Plane, depth: NDArray[np.floating], across: NDArray[np.floating]
    ) -> float:
        """Misfit of (N, 3) strip pixels, their mirrored and blurred fellows, and their depths in sides."""
        low, high = self.config.fade
        structure = _around_plane(seen, depth, across)
        if structure < self.config.structure:
            return 1.0
        # seen - mirrored = fade * depth * (colour - mirrored): linear in the fade and in the colour times the fade.
        depth = depth[:, None].astype(np.float32)
        unit = depth / np.sqrt(np.square(depth).sum())
        change, drift = (values - unit * (unit * values).sum(0) for values in (seen - mirrored, depth * mirrored))
        fade = -float((drift * change).sum() / max(float(np.square(drift).sum()), 1e-6))
        if fade < low:
            return 1.0
        colour = (depth * (seen - mirrored + fade * depth * mirrored)).sum(0) / (fade * np.square(depth).sum())
        if np.abs(colour - self.median).max() > self.config.colour:
            return 1.0
        return float(np.square(change + np.float32(min(fade, high)) * drift).mean() / structure)


def _around_plane(values: Plane, first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Mean square of (N, 3) values around the best plane in two coordinates."""
    terms = np.stack([np.ones(len(values)), first, second], 1).astype(np.float32)
    weights = np.linalg.solve(terms.T @ terms + 1e-3 * np.eye(3, dtype=np.float32), terms.T @ values)
    return float(np.square(values - terms @ weights).mean())


def _beyond(axis: _Axis, shape: tuple[int, int], config: PaddingConfig) -> NDArray[np.bool_]:
    """(h, w) of the picture where it lies beyond the axis."""
    scale = max(shape) / config.coarse
    y, x = np.ogrid[: shape[0], : shape[1]]
    turn = _turn(shape, axis.tilt, max(shape))[1 if axis.side < 2 else 0, :2]
    place = turn[0] * (x - (shape[1] - 1) / 2) + turn[1] * (y - (shape[0] - 1) / 2)
    outward = place if axis.side % 2 else -place
    return np.asarray(outward > axis.reach * scale)
