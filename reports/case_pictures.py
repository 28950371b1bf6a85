"""The pictures of a case report: the picture with one layer a cue that can be switched, and a crop of each finding.

Outlines are vectors over the picture, maps are transparent WebP; all are data URIs, so the page needs no network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from whichface.forensics.records import Box, Examination, Face, Finding, Label, Photo

from .cues import cues_of
from .html import jpeg_uri, scaled, webp_uri
from .overlay import inferno, network_heat
from .overlay_cues import Mark, corners_of, marks_of
from .wording import SYMBOLS

LONGEST = 1200
"""Longest side in pixels of the picture on the page."""
MAP = 480
"""Longest side of a map."""
CROP = 320
"""Longest side of a crop."""
LARGEST_FACTOR = 6.0
"""Most that a crop is enlarged."""
CONTEXT = 1.9
"""Side of a crop over the longer side of what it shows."""
COVER = 0.75
"""Most that a map covers of the picture."""
SMALL = 0.25
"""Share of the picture below which an outline shows where to look: such a cue is switched on at first."""
FAINT = 0.02
"""Heat below which a map shows nothing."""
LABEL_COLOURS = {Label.GENERATED: "var(--fake)", Label.INCONCLUSIVE: "#ffffff", Label.REAL: "var(--real)"}
WHITE = "#ffffff"
PER_CUE, MOST = 6, 40
"""Most findings of one cue, and of one face, that are drawn."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One outline, in pixels of what it lies on."""

    path: str
    """SVG path data."""
    colour: str
    """CSS colour."""
    tag: str = ""
    """What stands at its corner."""
    at: tuple[float, float] = (0.0, 0.0)
    """Where the tag stands."""
    area: float = 0.0
    """Of the box around it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What one switch shows and hides."""

    title: str
    """Beside the switch."""
    colour: str = ""
    """CSS colour of its outlines; empty when they have several, or none."""
    shapes: tuple[Shape, ...] = ()
    """Outlines."""
    dots: str = ""
    """SVG path of points."""
    heat: str = ""
    """Data URI of a map, as large as the picture."""
    shown: bool = False
    """True when it is on at first."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of the picture."""

    uri: str
    """Data URI."""
    size: tuple[int, int]
    """Width and height in pixels of the JPEG."""
    shapes: tuple[Shape, ...] = ()
    """Outlines, in pixels of the JPEG."""
    factor: float = 1.0
    """By how much it was enlarged."""


def css_colour(colour: tuple[int, int, int]) -> str:
    """#rrggbb."""
    return "#" + "".join(f"{value:02x}" for value in colour)


def picture(photo: Photo) -> str:
    """The whole picture as a data URI, at most 1,200 pixels."""
    factor = min(1.0, LONGEST / max(photo.width, photo.height))
    return jpeg_uri(scaled(photo.pixels, factor) if factor < 1 else photo.pixels, 88)


def marks(examination: Examination) -> tuple[tuple[Mark, ...], ...]:
    """The marks of each face."""
    return tuple(marks_of(face, PER_CUE, MOST) for face in examination.faces)


def layers(examination: Examination) -> tuple[Layer, ...]:
    """Faces, points, the network's map, then one layer a cue; of the cues, the first with a small outline is shown."""
    faces = examination.faces
    if not faces:
        return ()
    found = [_faces(examination), Layer("points of the face", dots=_dots([f.face for f in faces]))]
    if network := _network(examination):
        found.append(network)
    cues = list(_cues(examination))
    most = SMALL * examination.photo.width * examination.photo.height
    first = next((i for i, layer in enumerate(cues) if any(shape.area < most for shape in layer.shapes)), None)
    return (*found, *(_switched(layer, i == first) for i, layer in enumerate(cues)))


def _switched(layer: Layer, shown: bool) -> Layer:
    return Layer(layer.title, layer.colour, layer.shapes, layer.dots, layer.heat, shown)


def _faces(examination: Examination) -> Layer:
    """The box of every face, with its number and its label's symbol."""
    several = len(examination.faces) > 1
    shapes = []
    for number, face in enumerate(examination.faces, 1):
        left, top, right, bottom = face.face.box
        label = face.verdict.label
        tag = f"{number} {SYMBOLS[label]}" if several else f"{SYMBOLS[label]} {label.value}"
        path = _path(((left, top), (right, top), (right, bottom), (left, bottom)))
        shapes.append(Shape(path, LABEL_COLOURS[label], tag, (left, top)))
    return Layer("faces" if several else "face", "", tuple(shapes), shown=True)


