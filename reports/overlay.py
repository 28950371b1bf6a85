"""The picture with what the examination saw drawn on it: map, landmarks, boxes and a legend.

Colours are inferno (dark to bright, readable in grey) for the map, and orange, white and blue for the labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from whichface.forensics.errors import ForensicsError
from whichface.forensics.geometry import CropFrame, crop_frame
from whichface.forensics.records import Box, Examination, FaceExamination, Label, Pixels, Score

from .html import scaled
from .overlay_cues import cue_heat, draw_marks, legend_lines, marks_of
from .wording import ratio_phrase

Colour = tuple[int, int, int]
COLOURS: dict[Label, Colour] = {
    Label.GENERATED: (230, 130, 0),
    Label.INCONCLUSIVE: (235, 235, 235),
    Label.REAL: (86, 180, 233),
}
GROUND: Colour = (24, 24, 24)
SMALLEST, LARGEST = 640, 1600
NEUTRAL = 0.5
STRONGEST = 0.5
"""Most that the tint covers of the picture: what lies below must stay visible."""
LEGEND: tuple[str, ...] = (
    "The network's map: untinted where it says nothing or the opposite, bright where it speaks for a generator.",
    "The map shows where the score comes from. It is no proof that something was altered there.",
)
CUE_LEGEND: tuple[str, ...] = (
    "Maps of the cues: bright where the analyzers saw what they measure; a photograph can be bright too.",
)
LANDMARKS = "Dots: the points by which the face was measured."
STRONGEST_REGION = "Thin white box: where the network's map is strongest."
GREY: Colour = (190, 190, 190)
BAR = 120
"""Width of the colour bar in pixels."""


class OverlayError(ForensicsError):
    """An overlay that cannot be written; the message names the file."""


def draw_overlay(examination: Examination, *, cue_maps: bool = False) -> Pixels:
    """HxWx3 uint8 RGB: the picture, its longer side brought to 640 to 1600 pixels, over a legend strip.

    The tint is the network's map, or with `cue_maps` the analyzers'.
    """
    picture, factor = _scaled(examination.photo.pixels)
    shape = (picture.shape[0], picture.shape[1])
    if cue_maps:
        heat, legend = cue_heat(examination.faces, shape), CUE_LEGEND
    else:
        heat, legend = network_heat(examination.faces, shape, factor), LEGEND
    canvas = Image.fromarray(_tinted(picture, heat))
    draw = ImageDraw.Draw(canvas)
    for number, face in enumerate(examination.faces, 1):
        _draw_face(draw, face, number if len(examination.faces) > 1 else None, factor, canvas.size)
    return _with_legend(np.asarray(canvas), examination.faces, legend if heat.any() else ())


def network_heat(
    faces: Sequence[FaceExamination], shape: tuple[int, int], factor: float
) -> NDArray[np.float32]:
    """The network's maps of all faces, HxW float32 in [0, 1]."""
    heat = np.zeros(shape, np.float32)
    for face in faces:
        frame = crop_frame(face.face.landmarks).scaled(factor)
        heat = np.maximum(heat, saliency_in_picture(face.scores, frame, shape))
    return heat


def save_overlay(path: Path, examination: Examination, *, cue_maps: bool = False) -> None:
    """Write the overlay as PNG. Raises OverlayError when the folder is missing or may not be written."""
    if not path.parent.is_dir():
        raise OverlayError(f"The overlay {path} cannot be written: its folder does not exist.")
    try:
        Image.fromarray(draw_overlay(examination, cue_maps=cue_maps)).save(path, format="PNG")
    except OSError as error:
        raise OverlayError(
            f"The overlay {path} cannot be written: {error.strerror or error}."
        ) from error


