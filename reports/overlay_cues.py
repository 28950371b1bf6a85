"""The analyzers' findings on the picture: numbered outlines, one colour a cue, and their lines of the legend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw, ImageFont

from whichface.forensics.records import Evidence, FaceExamination, Finding

from .cues import PER_CUE, cues_of, standing
from .wording import clean

Colour = tuple[int, int, int]
# Okabe and Ito's palette without black and the label's own orange and blue: apart for every kind of colour vision.
PALETTE: tuple[Colour, ...] = ((240, 228, 66), (0, 158, 115), (204, 121, 167), (213, 94, 0), (120, 220, 255))
MOST = 12
"""Most findings drawn on one face: more hide the picture."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One finding as drawn."""

    tag: str
    """What stands beside it: a, b, c … ."""
    evidence: Evidence
    """Whose finding."""
    finding: Finding
    """The finding."""
    colour: Colour
    """Colour of its cue."""


def marks_of(face: FaceExamination, per_cue: int = PER_CUE, most: int = MOST) -> tuple[Mark, ...]:
    """The findings with a place, strongest first, at most so many in all and of one cue."""
    cues = cues_of(face)
    placed = [
        (number, evidence, finding)
        for number, evidence in enumerate(cues)
        for finding in [f for f in evidence.findings if f.box is not None or f.outline][:per_cue]
    ]
    return tuple(
        Mark(_tag(i), evidence, finding, PALETTE[number % len(PALETTE)])
        for i, (number, evidence, finding) in enumerate(placed[:most])
    )


def _tag(number: int) -> str:
    """a, b … z, aa, ab …"""
    first, last = divmod(number, 26)
    return (_tag(first - 1) if first else "") + chr(ord("a") + last)


def draw_marks(
    draw: ImageDraw.ImageDraw,
    marks: Sequence[Mark],
    factor: float,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
) -> None:
    """Outline every finding at the overlay's scale, its tag at the upper left corner."""
    for mark in marks:
        points = [((x + 0.5) * factor - 0.5, (y + 0.5) * factor - 0.5) for x, y in corners_of(mark.finding)]
        for colour, width in (((0, 0, 0), 4), (mark.colour, 2)):
            draw.line([*points, points[0]], fill=colour, width=width, joint="curve")
        x, y = min(p[0] for p in points), min(p[1] for p in points)
        left, top = max(0.0, x), max(0.0, y - 20)
        right = left + draw.textlength(mark.tag, font) + 8
        draw.rectangle((left, top, right, top + 19), fill=mark.colour)
        draw.text((left + 4, top + 1), mark.tag, fill=(0, 0, 0), font=font)


def corners_of(finding: Finding) -> Sequence[tuple[float, float]]:
    """Corners (x, y) of a finding's outline or box in pixels of the picture; one point without a place."""
    if finding.outline:
        return finding.outline
    if finding.box is None:
        return ((0.0, 0.0),)
    left, top, right, bottom = finding.box
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def legend_lines(faces: Sequence[FaceExamination]) -> Iterator[tuple[str, Colour]]:
    """One entry a finding: tag, cue, what it is and how far it can be trusted."""
    for number, face in enumerate(faces, 1):
        which = f"{number} " if len(faces) > 1 else ""
        for mark in marks_of(face):
            text = f"{which}{mark.tag}  {clean(mark.evidence.analyzer)}: {clean(mark.finding.text)} "
            yield text + standing(mark.evidence), mark.colour


def cue_heat(faces: Sequence[FaceExamination], shape: tuple[int, int]) -> NDArray[np.float32]:
    """The strongest of the analyzers' maps at each point, HxW float32 in [0, 1]; zeros when there is none."""
    heat = np.zeros(shape, np.float32)
    for face in faces:
        for evidence in cues_of(face):
            if evidence.heatmap is not None:
                map_ = cv2.resize(evidence.heatmap, shape[::-1], interpolation=cv2.INTER_LINEAR)
                heat = np.maximum(heat, np.nan_to_num(map_))
    return np.clip(heat, 0, 1)
