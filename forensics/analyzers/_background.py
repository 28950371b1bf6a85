"""Signs in the background: lines that break behind the head, blur that jumps, faces that are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import LEFT_EYE, RIGHT_EYE, CropFrame, interocular
from ..haar import Search, candidates
from ..landmarks import face_frame, read_crop
from ..records import Box, Pixels
from ..view import FaceView

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LineConfig:
    """When two lines beside the head belong together; lengths are in sides of the square."""

    shortest: float = 0.07
    """Shortest line."""
    gap: float = 0.09
    """Largest distance of a line's inner end from the person."""
    turn: float = 7.0
    """Largest angle in degrees between two lines that belong together."""
    colour: float = 14.0
    """Largest CIE distance between the colours on the same side of the two lines."""
    contrast: float = 8.0
    """Least CIE distance between the two sides of a line."""
    joined: float = 0.014
    """Offset behind the head up to which one line goes on as the other."""
    broken: tuple[float, float] = (0.025, 0.075)
    """Offsets that count as a break; beyond, they are two different things."""


@dataclass(frozen=True, slots=True)
class Line:
    """A straight edge of the background that leads behind the head."""

    left: bool
    """Whether it lies left of the head in the picture."""
    ends: NDArray[np.float64]
    """(2, 2) x and y in pixels of the crop: outer end, inner end."""
    colours: NDArray[np.float64]
    """(2, 3) Lab above and below it."""

    @property
    def length(self) -> float:
        """Length in pixels."""
        return float(np.hypot(*(self.ends[1] - self.ends[0])))

    @property
    def slope(self) -> float:
        """Rise over run."""
        step = self.ends[1] - self.ends[0]
        return float(step[1] / step[0])

    def height_at(self, x: float) -> float:
        """y of its continuation."""
        return float(self.ends[1, 1] + (x - self.ends[1, 0]) * self.slope)


@dataclass(frozen=True, slots=True)
class Break:
    """Two lines that should be one."""

    weight: float
    """Length of the shorter one in sides of the square."""
    box: Box
    """Around both, in pixels of the crop."""


def background_mask(view: FaceView, size: int) -> Mask:
    """(size, size) photographed pixels that are surely not the person."""
    return np.asarray((view.person(size) < 0.05) & view.valid(size))


def lines_beside_head(view: FaceView, size: int, config: LineConfig) -> list[Line]:
    """Straight edges of the background whose continuation runs behind the head."""
    grey = cv2.GaussianBlur(cv2.cvtColor(view.crop(size), cv2.COLOR_RGB2GRAY), (0, 0), 1.2)
    segments = cv2.createLineSegmentDetector().detect(grey)[0]
    if segments is None:
        return []
    person = view.person(size) > 0.3
    if not person.any():
        return []
    away = cv2.distanceTransform((~person).astype(np.uint8), cv2.DIST_L2, 3)
    free = (view.person(size) < 0.2) & view.valid(size)
    middle = float(np.nonzero(person)[1].mean())
    found = []
    for segment in np.asarray(segments, np.float64).reshape(-1, 2, 2):
        run, rise = np.abs(segment[1] - segment[0])
        outside = max(segment[:, 0]) < middle or min(segment[:, 0]) > middle
        if np.hypot(run, rise) < config.shortest * size or rise > run or not outside:
            continue
        line = _line(segment, middle, view.lab(size))
        if line is not None and _leads_behind(line, free, person, away, config):
            found.append(line)
    return found


def _line(segment: NDArray[np.float64], middle: float, lab: Plane) -> Line | None:
    """The record of a segment beside the head, its outer end first."""
    left = bool(segment[0, 0] < middle)
    inner_last = (segment[1, 0] > segment[0, 0]) == left
    ends = segment if inner_last else segment[::-1]
    step = ends[1] - ends[0]
    if abs(step[0]) < 1:
        return None
    normal = np.array([-step[1], step[0]]) / np.hypot(*step)
    normal = normal if normal[1] < 0 else -normal
    places = ends[0] + np.linspace(0.15, 0.85, 7)[:, None] * step
    colours = [np.median(_sample(lab, places + side * 5.0 * normal), axis=0) for side in (1, -1)]
    return Line(left, ends, np.array(colours, np.float64))


