"""Which part of a portrait each pixel shows: a small parsing network on the FFHQ square of a face.

Trained by detectors/training/regions.py; weights/regions.json says on what. Its probabilities are refined
against the picture by the guided filter (He, Sun, Tang 2013, "Guided Image Filtering", equations 19 to 21).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from .errors import WeightsError
from .geometry import CropFrame, crop_frame, warp
from .records import Pixels, Region, Regions
from .weights_io import WEIGHTS, load_session

INPUT = 256
"""Side of the network's crop in pixels."""
OUTPUT = 128
"""Side of the network's map in pixels."""
CARD = "regions.json"
SHIFT = 4
"""Binary digits of a pixel that OpenCV's polygons are given."""

# Outlines in face-mesh points, each in order; left is the pictured person's left.
OVAL: tuple[int, ...] = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379)
OVAL += (378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)
NOSE = (168, 417, 351, 420, 360, 278, 294, 327, 326, 2, 97, 98, 64, 48, 131, 198, 122, 193)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_BROW = (276, 283, 282, 295, 285, 336, 296, 334, 293, 300)
RIGHT_BROW = (46, 53, 52, 65, 55, 107, 66, 105, 63, 70)
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
MOUTH = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
OUTLINES = (OVAL, NOSE, LEFT_EYE, RIGHT_EYE, LEFT_BROW, RIGHT_BROW, LIPS, MOUTH)
"""One channel each of the network's second input, in this order."""


@dataclass(frozen=True, slots=True)
class RegionsConfig:
    """How the network's maps are refined."""

    guide: int = 256
    """Largest side in pixels at which the guided filter's coefficients are found."""
    radius: float = 0.02
    """Radius of its window, in sides of the square."""
    smoothness: float = 3e-4
    """Its epsilon, for a guide in [0, 1]: colour variance below it counts as flat."""
    certain: float = 0.03
    """A matte is refined only near pixels whose share lies this far from 0 and 1."""
    reach: float = 0.014
    """How far from such pixels, in sides of the square."""
    least: float = 0.05
    """A part that nowhere reaches this probability is not labelled; 1/19 is the least that can win."""


def outlines(points: NDArray[np.floating], size: int = OUTPUT) -> NDArray[np.float32]:
    """Polygons of the mesh as (8, size, size) maps in [0, 1], given (478, 2) points in pixels of the map."""
    limit = 8.0 * size
    fixed = np.round(np.clip(points, -limit, limit) * (1 << SHIFT)).astype(np.int32)
    maps = np.zeros((len(OUTLINES), size, size), np.uint8)
    for canvas, outline in zip(maps, OUTLINES, strict=True):
        cv2.fillPoly(canvas, [fixed[list(outline)]], 255, cv2.LINE_AA, SHIFT)
    return np.asarray(maps / np.float32(255), np.float32)


def _means(planes: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """(N, G, G) planes averaged over square windows."""
    window = (2 * radius + 1, 2 * radius + 1)
    return np.stack([cv2.boxFilter(plane, -1, window) for plane in planes])


def guided(
    guide: NDArray[np.float32],
    maps: NDArray[np.float32],
    full: NDArray[np.float32],
    radius: int,
    smoothness: float,
) -> NDArray[np.float32]:
    """(K, S, S) maps that follow the colours of `full` (3, S, S); guide (3, G, G), maps (K, G, G), in [0, 1].

    The linear coefficients are found at the guide's size and enlarged (He, Sun 2015, arXiv 1505.00996).
    """
    centre, level = _means(guide, radius), _means(maps, radius)
    spread = _means(np.stack([guide[i] * guide[j] for i, j in _PAIRS]), radius)
    spread -= np.stack([centre[i] * centre[j] for i, j in _PAIRS])
    inverse = _inverse(spread, smoothness)
    out = np.empty((len(maps), *full.shape[1:]), np.float32)
    for k, plane in enumerate(maps):
        both = _means(guide * plane, radius) - centre * level[k]
        slope = np.stack([sum(inverse[i][j] * both[j] for j in range(3)) for i in range(3)])
        offset = level[k] - (slope * centre).sum(0)
        lines = _means(np.concatenate([slope, offset[None]]), radius)
        *a, out[k] = (_enlarged(line, full.shape[1]) for line in lines)
        for i in range(3):
            out[k] += a[i] * full[i]
    return np.clip(out, 0.0, 1.0, out=out)


_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


def _inverse(
    spread: NDArray[np.float32], smoothness: float
) -> tuple[tuple[NDArray[np.float32], ...], ...]:
    """Per pixel, the symmetric 3x3 inverse of (covariance + smoothness), by cofactors."""
    a, b, c, d, e, f = spread
    a, d, f = a + smoothness, d + smoothness, f + smoothness
    rows = (
        (d * f - e * e, c * e - b * f, b * e - c * d),
        (c * e - b * f, a * f - c * c, b * c - a * e),
        (b * e - c * d, b * c - a * e, a * d - b * b),
    )
    # A covariance is positive, so the determinant is at least smoothness cubed, but for rounding.
    scale = 1.0 / np.maximum(a * rows[0][0] + b * rows[0][1] + c * rows[0][2], smoothness**3)
    return tuple(tuple(value * scale for value in row) for row in rows)


def _enlarged(plane: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(plane, (size, size), interpolation=cv2.INTER_LINEAR))


@lru_cache(maxsize=1)
def _session() -> ort.InferenceSession:
    try:
        card = json.loads((WEIGHTS / CARD).read_text(encoding="utf-8"))
        filename, sha256 = str(card["file"]), str(card["sha256"])
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f"The card weights/{CARD} is missing or cannot be read.") from error
    return load_session(WEIGHTS, filename, sha256)