def _network(examination: Examination) -> Layer | None:
    photo = examination.photo
    factor = min(1.0, MAP / max(photo.width, photo.height))
    shape = (max(1, round(photo.height * factor)), max(1, round(photo.width * factor)))
    uri = heat_uri(network_heat(examination.faces, shape, factor))
    return Layer("the network's map", heat=uri) if uri else None


def _cues(examination: Examination) -> Iterator[Layer]:
    """One layer for each cue that has something to draw, in the order of the first face's evidence."""
    drawn = marks(examination)
    several = len(examination.faces) > 1
    names = dict.fromkeys(e.analyzer for face in examination.faces for e in cues_of(face))
    for name in names:
        shapes, colour = [], ""
        for number, found in enumerate(drawn, 1):
            for mark in (m for m in found if m.evidence.analyzer == name):
                colour = css_colour(mark.colour)
                shapes.append(_marked(mark, colour, f"{number}{mark.tag}" if several else mark.tag))
        uri = heat_uri(_cue_heat(examination, name))
        if shapes or uri:
            yield Layer(name, colour, tuple(shapes), heat=uri)


def _marked(mark: Mark, colour: str, tag: str) -> Shape:
    points = corners_of(mark.finding)
    low, high = np.min(points, 0), np.max(points, 0)
    return Shape(_path(points), colour, tag, (float(low[0]), float(low[1])), float(np.prod(high - low)))


def _cue_heat(examination: Examination, name: str) -> NDArray[np.float32]:
    """The strongest of the faces' maps of one cue; 1x1 zeros when there is none."""
    maps = [
        e.heatmap
        for face in examination.faces
        for e in cues_of(face)
        if e.analyzer == name and e.heatmap is not None
    ]
    if not maps:
        return np.zeros((1, 1), np.float32)
    factor = min(1.0, MAP / max(maps[0].shape))
    size = (max(1, round(maps[0].shape[1] * factor)), max(1, round(maps[0].shape[0] * factor)))
    return np.max([cv2.resize(np.nan_to_num(m), size, interpolation=cv2.INTER_AREA) for m in maps], axis=0)


def heat_uri(heat: NDArray[np.float32]) -> str:
    """A map as a transparent picture; empty where it shows nothing."""
    heat = np.clip(heat, 0, 1)
    if heat.max() < FAINT:
        return ""
    alpha = np.rint(255 * COVER * np.sqrt(heat)).astype(np.uint8)
    return webp_uri(np.dstack([inferno(heat), alpha]))


def crop_of(photo: Photo, finding: Finding, face: Face, colour: str) -> Crop | None:
    """The finding in its surroundings, outlined; None when it has no place inside the picture."""
    if finding.box is None and not finding.outline:
        return None
    points = np.asarray(corners_of(finding), float)
    if not np.isfinite(points).all():
        return None
    low, high = points.min(0), points.max(0)
    side = max(CONTEXT * float((high - low).max()), 0.12 * face.quality.side, 24.0)
    window = _window((low + high) / 2, side, photo)
    if window is None:
        return None
    x0, y0, x1, y1 = window
    factor = min(CROP / max(x1 - x0, y1 - y0), LARGEST_FACTOR)
    part = scaled(photo.pixels[y0:y1, x0:x1], factor)
    inside = (points - (x0, y0)) * (part.shape[1] / (x1 - x0), part.shape[0] / (y1 - y0))
    outline = Shape(_path([(float(x), float(y)) for x, y in inside]), colour)
    return Crop(jpeg_uri(part, 88), (part.shape[1], part.shape[0]), (outline,), factor)


def _window(centre: NDArray[np.float64], side: float, photo: Photo) -> tuple[int, int, int, int] | None:
    """A square about a point, cut to the picture: XYXY in whole pixels; None when nothing is left."""
    low = np.maximum(np.floor(centre - side / 2), 0)
    high = np.minimum(np.ceil(centre + side / 2), (photo.width, photo.height))
    if (high - low < 2).any():
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def portrait(photo: Photo, box: Box) -> str:
    """A small picture of a face, for its heading."""
    left, top, right, bottom = box
    window = _window(np.array([(left + right) / 2, (top + bottom) / 2]), 1.3 * max(right - left, bottom - top), photo)
    if window is None:
        return ""
    x0, y0, x1, y1 = window
    part = photo.pixels[y0:y1, x0:x1]
    return jpeg_uri(scaled(part, min(1.0, 160 / max(part.shape[:2]))))


def _path(points: Sequence[tuple[float, float]]) -> str:
    """A closed outline as SVG path data."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z"


def _dots(faces: Sequence[Face]) -> str:
    """The landmarks of all faces as points of an SVG path."""
    points = [p for face in faces for p in np.asarray(face.landmarks, float) if np.isfinite(p).all()]
    return "".join(f"M{x:.0f} {y:.0f}h0" for x, y in points)
