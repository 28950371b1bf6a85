"""The FFHQ crop: from 478 face-mesh points to the square that StyleGAN learned, and the warp into it.

Source: the FFHQ dataset's aligner (Karras, Laine, Aila 2019, arXiv 1812.04948, appendix A), which uses dlib's
68 points; the eye outlines and mouth corners below are the face-mesh points in the same places.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .records import Pixels

# Six outline points an eye as in dlib's 36-41 and 42-47; "right" is the pictured person's right.
RIGHT_EYE = (33, 160, 158, 133, 153, 144)
LEFT_EYE = (362, 385, 387, 263, 373, 380)
MOUTH_CORNERS = (61, 291)
RIGHT_IRIS = (468, 469, 470, 471, 472)
LEFT_IRIS = (473, 474, 475, 476, 477)


@dataclass(frozen=True, slots=True)
class CropFrame:
    """The FFHQ square in the picture: centre and the half side along the crop's own x axis."""

    centre: NDArray[np.float64]
    """(2,) x and y in pixels."""
    axis: NDArray[np.float64]
    """(2,) from the centre to the middle of the crop's right edge, in pixels."""

    @property
    def side(self) -> float:
        """Side of the square in pixels."""
        return 2.0 * float(np.hypot(*self.axis))

    @property
    def roll(self) -> float:
        """Rotation of the square against the picture in degrees, clockwise positive."""
        return float(np.degrees(np.arctan2(self.axis[1], self.axis[0])))

    def corners(self) -> NDArray[np.float64]:
        """(4, 2) top left, top right, bottom right, bottom left, in pixels."""
        x, y = self.axis, np.array([-self.axis[1], self.axis[0]])
        return np.stack([self.centre - x - y, self.centre + x - y, self.centre + x + y, self.centre - x + y])

    def scaled(self, factor: float) -> CropFrame:
        """The same square after the picture was resized by `factor`, pixel centres kept in place."""
        return CropFrame((self.centre + 0.5) * factor - 0.5, self.axis * factor)

    def matrix(self, size: int, margin: float = 0.0) -> NDArray[np.float64]:
        """(2, 3) affine from picture pixels to the pixels of a `size` x `size` crop.

        `margin` widens the square by that share of its side at each edge; pixel centres are at whole numbers.
        """
        half = self.axis * (1 + 2 * margin)
        scale = size / (2.0 * float(np.hypot(*half)))
        unit = half / np.hypot(*half)
        rotation = scale * np.array([[unit[0], unit[1]], [-unit[1], unit[0]]])
        shift = (size - 1) / 2.0 - rotation @ self.centre
        return np.hstack([rotation, shift[:, None]])


def crop_frame(landmarks: NDArray[np.floating]) -> CropFrame:
    """The FFHQ square of a face given its (478, 2) landmarks in pixels."""
    points = np.asarray(landmarks, np.float64)
    right, left = points[list(RIGHT_EYE)].mean(0), points[list(LEFT_EYE)].mean(0)
    eye_centre, eye_to_eye = (left + right) / 2, left - right
    eye_to_mouth = points[list(MOUTH_CORNERS)].mean(0) - eye_centre
    x = eye_to_eye - np.array([-eye_to_mouth[1], eye_to_mouth[0]])
    x /= max(float(np.hypot(*x)), 1e-6)
    x *= max(np.hypot(*eye_to_eye) * 2.0, np.hypot(*eye_to_mouth) * 1.8)
    return CropFrame(eye_centre + 0.1 * eye_to_mouth, x)


def interocular(landmarks: NDArray[np.floating]) -> float:
    """Distance of the two eye centres in pixels."""
    points = np.asarray(landmarks, np.float64)
    return float(np.hypot(*(points[list(LEFT_EYE)].mean(0) - points[list(RIGHT_EYE)].mean(0))))


def align(
    pixels: Pixels, landmarks: NDArray[np.floating], size: int, *, margin: float = 0.0
) -> tuple[Pixels, NDArray[np.bool_]]:
    """The FFHQ crop of a face as `size` x `size` x 3 uint8 RGB, and a mask of what lay inside the picture.

    Outside the picture the border is reflected. A face larger than the crop is first shrunk by area averaging, so
    that no aliasing is added.
    """
    return warp(pixels, crop_frame(landmarks), size, margin=margin)


def warp(
    pixels: Pixels, frame: CropFrame, size: int, *, margin: float = 0.0
) -> tuple[Pixels, NDArray[np.bool_]]:
    """As `align`, for a square that is known already."""
    factor = size / (frame.side * (1 + 2 * margin))
    if factor < 0.75:
        height, width = pixels.shape[:2]
        small = (max(1, round(width * factor)), max(1, round(height * factor)))
        pixels = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        frame = frame.scaled(factor)
    matrix = frame.matrix(size, margin)
    out = cv2.warpAffine(
        pixels, matrix, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    inside = cv2.warpAffine(
        np.full(pixels.shape[:2], 255, np.uint8), matrix, (size, size), flags=cv2.INTER_LINEAR
    )
    return out.astype(np.uint8, copy=False), inside > 254
