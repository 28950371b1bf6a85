"""Find the faces of a picture: squares from Haar cascades, confirmed by the landmark network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import CropFrame, crop_frame
from .haar import Search, candidates
from .landmarks import Reading, face_frame, read_crop
from .pose import head_pose
from .quality import alignment, face_quality
from .records import Box, Face, Photo, Pixels

QUICK = Search(128, neighbours=1, smallest=20)
GROUP = Search(320, step=1.2, smallest=20)
CROWD = Search(640, step=1.2, smallest=20)
RESCUES = (
    Search(480, step=1.1, neighbours=2, equalise=True),
    Search(240, "frontalface_default", 1.1, 2, smallest=24),
    Search(200, neighbours=1, smallest=24, degrees=30.0),
    Search(200, neighbours=1, smallest=24, degrees=-30.0),
    Search(240, "profileface", 1.1, 2, smallest=24),
    Search(240, "profileface", 1.1, 2, smallest=24, mirror=True),
)


@dataclass(frozen=True, slots=True)
class FaceConfig:
    """How faces are looked for, and when one is believed."""

    presence: float = 0.95
    """Presence after the last pass from which a face is believed; chosen on validation pictures."""
    small_presence: float = 0.98
    """The same for a face whose box is below `small` pixels."""
    small: float = 48.0
    """Below this size of the box little tells a face from a coin."""
    rescue_presence: float = 0.97
    """Presence asked of a face that only the slower searches found."""
    first_presence: float = 0.6
    """Presence of the first pass below which a square is dropped at once."""
    drift: float = 0.5
    """Largest move of the square in the first pass, in sides, and largest change of log size."""
    settled: float = 0.12
    """The same for the last pass: a true face is a fixed point of reading and cutting again."""
    most_passes: int = 4
    """Passes after which a square that has not settled is dropped."""
    overlap: float = 0.4
    """Intersection over the smaller box from which two boxes are one face."""
    smallest: float = 20.0
    """Smallest side in pixels of the box around a face's points."""
    quick: Search = QUICK
    """The search that is always made: faces from about a fifth of the longer side."""
    group: Search = GROUP
    """The search for smaller faces, when the first found none, several, or only a small one."""
    group_share: float = 0.35
    """A largest square below this share of the picture's longer side calls for the group search."""
    crowd: Search = CROWD
    """The search for the smallest faces, made when the others found none or a crowd."""
    crowd_faces: int = 3
    """Faces that make a crowd."""
    enlarge: float = 2.5
    """Most that a small picture is enlarged for a search."""
    rescues: tuple[Search, ...] = RESCUES
    """Searches made in turn until one finds a face, when nothing else did."""


