"""One face made ready for the analyzers: crops, colour spaces and regions, each computed once and shared."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import CropFrame, crop_frame, warp
from .padding import Padding, find_padding
from .records import Box, Face, Photo, Pixels, Regions
from .regions import face_regions

SIZES = (1024, 512, 256)
"""Sides in pixels of the crops that analyzers work on."""
REGION_SIZE = 512
LONGEST_MAP = 1024


class FaceView:
    """The FFHQ square of one face at the sizes that analyzers need; crop pixel centres are at whole numbers."""

    def __init__(self, photo: Photo, face: Face) -> None:
        self.photo = photo
        self.face = face
        self.frame: CropFrame = crop_frame(face.landmarks)
        self._crops: dict[int, tuple[Pixels, NDArray[np.bool_]]] = {}
        self._labs: dict[int, NDArray[np.float32]] = {}
        self._maps: dict[tuple[str, int], NDArray[np.generic]] = {}

    @property
    def side(self) -> float:
        """Native side of the square in pixels of the picture."""
        return self.frame.side

    @property
    def detail(self) -> float:
        """Pixels across the square that carry detail: the side times the measured sharpness."""
        return self.side * self.face.quality.sharpness

    @cached_property
    def size(self) -> int:
        """Side of the working crop: the largest of `SIZES` that enlarges the face by less than 1.4."""
        return next((size for size in SIZES if size < 1.4 * self.side), SIZES[-1])

    def crop(self, size: int) -> Pixels:
        """The square as (size, size, 3) uint8 RGB."""
        return self._crop(size)[0]

    def inside(self, size: int) -> NDArray[np.bool_]:
        """(size, size) where the square shows the picture; elsewhere `crop` holds a reflection."""
        return self._crop(size)[1]

    def valid(self, size: int) -> NDArray[np.bool_]:
        """(size, size) where the square shows photographed pixels: inside the picture and not its padding."""
        return self.inside(size) & ~self.to_crop(self.padding.mask, size)

    def lab(self, size: int) -> NDArray[np.float32]:
        """The square in CIE L*a*b*, (size, size, 3): L 0 to 100, a and b about -100 to 100. Do not write into it."""
        if size not in self._labs:
            scaled = self.crop(size).astype(np.float32) / np.float32(255)
            self._labs[size] = cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB).astype(np.float32, copy=False)
        return self._labs[size]

    @cached_property
    def regions(self) -> Regions:
        """The parts of the portrait, at 512 px."""
        return face_regions(self.photo.pixels, self.face.landmarks, REGION_SIZE)

    def labels(self, size: int) -> NDArray[np.uint8]:
        """The parts of the portrait, (size, size) values of `Region`. Do not write into it."""
        return self._scaled("labels", size, cv2.INTER_NEAREST).astype(np.uint8, copy=False)

    def hair(self, size: int) -> NDArray[np.float32]:
        """Share of hair, (size, size), 0 to 1. Do not write into it."""
        return self._scaled("hair", size, cv2.INTER_LINEAR).astype(np.float32, copy=False)

    def person(self, size: int) -> NDArray[np.float32]:
        """Share of the person, (size, size), 0 to 1. Do not write into it."""
        return self._scaled("person", size, cv2.INTER_LINEAR).astype(np.float32, copy=False)

    @cached_property
    def padding(self) -> Padding:
        """Borders of the picture that repeat its inside, as FFHQ's and CelebA-HQ's aligners leave them."""
        return find_padding(self.photo.pixels)

    def points(self, size: int) -> NDArray[np.float64]:
        """The (478, 2) landmarks in pixels of the crop of that size."""
        matrix = self.frame.matrix(size)
        return np.asarray(self.face.landmarks, np.float64) @ matrix[:, :2].T + matrix[:, 2]

    def to_crop(self, mask: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
        """(size, size) of a mask over the picture (of any resolution, covering all of it)."""
        height, width = mask.shape
        factor = np.array([width / self.photo.width, height / self.photo.height])
        matrix = self.frame.matrix(size)
        matrix[:, :2] /= factor
        matrix[:, 2] -= matrix[:, :2] @ (0.5 * factor - 0.5)
        out = cv2.warpAffine(
            mask.astype(np.uint8), matrix, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
        )
        return out.astype(bool)

    def to_picture(self, points: NDArray[np.floating], size: int) -> NDArray[np.float64]:
        """(N, 2) points of the crop of that size as pixels of the picture."""
        matrix = self.frame.matrix(size)
        inverse = np.linalg.inv(matrix[:, :2])
        return np.asarray((np.asarray(points, np.float64) - matrix[:, 2]) @ inverse.T)

    def box(self, box: Box, size: int) -> Box:
        """The upright box in the picture around a box (XYXY) of the crop, held inside the picture."""
        x0, y0, x1, y1 = box
        corners = self.to_picture(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float), size)
        low = np.clip(corners.min(0), 0, (self.photo.width - 1, self.photo.height - 1))
        high = np.clip(corners.max(0), 0, (self.photo.width - 1, self.photo.height - 1))
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def outline(self, points: NDArray[np.floating], size: int) -> tuple[tuple[float, float], ...]:
        """(N, 2) corners in the crop as a polygon in the picture."""
        return tuple((float(x), float(y)) for x, y in self.to_picture(points, size))

    def heat(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """A square map over the crop, clipped to [0, 1], as a map over the picture (see Evidence.heatmap)."""
        size = values.shape[0]
        factor = min(1.0, LONGEST_MAP / max(self.photo.width, self.photo.height))
        matrix = self.frame.scaled(factor).matrix(size)
        shape = (max(1, round(self.photo.width * factor)), max(1, round(self.photo.height * factor)))
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        out = cv2.warpAffine(np.clip(values, 0, 1).astype(np.float32), matrix, shape, flags=flags)
        return np.clip(out, 0, 1).astype(np.float32, copy=False)

    def _crop(self, size: int) -> tuple[Pixels, NDArray[np.bool_]]:
        if size not in self._crops:
            self._crops[size] = warp(self.photo.pixels, self.frame, size)
        return self._crops[size]

    def _scaled(self, name: str, size: int, interpolation: int) -> NDArray[np.generic]:
        key = (name, size)
        if key not in self._maps:
            field: NDArray[np.generic] = getattr(self.regions, name)
            same = field.shape[0] == size
            self._maps[key] = field if same else cv2.resize(field, (size, size), interpolation=interpolation)
        return self._maps[key]
