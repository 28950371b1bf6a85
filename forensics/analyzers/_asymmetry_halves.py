"""The two halves of a face laid over each other: patches about mirrored anchors, seen from the nose outward."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import LEFT_EYE, RIGHT_EYE
from ..records import Box
from ..view import FaceView

SIDES = ("right", "left")
"""The pictured person's."""
EYES = (RIGHT_EYE, LEFT_EYE)
PER_UNIT = 96
"""Pixels of a patch to one interocular distance: about the scale of a 400 px square."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A rectangle about an anchor, in interocular distances: x outward from the nose, y down."""

    anchors: tuple[tuple[int, ...], tuple[int, ...]]
    """Face-mesh points whose mean is the anchor, of the person's right and left side."""
    x0: float
    """Towards the nose (negative) or beyond."""
    y0: float
    """Above (negative) or below the anchor."""
    x1: float
    """Outward end."""
    y1: float
    """Lower end."""

    @property
    def shape(self) -> tuple[int, int]:
        """Width and height of a patch in pixels."""
        return round((self.x1 - self.x0) * PER_UNIT), round((self.y1 - self.y0) * PER_UNIT)


GLASSES = Zone(EYES, -0.48, -0.42, 0.72, 0.52)
LOBES = Zone(((132, 177), (361, 401)), -0.12, -0.28, 0.42, 0.75)
JAW = Zone(((61,), (291,)), -0.08, -0.22, 0.45, 0.62)
CHEEKS = Zone(((205,), (425,)), -0.12, -0.12, 0.12, 0.12)
COLLAR = Zone(((152,), (152,)), 0.35, -0.35, 1.8, 0.35)


class Halves:
    """A face at one crop size, from which mirrored patches are cut."""

    def __init__(self, view: FaceView, size: int) -> None:
        self.view = view
        self.size = size
        self.points = view.points(size)
        right, left = (self.points[list(eye)].mean(0) for eye in EYES)
        self.unit = max(float(np.hypot(*(left - right))), 1.0)

    def matrix(self, zone: Zone, side: int) -> NDArray[np.float64]:
        """(2, 3) affine from the crop to the patch of a side; the left side is mirrored."""
        x, y = self.points[list(zone.anchors[side])].mean(0)
        scale, out = PER_UNIT / self.unit, -1.0 if side == 0 else 1.0
        return np.array(
            [
                [out * scale, 0.0, -out * scale * x - zone.x0 * PER_UNIT],
                [0.0, scale, -scale * y - zone.y0 * PER_UNIT],
            ]
        )

    def cut(self, image: NDArray[np.float32], zone: Zone) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The patches of both sides of an image over the crop."""
        first, second = (
            cv2.warpAffine(image, self.matrix(zone, side), zone.shape, borderMode=cv2.BORDER_REPLICATE)
            for side in (0, 1)
        )
        return first.astype(np.float32, copy=False), second.astype(np.float32, copy=False)

    def labels(self, zone: Zone) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Values of `Region` in both patches."""
        labels = self.view.labels(self.size)
        first, second = (
            cv2.warpAffine(labels, self.matrix(zone, side), zone.shape, flags=cv2.INTER_NEAREST) for side in (0, 1)
        )
        return first.astype(np.uint8, copy=False), second.astype(np.uint8, copy=False)

    def valid(self, zone: Zone) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Where both patches show photographed pixels."""
        inside = self.view.valid(self.size).astype(np.uint8)
        first, second = (
            cv2.warpAffine(inside, self.matrix(zone, side), zone.shape, flags=cv2.INTER_NEAREST) for side in (0, 1)
        )
        return first > 0, second > 0

    def box(self, zone: Zone, side: int, mask: NDArray[np.bool_] | None = None) -> Box:
        """The box in the picture around the marked pixels of a side's patch, or around all of it."""
        width, height = zone.shape
        corners = np.array([(0, 0), (width - 1, height - 1)], float)
        if mask is not None and mask.any():
            rows, columns = np.nonzero(mask)
            corners = np.array([(columns.min() - 2, rows.min() - 2), (columns.max() + 2, rows.max() + 2)], float)
        matrix = self.matrix(zone, side)
        back = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        low, high = back.min(0), back.max(0)
        return self.view.box((float(low[0]), float(low[1]), float(high[0]), float(high[1])), self.size)

    def spread(self, patch: NDArray[np.floating], zone: Zone, side: int) -> NDArray[np.float32]:
        """(size, size) the patch of a side, back in its place in the crop."""
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        out = cv2.warpAffine(patch.astype(np.float32), self.matrix(zone, side), (self.size, self.size), flags=flags)
        return out.astype(np.float32, copy=False)
