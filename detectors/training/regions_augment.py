"""Random changes of a labelled portrait: place in the crop, background, glasses, light, resolution, codec."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.geometry import LEFT_EYE, RIGHT_EYE, CropFrame
from whichface.forensics.recompress import SUBSAMPLING, jpeg
from whichface.forensics.records import Pixels, Region
from whichface.forensics.regions import OUTLINES, outlines

from .regions_data import CACHE, IGNORE, SWAPS, WIDE, RegionCache


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """Ranges of the random changes."""

    rotation: float = 12.0
    """Largest rotation in degrees."""
    log_scale: float = 0.16
    """Largest change of log size."""
    shift: float = 0.06
    """Largest shift in sides of the square."""
    stretch: float = 0.06
    """Largest change of the log of the aspect ratio."""
    background_share: float = 0.4
    """Share of the fully labelled pictures that get another background."""
    glasses_share: float = 0.08
    """Share of the fully labelled pictures that get drawn glasses."""
    borrowed_share: float = 0.3
    """Share of the fully labelled pictures that get a hat, earrings or a necklace of another picture."""
    light_share: float = 0.75
    grey_share: float = 0.12
    small_share: float = 0.35
    """Share that passes through a low resolution."""
    smallest: int = 48
    """Smallest side in pixels of that low resolution."""
    jpeg_share: float = 0.5
    """Share that is saved as a JPEG of quality 30 to 95."""
    outline_move: float = 0.012
    """Standard deviation of the move of all outlines together, in sides."""
    outline_noise: float = 0.006
    """Standard deviation of the move of each outline, in sides."""
    outline_loss: float = 0.04
    """Share of pictures whose outlines are left away."""


@dataclass(frozen=True, slots=True)
class Example:
    """One input of the network and what it should say."""

    crop: Pixels
    """(S, S, 3)."""
    prior: NDArray[np.float32]
    """(8, S/2, S/2) outlines."""
    target: NDArray[np.uint8]
    """(S/2, S/2) codes."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Rows of a cache that lend to others."""

    whole: NDArray[np.int64]
    """Those that are labelled with every class and show a face."""
    lenders: dict[Region, NDArray[np.int64]]
    """For each part that is borrowed, those that show it."""


def square(
    rng: np.random.Generator, config: AugmentConfig, size: int
) -> NDArray[np.float64]:
    """(2, 3) affine from the cached crop to a random square about the face of `size` pixels."""
    side = CACHE / WIDE * np.exp(rng.uniform(-1, 1) * config.log_scale)
    centre = (CACHE - 1) / 2 + CACHE / WIDE * rng.uniform(-1, 1, 2) * config.shift
    angle = np.radians(rng.uniform(-1, 1) * config.rotation)
    matrix = CropFrame(centre, side / 2 * np.array([np.cos(angle), np.sin(angle)])).matrix(size)
    matrix[0] = (matrix[0] - [0, 0, (size - 1) / 2]) * np.exp(
        rng.uniform(-1, 1) * config.stretch
    ) + [0, 0, (size - 1) / 2]
    return matrix