def saliency_in_picture(
    scores: Sequence[Score], frame: CropFrame, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Mean of the experts' maps, put back from the aligned square: HxW float32, 0 where they say nothing, to 1.

    The maps are 0.5 where they say nothing; only what speaks for a generator is kept.
    """
    maps = [score.saliency for score in scores if score.saliency is not None]
    if not maps:
        return np.zeros(shape, np.float32)
    size = 256
    fine = [
        cv2.resize(m.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR) for m in maps
    ]
    heat = np.clip((np.nan_to_num(np.mean(fine, 0)) - NEUTRAL) / (1 - NEUTRAL), 0, 1).astype(
        np.float32
    )
    placed = cv2.warpAffine(
        heat,
        frame.matrix(size),
        (shape[1], shape[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    return placed.astype(np.float32, copy=False)


def _scaled(pixels: Pixels) -> tuple[Pixels, float]:
    """The picture at a size that can be read, and by how much it was resized."""
    height, width = pixels.shape[:2]
    longest = max(height, width)
    factor = min(max(longest, SMALLEST), LARGEST) / longest
    if factor == 1:
        return pixels, 1.0
    return scaled(pixels, factor), factor


def _tinted(picture: Pixels, heat: NDArray[np.float32]) -> Pixels:
    """The picture under the map; the tint grows with the heat."""
    colours = inferno(heat)
    alpha = (STRONGEST * heat)[..., None]
    return np.rint(picture * (1 - alpha) + colours * alpha).astype(np.uint8)


def inferno(values: NDArray[np.float32]) -> Pixels:
    """Values in [0, 1] as RGB."""
    coded = cv2.applyColorMap(np.rint(values * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return np.ascontiguousarray(coded[..., ::-1])


def _draw_face(
    draw: ImageDraw.ImageDraw,
    item: FaceExamination,
    number: int | None,
    factor: float,
    size: tuple[int, int],
) -> None:
    colour = COLOURS[item.verdict.label]
    points = (np.asarray(item.face.landmarks, np.float64) + 0.5) * factor - 0.5
    for x, y in points[np.isfinite(points).all(1)]:
        draw.rectangle((x - 0.6, y - 0.6, x + 0.6, y + 0.6), fill=colour)
    for box in _strongest_boxes(item):
        _rectangle(draw, box, factor, (255, 255, 255), 1)
    draw_marks(draw, marks_of(item), factor, _font(15))
    left, top = _rectangle(draw, item.face.box, factor, colour, 3)
    font = _font(18)
    label = _numbered(number, item)
    width, height = draw.textlength(label, font) + 10, 24
    left = min(max(left, 0), max(0, size[0] - width))
    top = top - height if top >= height else max(top, 0)
    draw.rectangle((left, top, left + width, top + height), fill=colour)
    draw.text((left + 5, top + 2), label, fill=GROUND, font=font)


def _strongest_boxes(item: FaceExamination) -> list[Box]:
    """Where the experts' maps are strongest."""
    experts = {score.expert for score in item.scores}
    found = [finding.box for e in item.evidence if e.analyzer in experts for finding in e.findings]
    return [box for box in found if box is not None]


def _numbered(number: int | None, item: FaceExamination) -> str:
    """The label in capitals, after the face's number where there are several."""
    return f"{'' if number is None else f'{number} '}{item.verdict.label.value.upper()}"


def _rectangle(
    draw: ImageDraw.ImageDraw, box: Box, factor: float, colour: Colour, width: int
) -> tuple[float, float]:
    """Draw a box of the picture at the overlay's scale; returns its left and top."""
    left, right = sorted(v * factor for v in box[::2])
    top, bottom = sorted(v * factor for v in box[1::2])
    draw.rectangle((left, top, right, bottom), outline=colour, width=width)
    return left, top


def _with_legend(
    picture: Pixels, faces: Sequence[FaceExamination], legend: tuple[str, ...]
) -> Pixels:
    """The picture over a dark strip that says what is drawn; `legend` explains the map, if there is one."""
    width = max(picture.shape[1], SMALLEST)
    strip = _legend(width, faces, legend)
    canvas = Image.new("RGB", (width, picture.shape[0] + strip.height), GROUND)
    canvas.paste(Image.fromarray(picture), (0, 0))
    canvas.paste(strip, (0, picture.shape[0]))
    return np.array(canvas)


def _legend(
    width: int, faces: Sequence[FaceExamination], legend: tuple[str, ...]
) -> Image.Image:
    font, left = _font(15), 12
    lines = [
        (part, colour, left)
        for text, colour in _entries(faces)
        for part in _wrapped(text, font, width - 2 * left)
    ]
    bar = len(lines)
    for number, text in enumerate(legend):
        indent = left if number else left + BAR + 10  # the colour bar stands before the first line
        lines += [(part, GREY, indent) for part in _wrapped(text, font, width - left - indent)]
    strip = Image.new("RGB", (width, 20 + 22 * len(lines)), GROUND)
    if legend:
        ramp = np.tile(np.linspace(0, 1, BAR, dtype=np.float32), (12, 1))
        strip.paste(Image.fromarray(inferno(ramp)), (left, 13 + 22 * bar))
    draw = ImageDraw.Draw(strip)
    for row, (text, colour, indent) in enumerate(lines):
        draw.text((indent, 10 + 22 * row), text, fill=colour, font=font)
    return strip


def _entries(faces: Sequence[FaceExamination]) -> list[tuple[str, Colour]]:
    """What the boxes, outlines and dots are, each line in its colour."""
    numbers: list[int | None] = [None] if len(faces) == 1 else list(range(1, len(faces) + 1))
    found = [
        (f"{_numbered(n, f)}: likelihood ratio {ratio_phrase(f.verdict.llr)}", COLOURS[f.verdict.label])
        for n, f in zip(numbers, faces, strict=True)
    ]
    found = found or [("No face was found.", COLOURS[Label.INCONCLUSIVE])]
    found += list(legend_lines(faces))
    found += [(LANDMARKS, GREY)] if faces else []
    return found + ([(STRONGEST_REGION, GREY)] if any(_strongest_boxes(f) for f in faces) else [])


def _wrapped(
    text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int
) -> list[str]:
    """The text in lines that fit into `width` pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