def _sample(plane: Plane | Mask, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Values at the nearest pixels, held inside the plane."""
    x, y = np.rint(points).astype(int).T
    return np.asarray(plane[y.clip(0, plane.shape[0] - 1), x.clip(0, plane.shape[1] - 1)], np.float64)


def _leads_behind(line: Line, free: Mask, person: Mask, away: Plane, config: LineConfig) -> bool:
    """Whether a line lies on the background, ends near the person, and would go on behind it."""
    size = len(free)
    along = line.ends[0] + np.linspace(0, 1, 9)[:, None] * (line.ends[1] - line.ends[0])
    if _sample(free, along).mean() < 0.85 or _sample(away, line.ends[1:])[0] > config.gap * size:
        return False
    if np.linalg.norm(line.colours[0] - line.colours[1]) < config.contrast:
        return False
    x = line.ends[1, 0] + (1 if line.left else -1) * np.linspace(0.02, 0.4, 40) * size
    path = np.stack([x, line.ends[1, 1] + (x - line.ends[1, 0]) * line.slope], 1)
    inside = ((path >= 0) & (path < size)).all(1)
    return bool(inside.sum() >= 20 and _sample(person, path[inside]).mean() > 0.4)


def breaks(lines: list[Line], size: int, config: LineConfig) -> list[Break]:
    """Lines left of the head that go on right of it at another height, longest first."""
    found = []
    rights = [line for line in lines if not line.left]
    for left in (line for line in lines if line.left):
        fellows = [(abs(_offset(left, right)) / size, right) for right in rights if _alike(left, right, config)]
        if not fellows:
            continue
        offset, right = min(fellows, key=lambda fellow: fellow[0])
        if config.broken[0] <= offset <= config.broken[1] and not _goes_on(right, lines, size, config):
            ends = np.concatenate([left.ends, right.ends])
            low, high = ends.min(0) - 6, ends.max(0) + 6
            weight = min(left.length, right.length) / size
            found.append(Break(weight, (float(low[0]), float(low[1]), float(high[0]), float(high[1]))))
    return sorted(found, key=lambda one: -one.weight)


def _alike(left: Line, right: Line, config: LineConfig) -> bool:
    turn = abs(np.degrees(np.arctan(left.slope) - np.arctan(right.slope)))
    return bool(turn <= config.turn and np.linalg.norm(left.colours - right.colours, axis=1).max() <= config.colour)


def _offset(left: Line, right: Line) -> float:
    """Difference in height half way between the two inner ends, in pixels."""
    middle = float(left.ends[1, 0] + right.ends[1, 0]) / 2
    return left.height_at(middle) - right.height_at(middle)


def _goes_on(right: Line, lines: list[Line], size: int, config: LineConfig) -> bool:
    """Whether some line on the left is already this one's continuation."""
    fellows = (line for line in lines if line.left and _alike(line, right, config))
    return any(abs(_offset(line, right)) <= config.joined * size for line in fellows)


def blur_jumps(view: FaceView, size: int, cells: int, jump: float = 1.0) -> tuple[float, Plane] | None:
    """Share 0 to 1 of like neighbours among textured cells whose log sharpness differs by `jump`, and their map.

    Focus falls off evenly with depth, so that it changes at once only at the edge of an object: there colour or
    coarse contrast change too, and such neighbours are left out. None where too few are left.
    """
    light = view.lab(size)[..., 0] * np.float32(2.55)
    apart = cv2.erode(background_mask(view, size).astype(np.uint8), np.ones((9, 9), np.uint8)).astype(np.float32)
    one, two, four, eight = (cv2.GaussianBlur(light, (0, 0), sigma) for sigma in (1.0, 2.0, 4.0, 8.0))
    inside, mean, fine, coarse = (
        cv2.resize(plane, (cells, cells), interpolation=cv2.INTER_AREA)
        for plane in (apart, light, np.square(one - two), np.square(four - eight))
    )
    textured = (inside > 0.8) & (coarse > 4.0)
    level = 0.5 * np.log((fine + 0.2) / (coarse + 0.2))
    out, total, count = np.zeros((cells, cells), np.float32), 0, 0
    first, last, every = slice(None, -1), slice(1, None), slice(None)
    for here, there in (((last, every), (first, every)), ((every, last), (every, first))):
        alike = np.abs(mean[here] - mean[there]) < 12.0
        alike &= np.abs(np.log(np.maximum(coarse[here], 1e-6) / np.maximum(coarse[there], 1e-6))) < 1.5
        pairs = textured[here] & textured[there] & alike
        jumps = pairs & (np.abs(level[here] - level[there]) > jump)
        out[here], out[there] = np.maximum(out[here], jumps), np.maximum(out[there], jumps)
        total, count = total + int(jumps.sum()), count + int(pairs.sum())
    return (total / count, out) if count >= 24 else None


@dataclass(frozen=True, slots=True)
class Stranger:
    """Something like a face beside the face."""

    box: Box
    """In pixels of the picture."""
    skin: float
    """Share of it that has the colour of skin, 0 to 1."""
    unsteady: float
    """How far apart the landmark network's readings of it lie, in distances of its eyes; about 0.05 for a face."""


def strangers(view: FaceView, search: Search, least_skin: float = 0.5, most: int = 2) -> Iterator[Stranger]:
    """The first squares beside the face that the cascade takes for a face and that have the colour of skin."""
    pixels, main = view.photo.pixels, view.frame
    if not _skin_beside(view):
        return
    count = 0
    for square in candidates(pixels, search):
        near = float(np.hypot(*(square.centre - main.centre))) < 0.3 * (main.side + square.side)
        if near or square.side < 0.2 * main.side or count == most:
            continue
        half = square.side * 0.3
        low, high = np.maximum(square.centre - half, 0).astype(int), (square.centre + half).astype(int)
        skin = skin_share(pixels[low[1] : high[1], low[0] : high[0]])
        if skin >= least_skin:
            count += 1
            limit = np.array(pixels.shape[1::-1]) - 1
            (x0, y0), (x1, y1) = np.minimum(low, limit), np.minimum(high, limit)
            yield Stranger((float(x0), float(y0), float(x1), float(y1)), skin, unsteadiness(pixels, square))


def unsteadiness(pixels: Pixels, square: CropFrame) -> float:
    """Spread of the landmarks when a face is looked at again, moved and mirrored, in distances of its eyes.

    The landmark network draws a whole face over anything like one, so that its presence says nothing of a malformed
    face. But where eyes, nose and mouth do not fit together, each look ends elsewhere.
    """
    frame = face_frame(read_crop(pixels, square).landmarks)
    moves = ((0.0, 0.0), (0.06, 0.0), (-0.06, 0.0), (0.0, 0.06), (0.0, -0.06))
    moved = (CropFrame(frame.centre + np.array(move) * frame.side, frame.axis) for move in moves)
    readings = np.array([read_crop(pixels, one).landmarks for one in moved])
    spread = float(np.sqrt(np.square(readings - readings.mean(0)).sum(2).mean()))
    end = pixels.shape[1] - 1
    axis = np.array([frame.axis[0], -frame.axis[1]])
    turned = CropFrame(np.array([end - frame.centre[0], frame.centre[1]]), axis)
    mirrored = read_crop(np.ascontiguousarray(pixels[:, ::-1]), turned).landmarks
    mirrored[:, 0] = end - mirrored[:, 0]
    pairs = ((RIGHT_EYE, LEFT_EYE), (LEFT_EYE, RIGHT_EYE), ((61,), (291,)), ((291,), (61,)), ((1,), (1,)))
    apart = [readings[0][list(one)].mean(0) - mirrored[list(other)].mean(0) for one, other in pairs]
    return (spread + float(np.hypot(*np.array(apart).T).mean())) / max(interocular(readings[0]), 1e-6)


def _skin_beside(view: FaceView, size: int = 256) -> bool:
    """Whether enough of the picture away from the face has the colour of skin to look for a second one."""
    points = view.points(size)
    low, high = points.min(0), points.max(0)
    y, x = np.mgrid[:size, :size]
    grow = 0.3 * (high - low)
    face = (np.abs(x - (low + high)[0] / 2) < (high - low)[0] / 2 + grow[0]) & (y > low[1] - grow[1])
    skin = _skin(view.crop(size)) & ~face & view.inside(size)
    return bool(skin.mean() > 0.01) or max(view.photo.width, view.photo.height) > 1.5 * view.side


def _skin(pixels: Pixels) -> Mask:
    """Where the colour is that of skin (Chai & Ngan 1999's range in Cr and Cb)."""
    colour = cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb)
    red, blue = colour[..., 1], colour[..., 2]
    return np.asarray((red >= 133) & (red <= 173) & (blue >= 77) & (blue <= 127) & (colour[..., 0] > 40))


def skin_share(pixels: Pixels) -> float:
    """Share 0 to 1 of pixels with the colour of skin; 0 for no pixels."""
    return float(_skin(pixels).mean()) if pixels.size else 0.0
