"""Random changes of a cached face crop: pose in the crop, covers, resolution, codec, light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.geometry import CropFrame
from whichface.forensics.landmarks import INPUT
from whichface.forensics.records import Pixels

from .landmarks_data import CACHE, WIDE, FaceCache

BORDERS = (cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT)


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """Ranges of the random changes."""

    wide_share: float = 0.4
    """Share of crops as a face finder gives them; the others as the second pass sees them."""
    rotation: tuple[float, float] = (40.0, 7.0)
    """Largest rotation in degrees, wide and narrow."""
    log_scale: tuple[float, float] = (0.35, 0.07)
    """Largest change of log size, wide and narrow."""
    shift: tuple[float, float] = (0.15, 0.035)
    """Largest shift in sides, wide and narrow."""
    small_share: float = 0.35
    """Share that passes through a low resolution."""
    smallest: int = 26
    """Smallest side in pixels of that low resolution of the crop."""
    jpeg_share: float = 0.55
    """Share that is saved as a JPEG of quality 20 to 95."""
    cover_share: float = 0.35
    """Share whose face is partly covered."""
    negative_share: float = 0.25
    """Share of crops without a whole face."""
    light_share: float = 0.7
    """Share whose light or colour changes."""


@dataclass(frozen=True, slots=True)
class Example:
    """One input of the network and what it should say."""

    crop: Pixels
    """(128, 128, 3)."""
    points: NDArray[np.float32]
    """(478, 2) in pixels of the crop."""
    present: bool
    """False for a crop without a face: its points do not count."""
    covered: float
    """Share of the points under a synthetic cover."""


def jitter(
    rng: np.random.Generator, config: AugmentConfig, centre: float = (CACHE - 1) / 2
) -> CropFrame:
    """A random square about the face, in pixels of the cached crop."""
    kind = 0 if rng.random() < config.wide_share else 1
    side = CACHE / WIDE
    size = side * np.exp(rng.uniform(-1, 1) * config.log_scale[kind])
    shift = side * rng.uniform(-1, 1, 2) * config.shift[kind]
    return _square(np.full(2, centre) + shift, size, rng.uniform(-1, 1) * config.rotation[kind])


def _square(centre: NDArray[np.float64], side: float, degrees: float) -> CropFrame:
    angle = np.radians(degrees)
    return CropFrame(centre, side / 2 * np.array([np.cos(angle), np.sin(angle)]))


def missed(rng: np.random.Generator) -> CropFrame:
    """A square that does not hold a whole upright face: aside, a part, far too wide, or turned."""
    side, middle, kind = CACHE / WIDE, np.full(2, (CACHE - 1) / 2), rng.integers(4)
    angle = rng.uniform(0, 2 * np.pi)
    way = np.array([np.cos(angle), np.sin(angle)])
    if kind == 0:
        size = side * rng.uniform(0.6, 1.5)
        return _square(
            middle + way * rng.uniform(0.5, 0.8) * max(side, size), size, rng.uniform(-40, 40)
        )
    if kind == 1:
        return _square(
            middle + way * side * rng.uniform(0, 0.3), side * rng.uniform(0.15, 0.4), 0.0
        )
    if kind == 2:
        return _square(
            middle + way * side * 0.2, side * rng.uniform(2.6, 3.5), rng.uniform(-20, 20)
        )
    return _square(middle, side * rng.uniform(0.8, 1.3), rng.uniform(95, 265))


def take(cache: FaceCache, index: int, frame: CropFrame, rng: np.random.Generator) -> Pixels:
    """The square of one cached crop, with one of three borders outside the picture."""
    part, origin = cache.part(index), cache.inside[index][:2].astype(np.float64)
    matrix = CropFrame(frame.centre - origin, frame.axis).matrix(INPUT)
    border = int(rng.choice(BORDERS, p=(0.15, 0.15, 0.7)))
    colour = (0, 0, 0) if rng.random() < 0.8 else tuple(map(int, rng.integers(0, 256, 3)))
    if frame.side > 1.6 * INPUT:
        part = cv2.blur(part, (2, 2))
    return cv2.warpAffine(
        part, matrix, (INPUT, INPUT), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=colour
    )


def cover(
    crop: Pixels, points: NDArray[np.float32], other: Pixels, rng: np.random.Generator
) -> tuple[Pixels, float]:
    """Cover a part of the face; return the crop and the share of the points covered."""
    mask = np.zeros((INPUT, INPUT), np.uint8)
    centre = points[rng.integers(len(points))] + rng.normal(0, 8, 2)
    axes = rng.uniform(6, 34, 2)
    if rng.random() < 0.5:
        box = cv2.boxPoints((centre.tolist(), (2 * axes).tolist(), float(rng.uniform(0, 180))))
        cv2.fillConvexPoly(mask, box.astype(np.int32), 255)
    else:
        ellipse = (centre.tolist(), (2 * axes).tolist(), float(rng.uniform(0, 180)))
        cv2.ellipse(mask, ellipse, 255, -1)
    kind = rng.integers(3)
    if kind == 0:
        fill = np.broadcast_to(rng.integers(0, 256, 3).astype(np.uint8), crop.shape)
    elif kind == 1:
        fill = np.roll(crop, tuple(rng.integers(30, 98, 2)), (0, 1))
    else:
        fill = other
    where = np.clip(np.round(points).astype(int), 0, INPUT - 1)
    share = float((mask[where[:, 1], where[:, 0]] > 0).mean())
    if share > 0.6:
        return crop, 0.0
    return np.where(mask[..., None] > 0, fill, crop).astype(np.uint8), share


def degrade(crop: Pixels, rng: np.random.Generator, config: AugmentConfig) -> Pixels:
    """Low resolution, blur, noise, codec, light and colour."""
    if rng.random() < config.light_share:
        crop = _light(crop, rng)
    if rng.random() < config.small_share:
        side = int(np.exp(rng.uniform(np.log(config.smallest), np.log(INPUT))))
        small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
        if rng.random() < config.jpeg_share:
            small = _jpeg(small, int(rng.integers(40, 96)))
        way = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_CUBIC
        crop = cv2.resize(small, (INPUT, INPUT), interpolation=way)
    elif rng.random() < 0.15:
        crop = cv2.GaussianBlur(crop, (0, 0), float(rng.uniform(0.5, 2.5)))
    if rng.random() < 0.15:
        noise = rng.standard_normal((INPUT, INPUT, 1), np.float32) * rng.uniform(2, 14)
        crop = np.clip(crop + noise, 0, 255).astype(np.uint8)
    if rng.random() < config.jpeg_share * 0.6:
        crop = _jpeg(crop, int(rng.integers(20, 96)))
    return crop


def _jpeg(crop: Pixels, quality: int) -> Pixels:
    data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def _light(crop: Pixels, rng: np.random.Generator) -> Pixels:
    levels = np.arange(256, dtype=np.float32) / 255
    gain, shift = np.exp(rng.uniform(-0.45, 0.45)), rng.uniform(-0.15, 0.15)
    gamma, tint = np.exp(rng.uniform(-0.5, 0.5)), rng.uniform(-0.12, 0.12, 3)
    curve = levels[:, None] ** gamma * gain * (1 + tint) + shift
    out = cv2.LUT(crop, np.clip(curve * 255, 0, 255).astype(np.uint8)[None])
    if rng.random() < 0.2:
        out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return out


def _scrambled(crop: Pixels, rng: np.random.Generator) -> Pixels:
    half = INPUT // 2
    parts = [crop[y : y + half, x : x + half] for y in (0, half) for x in (0, half)]
    a, b, c, d = (parts[i] for i in rng.choice([(3, 2, 1, 0), (1, 3, 0, 2), (2, 0, 3, 1)]))
    return np.vstack([np.hstack([a, b]), np.hstack([c, d])])


def _texture(rng: np.random.Generator) -> Pixels:
    side = int(rng.choice([2, 4, 8, 16, 32, 64, 128]))
    noise = rng.integers(0, 256, (side, side, 3)).astype(np.uint8)
    if rng.random() < 0.3:
        noise[:] = rng.integers(0, 256, 3)
    return cv2.resize(noise, (INPUT, INPUT), interpolation=int(rng.integers(0, 3)))


def negative(cache: FaceCache, index: int, rng: np.random.Generator) -> Pixels:
    """A crop without a whole upright face."""
    kind = rng.random()
    if kind < 0.6:
        pool = cache.others if kind < 0.2 else cache.mined
        crop = np.asarray(pool[rng.integers(len(pool))])
        if rng.random() < 0.5:
            crop = np.ascontiguousarray(crop[:, ::-1])
        if rng.random() < 0.2:
            crop = np.ascontiguousarray(np.rot90(crop, rng.integers(1, 4)))
        return crop
    if kind < 0.9:
        return take(cache, index, missed(rng), rng)
    if kind < 0.95:
        return _scrambled(take(cache, index, jitter(rng, AugmentConfig()), rng), rng)
    return _texture(rng)


def example(
    cache: FaceCache,
    index: int,
    order: NDArray[np.int64],
    rng: np.random.Generator,
    config: AugmentConfig,
) -> Example:
    """One random training example."""
    if rng.random() < config.negative_share:
        crop = degrade(negative(cache, index, rng), rng, config)
        return Example(crop, np.zeros((len(order), 2), np.float32), False, 0.0)
    frame = jitter(rng, config)
    matrix = frame.matrix(INPUT)
    points = (cache.points[index] @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    crop, share = take(cache, index, frame, rng), 0.0
    if rng.random() < config.cover_share:
        other = np.asarray(cache.others[rng.integers(len(cache.others))])
        crop, share = cover(crop, points, other, rng)
    if rng.random() < 0.5:
        crop = np.ascontiguousarray(crop[:, ::-1])
        points = (points * [-1, 1] + [INPUT - 1, 0])[order].astype(np.float32)
    return Example(degrade(crop, rng, config), points, True, share)