def box_of(landmarks: NDArray[np.floating]) -> Box:
    """XYXY around the points."""
    low, high = landmarks.min(0), landmarks.max(0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def overlap(first: Box, second: Box) -> float:
    """Intersection over the smaller area of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (first, second)]
    return max(width, 0.0) * max(height, 0.0) / max(min(areas), 1e-9)


def _move(before: CropFrame, after: CropFrame) -> float:
    """The larger of the move in sides and the change of log size from one square to the next."""
    shift = float(np.hypot(*(after.centre - before.centre))) / max(before.side, 1e-6)
    return max(shift, abs(float(np.log(after.side / before.side))))


def confirm(pixels: Pixels, frame: CropFrame, config: FaceConfig, least: float) -> Reading | None:
    """Read the square until it settles; None unless it does and the network stays sure."""
    reading = read_crop(pixels, frame)
    follow = face_frame(reading.landmarks)
    if reading.presence < config.first_presence or _move(frame, follow) > config.drift:
        return None
    for _ in range(config.most_passes - 1):
        frame, reading = follow, read_crop(pixels, follow)
        if reading.presence < config.first_presence:
            return None
        follow = face_frame(reading.landmarks)
        if _move(frame, follow) < config.settled:
            return reading if _believed(pixels, reading, config, least) else None
    return None


def _believed(pixels: Pixels, reading: Reading, config: FaceConfig, least: float) -> bool:
    """Whether a settled face is sure and large enough, and at least half in the picture."""
    box = box_of(reading.landmarks)
    size = max(box[2] - box[0], box[3] - box[1])
    least = max(least, config.small_presence) if size < config.small else least
    return reading.presence >= least and size >= config.smallest and _inside(pixels, box)


def _inside(pixels: Pixels, box: Box) -> bool:
    """Whether at least half of the box lies in the picture."""
    height, width = pixels.shape[:2]
    across = min(box[2], width) - max(box[0], 0.0)
    down = min(box[3], height) - max(box[1], 0.0)
    area = max((box[2] - box[0]) * (box[3] - box[1]), 1e-9)
    return bool(max(across, 0.0) * max(down, 0.0) >= 0.5 * area)


def _merge(readings: Iterable[Reading], config: FaceConfig) -> list[Reading]:
    """One reading a face: the surest of those whose boxes overlap."""
    kept: list[Reading] = []
    for reading in sorted(readings, key=lambda r: -r.presence):
        box = box_of(reading.landmarks)
        if all(overlap(box, box_of(other.landmarks)) < config.overlap for other in kept):
            kept.append(reading)
    return kept


def _known(frame: CropFrame, readings: list[Reading]) -> bool:
    """Whether a square is about the place and size of a face that was read already."""
    for reading in readings:
        other = face_frame(reading.landmarks)
        near = np.hypot(*(frame.centre - other.centre)) < 0.25 * other.side
        if near and 0.6 < frame.side / other.side < 1.7:
            return True
    return False


def guesses(width: int, height: int) -> tuple[CropFrame, ...]:
    """Squares for a face that fills the picture: as in an FFHQ crop, and tighter."""
    short, middle = min(width, height), np.array([(width - 1) / 2, (height - 1) / 2])
    return tuple(
        CropFrame(middle + np.array([0.0, down * short]), np.array([share * short / 2, 0.0]))
        for share, down in ((0.905, 0.1), (1.25, 0.05))
    )


def whole_picture(width: int, height: int) -> Iterator[CropFrame]:
    """Squares of falling size over the picture's middle."""
    short, middle = min(width, height), np.array([(width - 1) / 2, (height - 1) / 2])
    for share, steps in ((0.6, (0.0,)), (0.42, (-0.15, 0.15))):
        for down in (-0.15, 0.05):
            for aside in steps:
                centre = middle + np.array([aside, down]) * short
                yield CropFrame(centre, np.array([share * short / 2, 0.0]))


def _first(pixels: Pixels, frames: Iterable[CropFrame], config: FaceConfig) -> list[Reading]:
    """The first of the squares that holds a face for certain."""
    least = config.rescue_presence
    readings = (confirm(pixels, frame, config, least) for frame in frames)
    return next(([reading] for reading in readings if reading is not None), [])


@dataclass(frozen=True, slots=True)
class _Sight:
    """A picture, and the smaller one in which faces are looked for."""

    pixels: Pixels
    base: Pixels

    @property
    def longest(self) -> int:
        """Longer side of the picture in pixels."""
        return int(max(self.pixels.shape[:2]))

    def squares(self, search: Search, enlarge: float) -> list[CropFrame]:
        """Squares in pixels of the picture that may hold a face."""
        long_side = min(search.long_side, round(self.longest * enlarge))
        factor = self.longest / max(self.base.shape[:2])
        found = candidates(self.base, replace(search, long_side=long_side))
        return [frame.scaled(factor) for frame in found]


def _sight(pixels: Pixels, config: FaceConfig) -> _Sight:
    """The picture with a base that is no larger than the searches need."""
    if max(pixels.shape[:2]) <= 2 * config.crowd.long_side:
        return _Sight(pixels, pixels)
    factor = config.crowd.long_side / max(pixels.shape[:2])
    size = tuple(max(1, round(v * factor)) for v in pixels.shape[1::-1])
    base = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return _Sight(pixels, base.astype(np.uint8, copy=False))


def _search(
    sight: _Sight, search: Search, known: list[Reading], config: FaceConfig, least: float
) -> list[Reading]:
    """The known faces and those that one more search finds."""
    found = list(known)
    for frame in sight.squares(search, config.enlarge):
        if not _known(frame, found):
            reading = confirm(sight.pixels, frame, config, least)
            if reading is not None:
                found.append(reading)
    return _merge(found, config)


def _rescue(sight: _Sight, config: FaceConfig) -> list[Reading]:
    """The slower ways, in turn, until one finds a face."""
    for search in config.rescues:
        found = _search(sight, search, [], config, config.rescue_presence)
        if found:
            return found
    return _first(sight.pixels, whole_picture(*sight.pixels.shape[1::-1]), config)


def _calls_for_group(found: list[Reading], longest: int, config: FaceConfig) -> bool:
    """Whether there may be smaller faces: none was found, several, or only a small one."""
    largest = max((face_frame(reading.landmarks).side for reading in found), default=0.0)
    return len(found) != 1 or largest < config.group_share * longest


def find_readings(pixels: Pixels, config: FaceConfig | None = None) -> list[Reading]:
    """The network's readings of every face in HxWx3 uint8 pixels, in no order."""
    config = config or FaceConfig()
    height, width = pixels.shape[:2]
    if min(height, width) < config.smallest:
        return []
    sight = _sight(pixels, config)
    found = _search(sight, config.quick, [], config, config.presence)
    found = found or _first(pixels, guesses(width, height), config)
    if _calls_for_group(found, max(height, width), config):
        found = _search(sight, config.group, found, config, config.presence)
        if not found or len(found) >= config.crowd_faces:
            found = _search(sight, config.crowd, found, config, config.presence)
    return found or _rescue(sight, config)


def face_record(photo: Photo, reading: Reading) -> Face:
    """The record of one face that the network has read."""
    frame = crop_frame(reading.landmarks)
    return Face(
        box=box_of(reading.landmarks),
        landmarks=reading.landmarks,
        pose=head_pose(reading.landmarks),
        quality=face_quality(
            photo.pixels, reading.landmarks, photo.source, occlusion=reading.occlusion
        ),
        alignment=alignment(frame, photo.width, photo.height),
        confidence=reading.presence,
    )


def find_faces(
    photo: Photo, *, max_faces: int | None = None, config: FaceConfig | None = None
) -> tuple[Face, ...]:
    """The faces of a photo, largest first, at most `max_faces`; ValueError when that is negative.

    `quality.occlusion` is the network's estimate, learned from synthetic covers only. Beside one
    large face, others below about a fifth of the picture's longer side are not looked for.
    """
    if max_faces is not None and max_faces < 0:
        raise ValueError("max_faces is negative")
    readings = find_readings(photo.pixels, config)
    readings.sort(key=lambda reading: -face_frame(reading.landmarks).side)
    return tuple(face_record(photo, reading) for reading in readings[:max_faces])
