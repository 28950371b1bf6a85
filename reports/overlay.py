"""What was looked at, drawn on the picture: the network's map, landmarks, boxes and a legend.

A saliency map holds 0.5 where the network saw nothing either way (detectors' convention), so only what
lies above is painted: where it saw signs of a generator.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from whichface.forensics.errors import ForensicsError
from whichface.forensics.geometry import crop_frame
from whichface.forensics.records import Box, Examination, FaceExamination, Label, Pixels

from . import wording

SHORTEST, LONGEST = 640, 1600
"""Longer side of the drawing in pixels: small pictures are enlarged, so that the text can be read."""
NEUTRAL = 0.5
STRONGEST = 0.65
"""Opacity where the map is at its highest."""
MAP_SIDE = 512

COLOURS = {
    Label.GENERATED: (213, 94, 0),
    Label.INCONCLUSIVE: (230, 159, 0),
    Label.REAL: (86, 180, 233),
}
_INK, _PAPER = (255, 255, 255), (24, 24, 24)


class OverlayError(ForensicsError):
    """The overlay cannot be written; the message says where and why."""


def draw_overlay(examination: Examination, face_index: int | None = None) -> Pixels:
    """The picture with map, landmarks, boxes and legend, HxWx3 uint8 RGB; all faces or one of them.

    Raises ValueError when there is no face of that index.
    """
    chosen = _chosen(examination, face_index)
    pixels = examination.photo.pixels
    factor = _factor(max(pixels.shape[:2]))
    canvas = _resized(pixels, factor)
    for _, found in chosen:
        canvas = _painted(canvas, found, factor)
    image = Image.fromarray(canvas)
    for number, found in chosen:
        _draw_face(ImageDraw.Draw(image), number, found, factor, image.size)
    return np.vstack([np.asarray(image), _legend(chosen, image.width)])


def save_overlay(path: str | Path, examination: Examination, face_index: int | None = None) -> None:
    """Draw and write a PNG. Raises OverlayError when it cannot be written."""
    target = Path(path)
    if not target.parent.is_dir():
        raise OverlayError(f"The folder {target.parent} for the overlay does not exist.")
    bgr = cv2.cvtColor(draw_overlay(examination, face_index), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".png", bgr)
    try:
        target.write_bytes(data.tobytes())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OverlayError(f"The overlay {target} cannot be written: {reason}.") from error


def _chosen(
    examination: Examination, face_index: int | None
) -> tuple[tuple[int, FaceExamination], ...]:
    """Faces to draw with their numbers, counted from 1."""
    numbered = tuple(enumerate(examination.faces, 1))
    if face_index is None:
        return numbered
    if not 0 <= face_index < len(numbered):
        raise ValueError(f"face_index must be 0 to {len(numbered) - 1}, but is {face_index}")
    return numbered[face_index : face_index + 1]


def _factor(longer: int) -> float:
    return float(np.clip(longer, SHORTEST, LONGEST)) / longer


def _resized(pixels: Pixels, factor: float) -> Pixels:
    height, width = pixels.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(pixels, size, interpolation=how).astype(np.uint8, copy=False)


def strongest_map(found: FaceExamination) -> NDArray[np.float32] | None:
    """The map of the last expert that has one: the largest scale."""
    maps = [score.saliency for score in found.scores if score.saliency is not None]
    return maps[-1] if maps else None


def _painted(canvas: Pixels, found: FaceExamination, factor: float) -> Pixels:
    """The canvas with the map of one face laid over its aligned square."""
    heat = strongest_map(found)
    if heat is None:
        return canvas
    heat = np.nan_to_num(np.asarray(heat, np.float32), nan=NEUTRAL)
    signs = np.clip((heat - NEUTRAL) / (1 - NEUTRAL), 0, 1)
    square = cv2.resize(signs, (MAP_SIDE, MAP_SIDE), interpolation=cv2.INTER_LINEAR)
    frame = crop_frame(found.face.landmarks).scaled(factor)
    placed = cv2.warpAffine(
        square,
        frame.matrix(MAP_SIDE),
        (canvas.shape[1], canvas.shape[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    alpha = (STRONGEST * placed)[..., None]
    mixed = canvas * (1 - alpha) + _heat_colours(placed) * alpha
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _heat_colours(values: NDArray[np.float32]) -> Pixels:
    """RGB of values in [0, 1]: a scale of rising lightness, so that it reads without colour too."""
    grey = np.rint(values * 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB).astype(
        np.uint8, copy=False
    )


def _draw_face(
    draw: ImageDraw.ImageDraw,
    number: int,
    found: FaceExamination,
    factor: float,
    size: tuple[int, int],
) -> None:
    colour = COLOURS[found.verdict.label]
    for x, y in (found.face.landmarks + 0.5) * factor - 0.5:
        draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=_INK)
    for evidence in found.evidence:
        for finding in evidence.findings:
            if finding.box is not None:
                draw.rectangle(_scaled(finding.box, factor), outline=_INK, width=1)
    box = _scaled(found.face.box, factor)
    draw.rectangle(box, outline=colour, width=3)
    _tag(draw, f"{number}  {found.verdict.label.upper()}", box, colour, size)


def _scaled(box: Box, factor: float) -> Box:
    left, top, right, bottom = (float(value) * factor for value in box)
    return min(left, right), min(top, bottom), max(left, right), max(top, bottom)


def _tag(
    draw: ImageDraw.ImageDraw,
    text: str,
    box: Box,
    colour: tuple[int, int, int],
    size: tuple[int, int],
) -> None:
    """A label above the box, kept inside the picture."""
    font = _font(18)
    width, height = draw.textlength(text, font=font) + 12, 26
    left = min(max(0.0, box[0] - 1), max(0.0, size[0] - width))
    top = box[1] - height if box[1] >= height else max(0.0, box[1])
    draw.rectangle((left, top, left + width, top + height), fill=colour)
    draw.text((left + 6, top + 3), text, fill=(0, 0, 0), font=font)


def _legend(chosen: tuple[tuple[int, FaceExamination], ...], width: int) -> Pixels:
    """A strip that says what was drawn and what was found."""
    font = _font(15)
    mapped = any(strongest_map(found) is not None for _, found in chosen)
    lines = [line for text in _legend_texts(chosen, mapped) for line in _wrapped(text, font, width)]
    bar = 22 if mapped else 0
    image = Image.new("RGB", (width, 14 + 21 * len(lines) + bar), _PAPER)
    draw = ImageDraw.Draw(image)
    if mapped:
        ramp = np.repeat(np.linspace(0, 1, 120, dtype=np.float32)[None], 12, 0)
        image.paste(Image.fromarray(_heat_colours(ramp)), (10, 10))
        draw.text((138, 6), "no sign … strong sign of a generator", fill=_INK, font=font)
    for row, line in enumerate(lines):
        draw.text((10, 7 + bar + 21 * row), line, fill=_INK, font=font)
    return np.asarray(image)


def _legend_texts(chosen: tuple[tuple[int, FaceExamination], ...], mapped: bool) -> list[str]:
    texts = []
    for number, found in chosen:
        verdict = found.verdict
        facts = f"LR {wording.ratio(verdict.llr)}, {wording.headline(verdict)}"
        texts.append(f"{number}  {verdict.label.upper()}: {facts}.")
    if not chosen:
        return ["No face was found."]
    drawn = "Dots: landmarks. White boxes: findings."
    if mapped:
        drawn += " The map shows where the network reacted; it is no proof of what is false."
    return [*texts, drawn]


def _wrapped(
    text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> list[str]:
    """Words set into lines that fit between the margins."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width - 20:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