def _frame(landmarks: NDArray[np.floating]) -> CropFrame:
    """The FFHQ square, of at least one pixel, whatever the landmarks are."""
    frame = crop_frame(np.nan_to_num(np.asarray(landmarks, np.float64)))
    return frame if frame.side >= 1.0 else CropFrame(frame.centre, np.array([0.5, 0.0]))


def probabilities(crop: Pixels, points: NDArray[np.floating]) -> NDArray[np.float32]:
    """(19, 128, 128) of a (256, 256, 3) crop with its (478, 2) landmarks in pixels of the crop."""
    value = crop.astype(np.float32).transpose(2, 0, 1)[None]
    # Pixel centres are at whole numbers at both sizes.
    prior = outlines((np.asarray(points) + 0.5) * (OUTPUT / INPUT) - 0.5)
    (out,) = _session().run(None, {"crop": value, "outlines": prior[None]})
    return np.asarray(out[0], np.float32)


def face_regions(
    pixels: Pixels,
    landmarks: NDArray[np.floating],
    size: int = 512,
    config: RegionsConfig | None = None,
) -> Regions:
    """The regions of a face in HxWx3 uint8 RGB pixels, given its (478, 2) landmarks, over its FFHQ square.

    Where the square leaves the picture, `geometry.warp` reflects it, and the reflection is labelled as if it
    were seen: mask it with the `inside` that `warp` returns. WeightsError when the network is missing or changed.
    """
    frame = _frame(landmarks)
    square, _ = warp(pixels, frame, max(size, INPUT))
    matrix = frame.matrix(INPUT)
    points = np.nan_to_num(np.asarray(landmarks, np.float64)) @ matrix[:, :2].T + matrix[:, 2]
    coarse = probabilities(_resized(square, INPUT), points)
    return decide(coarse, _resized(square, size), config or RegionsConfig())


def _resized(square: Pixels, size: int) -> Pixels:
    if square.shape[0] == size:
        return square
    return cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def decide(coarse: NDArray[np.float32], square: Pixels, config: RegionsConfig) -> Regions:
    """Labels, confidences and mattes from (19, M, M) probabilities and the (S, S, 3) square that they show."""
    size = square.shape[0]
    hair = _enlarged(coarse[Region.HAIR], size)
    person = 1.0 - _enlarged(coarse[Region.BACKGROUND], size)
    hair, person = _refined(np.stack([hair, person]), square, config)
    labels, best = np.zeros((size, size), np.uint8), 1.0 - person
    for part in list(Region)[1:]:
        if coarse[part].max() < config.least:
            continue
        share = hair if part is Region.HAIR else _enlarged(coarse[part], size)
        labels[share > best] = part
        np.maximum(best, share, out=best)
    return Regions(labels, _confidence(labels, coarse), hair, person)


def _refined(
    rough: NDArray[np.float32], square: Pixels, config: RegionsConfig
) -> NDArray[np.float32]:
    """(K, S, S) shares, led by the picture's edges where they are uncertain, untouched elsewhere."""
    size = square.shape[0]
    side = min(config.guide, size)
    small = np.stack([cv2.resize(r, (side, side), interpolation=cv2.INTER_AREA) for r in rough])
    guide = cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)
    planes = [np.moveaxis(p, -1, 0) * np.float32(1 / 255) for p in (guide, square)]
    radius, reach = (max(1, round(v * side)) for v in (config.radius, config.reach))
    sharp = guided(planes[0], small, planes[1], radius, config.smoothness)
    unsure = (small > config.certain) & (small < 1 - config.certain)
    kernel = np.ones((2 * reach + 1,) * 2, np.uint8)
    for k, where in enumerate(unsure):
        near = cv2.dilate(where.astype(np.uint8), kernel).astype(np.float32)
        near = _enlarged(cv2.boxFilter(near, -1, (2 * reach + 1,) * 2), size)
        rough[k] += near * (sharp[k] - rough[k])
    return rough


def _confidence(
    labels: NDArray[np.uint8], coarse: NDArray[np.float32]
) -> dict[Region, float]:
    """Mean probability of each part where it is labelled, at the network's resolution."""
    side = coarse.shape[1]
    small = cv2.resize(labels, (side, side), interpolation=cv2.INTER_NEAREST)
    out = {}
    for part in Region:
        where = small == part
        out[part] = float(coarse[part][where].mean()) if where.any() else 0.0
    return out
