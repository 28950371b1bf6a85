"""The landmark network: 478 face-mesh points, presence and a hint of occlusion from one crop.

Trained by detectors/training/landmarks.py on a teacher's points; weights/landmarks.json says more.
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
from .geometry import CropFrame, crop_frame
from .records import Pixels
from .weights_io import WEIGHTS, load_session

INPUT = 128
"""Side of the network's crop in pixels."""
POINTS = 478
MARGIN = 1.4
"""Side of the network's crop over the larger side of the box around the points."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the network says of one crop."""

    landmarks: NDArray[np.float32]
    """(478, 2) x and y in pixels of the picture."""
    presence: float
    """0 to 1: is this an upright face that fills the crop as trained."""
    occlusion: float
    """0 to 1: estimated share of the points that are covered; learned from synthetic covers."""


def face_frame(landmarks: NDArray[np.floating]) -> CropFrame:
    """The upright square that the network expects around a face with these (478, 2) points."""
    points = np.asarray(landmarks, np.float64)
    axis = crop_frame(points).axis
    unit = axis / max(float(np.hypot(*axis)), 1e-9)
    turn = np.array([[unit[0], unit[1]], [-unit[1], unit[0]]])
    turned = points @ turn.T
    low, high = turned.min(0), turned.max(0)
    side = MARGIN * max(float((high - low).max()), 1.0)
    return CropFrame(turn.T @ ((low + high) / 2), unit * side / 2)


def cut(pixels: Pixels, frame: CropFrame, size: int = INPUT) -> Pixels:
    """The square, `size` x `size` x 3 uint8: black outside the picture, averaged to shrink."""
    corners = frame.corners()
    low = np.maximum(np.floor(corners.min(0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(corners.max(0)).astype(int) + 3, pixels.shape[1::-1])
    if (high - low).min() < 1:
        return np.zeros((size, size, 3), np.uint8)
    part = pixels[low[1] : high[1], low[0] : high[0]]
    frame = CropFrame(frame.centre - low, frame.axis)
    factor = size / frame.side
    if factor < 0.75:
        shape = np.maximum(np.round(np.array(part.shape[1::-1]) * factor).astype(int), 1)
        part = cv2.resize(part, tuple(map(int, shape)), interpolation=cv2.INTER_AREA).astype(
            np.uint8
        )
        frame = frame.scaled(factor)
    out = cv2.warpAffine(part, frame.matrix(size), (size, size), flags=cv2.INTER_LINEAR)
    return out.astype(np.uint8, copy=False)


def to_picture(
    points: NDArray[np.floating], frame: CropFrame, size: int = INPUT
) -> NDArray[np.float32]:
    """Points (N, 2) of the crop's pixels as pixels of the picture."""
    matrix = frame.matrix(size)
    inverse = np.linalg.inv(matrix[:, :2])
    return ((np.asarray(points, np.float64) - matrix[:, 2]) @ inverse.T).astype(np.float32)


@lru_cache(maxsize=1)
def _session() -> ort.InferenceSession:
    path = WEIGHTS / "landmarks.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        filename, sha256 = str(card["file"]), str(card["sha256"])
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(
            "The card weights/landmarks.json is missing or cannot be read."
        ) from error
    return load_session(WEIGHTS, filename, sha256)


def _sigmoid(value: float) -> float:
    return float(1.0 / (1.0 + np.exp(-np.clip(value, -30.0, 30.0))))


def read_crop(pixels: Pixels, frame: CropFrame) -> Reading:
    """One pass of the network over the square `frame` of the picture."""
    crop = cut(pixels, frame).astype(np.float32).transpose(2, 0, 1)[None]
    points, scores = _session().run(None, {"crop": crop})
    return Reading(to_picture(points[0], frame), _sigmoid(scores[0, 0]), _sigmoid(scores[0, 1]))


def refine(pixels: Pixels, frame: CropFrame, passes: int = 2) -> Reading:
    """Read, cut again upright around the points found, and read again: `passes` passes in all."""
    reading = read_crop(pixels, frame)
    for _ in range(passes - 1):
        reading = read_crop(pixels, face_frame(reading.landmarks))
    return reading