def halved(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine to a crop of half the size, pixel centres kept in place."""
    half = matrix * 0.5
    half[:, 2] -= 0.25
    return half


def take(
    cache: RegionCache, index: int, matrix: NDArray[np.float64], size: int
) -> tuple[Pixels, NDArray[np.uint8]]:
    """Crop of `size` and codes of half that size."""
    crop = cache.crops[index]
    if np.hypot(*matrix[:, 0]) < 0.62:
        crop = cv2.blur(crop, (2, 2))
    out = cv2.warpAffine(
        crop, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    codes = cv2.warpAffine(
        cache.masks[index],
        halved(matrix),
        (size // 2, size // 2),
        flags=cv2.INTER_NEAREST,
        borderValue=IGNORE,
    )
    return out.astype(np.uint8, copy=False), codes.astype(np.uint8, copy=False)


def filled(crop: Pixels, mask: NDArray[np.uint8]) -> Pixels:
    """A picture without its person: holes get the mean of ever wider surroundings."""
    known = (mask == Region.BACKGROUND).astype(np.float32)[..., None]
    out, left = crop * known, 1 - known[..., 0]
    for side in (32, 8, 2, 1):
        colour = cv2.resize(crop * known, (side, side), interpolation=cv2.INTER_AREA)
        weight = cv2.resize(known, (side, side), interpolation=cv2.INTER_AREA)
        there = (weight > 0.02).astype(np.float32)
        mean = colour.reshape(side, side, 3) / np.maximum(weight, 1e-3)[..., None]
        size = crop.shape[1::-1]
        mean = cv2.resize(mean, size, interpolation=cv2.INTER_LINEAR)
        there = left * (cv2.resize(there, size, interpolation=cv2.INTER_LINEAR) > 0.999)
        out += mean * there[..., None]
        left -= there
    return np.clip(out, 0, 255).astype(np.uint8)


def _noise(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    """Clouds of random scales and colours, or one texture, 0..255."""
    out = np.zeros((size, size, 3), np.float32) + rng.uniform(0, 255, 3).astype(np.float32)
    for cells in rng.choice([2, 4, 8, 16, 32, 64, 128], rng.integers(1, 4), replace=False):
        colours = 1 if rng.random() < 0.4 else 3
        part = rng.standard_normal((cells, cells, colours), np.float32) * rng.uniform(5, 60)
        way = cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_NEAREST
        part = cv2.resize(part, (size, size), interpolation=way).reshape(size, size, -1)
        out += part
    return out


def _gradient(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    """Four random corners, as a studio's wall, 0..255."""
    corners = rng.uniform(0, 255, 3) + rng.normal(0, 40, (2, 2, 3))
    return cv2.resize(corners.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)


def background(cache: RegionCache, whole: NDArray[np.int64], rng: np.random.Generator, size: int) -> Pixels:
    """Another picture's surroundings, clouds or a gradient."""
    kind = rng.random()
    if kind < 0.55:
        index = int(rng.choice(whole))
        out = filled(cache.crops[index, ::2, ::2], cache.masks[index, ::2, ::2])
        zoom = rng.uniform(0.5, 1.0)
        side = int(zoom * out.shape[0])
        y, x = rng.integers(0, out.shape[0] - side + 1, 2)
        out = cv2.resize(out[y : y + side, x : x + side], (size, size))
        return out[:, ::-1] if rng.random() < 0.5 else out
    drawn_one = _noise(rng, size) if kind < 0.8 else _gradient(rng, size)
    return np.clip(drawn_one, 0, 255).astype(np.uint8)


def put_before(
    crop: Pixels, codes: NDArray[np.uint8], behind: Pixels, rng: np.random.Generator
) -> Pixels:
    """The person before another background, with a slightly soft edge; unlabelled parts stay."""
    person = (codes != Region.BACKGROUND).astype(np.float32)
    person = cv2.resize(person, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    share = cv2.GaussianBlur(person, (0, 0), float(rng.uniform(0.6, 1.6)))[..., None]
    return np.clip(behind + share * (crop.astype(np.float32) - behind), 0, 255).astype(np.uint8)


def wear_glasses(
    crop: Pixels, codes: NDArray[np.uint8], points: NDArray[np.float64], rng: np.random.Generator
) -> tuple[Pixels, NDArray[np.uint8]]:
    """Drawn glasses: clear ones leave the eyes visible and labelled, as the data's masks do."""
    size = crop.shape[0]
    eyes = [points[list(eye)].mean(0) for eye in (RIGHT_EYE, LEFT_EYE)]
    across = eyes[1] - eyes[0]
    gap, angle = float(np.hypot(*across)), float(np.degrees(np.arctan2(across[1], across[0])))
    axes = (gap * rng.uniform(0.34, 0.48), gap * rng.uniform(0.24, 0.42))
    thick = max(1, round(size / 256 * rng.uniform(1, 5)))
    lens, frame = np.zeros((size, size), np.uint8), np.zeros((size, size), np.uint8)
    box = rng.random() < 0.4
    for eye in eyes:
        centre = eye + np.array([-across[1], across[0]]) * rng.uniform(-0.02, 0.02) + [0, 0.05 * gap]
        shape = (centre.tolist(), (2 * axes[0], 2 * axes[1]), angle)
        outline = cv2.boxPoints(shape) if box else cv2.ellipse2Poly(
            tuple(map(int, centre)), tuple(map(int, axes)), int(angle), 0, 360, 12
        )
        cv2.fillPoly(lens, [outline.astype(np.int32)], 255)
        cv2.polylines(frame, [outline.astype(np.int32)], True, 255, thick, cv2.LINE_AA)
    unit = across / max(gap, 1e-6)
    inner = [eyes[0] + unit * axes[0], eyes[1] - unit * axes[0]]
    outer = [points[234], eyes[0] - unit * axes[0], eyes[1] + unit * axes[0], points[454]]
    for a, b in (inner, outer[:2], outer[2:]):
        cv2.line(frame, tuple(map(int, a)), tuple(map(int, b)), 255, thick, cv2.LINE_AA)
    dark = rng.random() < 0.4
    tint = rng.uniform(0.7, 0.97) if dark else rng.uniform(0.0, 0.25)
    colours = rng.uniform(0, 90, 3) if dark else rng.uniform(0, 255, 3), rng.uniform(0, 160, 3)
    out = crop.astype(np.float32)
    for mask, colour, share in ((lens, colours[0], tint), (frame, colours[1], 0.95)):
        alpha = (mask.astype(np.float32) / 255 * share)[..., None]
        out += alpha * (colour.astype(np.float32) - out)
    small = [cv2.resize(m, codes.shape[::-1], interpolation=cv2.INTER_AREA) > 100 for m in (lens, frame)]
    seen = np.isin(codes, (Region.LEFT_EYE, Region.RIGHT_EYE)) & ~np.bool_(dark)
    where = (small[0] & ~seen) | small[1]
    where &= codes != IGNORE
    return out.astype(np.uint8), np.where(where, np.uint8(Region.GLASSES), codes)


BORROWED = (Region.HAT, Region.HAT, Region.EARRING, Region.NECKLACE, Region.GLASSES)
"""Parts that few pictures show, as often as they are borrowed."""


def borrow(
    crop: Pixels, codes: NDArray[np.uint8], other: Pixels, others: NDArray[np.uint8], part: Region
) -> tuple[Pixels, NDArray[np.uint8]]:
    """The picture with a part of another one in the same place; a hat comes with all that is above it."""
    where = others == part
    if part is Region.HAT:
        # Else the hair that the hat would hide stands out above it.
        where = np.maximum.accumulate(where[::-1], axis=0)[::-1]
    where &= (codes != IGNORE) & (others != IGNORE)
    share = cv2.resize(where.astype(np.float32), crop.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    share = cv2.GaussianBlur(share, (0, 0), 0.8)[..., None]
    out = crop + share * (other.astype(np.float32) - crop)
    return out.astype(np.uint8), np.where(where, others, codes)


def pools_of(cache: RegionCache) -> Pools:
    """The rows of a cache that lend backgrounds and parts."""
    faces = np.isfinite(cache.points[:, 0, 0])
    whole = np.nonzero((cache.sources == "celebamask_1000") & faces)[0]
    small = cache.masks[whole, ::2, ::2].reshape(len(whole), -1)
    return Pools(whole, {part: whole[(small == part).sum(1) > 20] for part in set(BORROWED)})


def _borrowed(
    cache: RegionCache,
    crop: Pixels,
    codes: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    lenders: dict[Region, NDArray[np.int64]],
    rng: np.random.Generator,
) -> tuple[Pixels, NDArray[np.uint8]]:
    part = BORROWED[rng.integers(len(BORROWED))]
    if len(lenders[part]) == 0 or (codes == part).any():
        return crop, codes
    other, others = take(cache, int(rng.choice(lenders[part])), matrix, crop.shape[0])
    if rng.random() < 0.5:
        other, others = np.ascontiguousarray(other[:, ::-1]), mirrored(others)
    return borrow(crop, codes, other, others, part)


def light(crop: Pixels, rng: np.random.Generator, config: AugmentConfig) -> Pixels:
    """Gain, gamma, tint, saturation, a slope of light, or grey."""
    if rng.random() < config.light_share:
        levels = np.arange(256, dtype=np.float32)[:, None] / 255
        curve = levels ** np.exp(rng.uniform(-0.5, 0.5)) * np.exp(rng.uniform(-0.5, 0.35))
        curve = curve * (1 + rng.uniform(-0.15, 0.15, 3)) + rng.uniform(-0.12, 0.12)
        crop = cv2.LUT(crop, np.clip(curve * 255, 0, 255).astype(np.uint8)[None])
    if rng.random() < 0.2:
        slope = cv2.resize(rng.uniform(0.45, 1.4, (2, 2)).astype(np.float32), crop.shape[1::-1])
        crop = np.clip(crop * slope[..., None], 0, 255).astype(np.uint8)
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < config.grey_share:
        return grey
    if rng.random() < 0.4:
        much = float(rng.uniform(0.3, 1.5))
        return cv2.addWeighted(crop, much, grey, 1 - much, 0)
    return crop


def degrade(crop: Pixels, rng: np.random.Generator, config: AugmentConfig) -> Pixels:
    """Low resolution, blur or sharpening, noise, codec."""
    size = crop.shape[0]
    if rng.random() < config.small_share:
        side = int(np.exp(rng.uniform(np.log(config.smallest), np.log(size))))
        crop = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
        if rng.random() < config.jpeg_share:
            crop = jpeg(crop, int(rng.integers(40, 96)), str(rng.choice(list(SUBSAMPLING))))
        way = cv2.INTER_LINEAR if rng.random() < 0.3 else cv2.INTER_CUBIC
        crop = cv2.resize(crop, (size, size), interpolation=way)
    elif rng.random() < 0.3:
        soft = cv2.GaussianBlur(crop, (0, 0), float(rng.uniform(0.5, 2.0)))
        crop = soft if rng.random() < 0.4 else cv2.addWeighted(crop, 1.6, soft, -0.6, 0)
    if rng.random() < 0.15:
        noise = rng.standard_normal((size, size, 1), np.float32) * rng.uniform(2, 14)
        crop = np.clip(crop + noise, 0, 255).astype(np.uint8)
    if rng.random() < config.jpeg_share:
        crop = jpeg(crop, int(rng.integers(30, 96)), str(rng.choice(list(SUBSAMPLING))))
    return crop.astype(np.uint8, copy=False)


def drawn(
    points: NDArray[np.float64], size: int, rng: np.random.Generator, config: AugmentConfig
) -> NDArray[np.float32]:
    """Outlines with the error of a landmark network, or none at all."""
    if not np.isfinite(points).all() or rng.random() < config.outline_loss:
        return np.zeros((len(OUTLINES), size, size), np.float32)
    middle = points.mean(0)
    points = (points - middle) * np.exp(rng.normal(0, 0.03, 2)) + middle
    points = points + rng.normal(0, config.outline_move * size, 2)
    for outline in OUTLINES:
        points[list(outline)] += rng.normal(0, config.outline_noise * size, 2)
    return outlines(points, size)


def mirrored(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The codes of the mirrored picture."""
    table = np.arange(256, dtype=np.uint8)
    for a, b in SWAPS:
        table[a], table[b] = b, a
    return np.ascontiguousarray(table[codes[:, ::-1]])


def mirrored_outlines(prior: NDArray[np.float32]) -> NDArray[np.float32]:
    """The outlines of the mirrored picture."""
    return np.ascontiguousarray(prior[[0, 1, 3, 2, 5, 4, 6, 7], :, ::-1])


def example(
    cache: RegionCache,
    index: int,
    pools: Pools,
    size: int,
    rng: np.random.Generator,
    config: AugmentConfig,
) -> Example:
    """One random training example of picture `index`."""
    whole = pools.whole
    matrix = square(rng, config, size)
    crop, codes = take(cache, index, matrix, size)
    points = cache.points[index].astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    if index in whole:
        plain = not (codes == Region.GLASSES).any()
        if plain and np.isfinite(points).all() and rng.random() < config.glasses_share:
            crop, codes = wear_glasses(crop, codes, points, rng)
        if rng.random() < config.borrowed_share:
            crop, codes = _borrowed(cache, crop, codes, matrix, pools.lenders, rng)
        if rng.random() < config.background_share:
            crop = put_before(crop, codes, background(cache, whole, rng, size), rng)
    prior = drawn((points + 0.5) / 2 - 0.5, size // 2, rng, config)
    if rng.random() < 0.5:
        crop = np.ascontiguousarray(crop[:, ::-1])
        codes, prior = mirrored(codes), mirrored_outlines(prior)
    return Example(degrade(light(crop, rng, config), rng, config), prior, codes)
