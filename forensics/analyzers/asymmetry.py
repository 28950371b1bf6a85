"""Asymmetry: what people wear in pairs, and their eyes, compared across the middle of the face.

Eye colour after Matern, Riess, Stamminger 2019 ("Exploiting Visual Artifacts to Expose Deepfakes"); the rest is
proposed here. Photographs are asymmetric too, often more than generated faces: only differences that hardly any
photograph shows count, so "not found" says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..records import Abstention, Evidence
from ..view import FaceView
from ._asymmetry_eyes import EyePartsConfig, eye_colour, gaze
from ._asymmetry_halves import Halves
from ._asymmetry_parts import Part, PartsConfig, beard, collar, earrings, glasses
from ._eyes_iris import both_irises
from .cue import Cue

NAME = "asymmetry"


@dataclass(frozen=True, slots=True)
class AsymmetryConfig:
    """Gates."""

    yaw: float = 15.0
    """Largest turn of the head in degrees: beyond it the halves are not mirror images."""
    side: float = 180.0
    """Smallest side of the face's square in pixels."""
    detail: float = 110.0
    """Least detail across the square in pixels."""
    eyes: float = 230.0
    """Side from which irises are compared: theirs is a tenth of half of it."""
    visible: float = 0.6
    """Least share of the square that lies inside the picture."""
    rest: float = 0.2
    """Weight of the parts beside the most different one."""


def look(view: FaceView) -> Evidence | Abstention:
    """Compare the two sides of a face, part by part."""
    config = AsymmetryConfig()
    reason = _gate(view, config)
    if reason:
        return Abstention(NAME, reason)
    size = max(view.size, 512)
    halves = Halves(view, size)
    parts = _parts(halves, config)
    if not parts:
        return Abstention(NAME, "Nothing that comes in pairs is seen clearly on both sides of the face.")
    scores = sorted((part.score for part in parts), reverse=True)
    findings = [p.finding for p in sorted(parts, key=lambda p: -p.score) if p.finding is not None]
    return Evidence(
        analyzer=NAME,
        statistic=scores[0] + config.rest * sum(scores[1:]),
        llr=None,
        findings=tuple(findings),
        quality=_quality(view, parts),
        heatmap=view.heat(_heat(halves, parts)),
        measures={name: value for part in parts for name, value in part.measures.items()},
        innocent=CUE.innocent,
    )


def _gate(view: FaceView, config: AsymmetryConfig) -> str | None:
    """Why the halves cannot be compared, as far as pose and size tell."""
    if view.side < config.side or view.detail < config.detail:
        return "The face is too small or too soft to compare its two sides."
    if abs(view.face.pose.yaw) > config.yaw:
        return "The head is turned too far to compare its two sides."
    if view.face.quality.visible < config.visible:
        return "Too much of the head lies outside the picture to compare its two sides."
    return None


def _parts(halves: Halves, config: AsymmetryConfig) -> list[Part]:
    """Everything that is seen on both sides."""
    worn = PartsConfig()
    found = [part(halves, worn) for part in (glasses, earrings, beard, collar)]
    if halves.view.side >= config.eyes:
        eyes = EyePartsConfig()
        irises = both_irises(halves.view, halves.size)
        found += [eye_colour(halves, irises, eyes), gaze(halves, irises, eyes)]
    return [part for part in found if part is not None]


def _quality(view: FaceView, parts: Sequence[Part]) -> float:
    """More parts, more detail, a straighter head."""
    seen = min(1.0, 0.4 + 0.2 * len(parts))
    return float(seen * min(1.0, view.detail / 400) * (1.0 - abs(view.face.pose.yaw) / 30))


def _heat(halves: Halves, parts: Sequence[Part]) -> NDArray[np.float32]:
    """(size, size) each part's differences, as strong as its score."""
    heat = np.zeros((halves.size, halves.size), np.float32)
    for part in parts:
        strength = np.float32(min(1.0, part.score))
        if strength <= 0:
            continue
        if part.maps is not None and part.zone is not None:
            for side, patch in enumerate(part.maps):
                heat = np.maximum(heat, strength * halves.spread(patch, part.zone, side))
        for x, y, radius in part.marks:
            disc = np.zeros_like(heat)
            cv2.circle(disc, (round(x), round(y)), max(1, round(radius)), float(strength), -1)
            heat = np.maximum(heat, disc)
    return heat


CUE = Cue(
    name=NAME,
    title="Pairs that do not match",
    meaning=(
        "Glasses, earrings, collars, beards and eyes come in mirrored pairs. A generator paints each side of the "
        "picture from its surroundings and can lose the pair: one earring, two different rims, eyes of two colours."
    ),
    innocent=(
        "one earring worn on purpose, or the other hidden by hair or a turned head",
        "light or a coloured wall on one side",
        "eyes that differ by birth, a squint, or a contact lens",
        "a tilted frame, a reflection in one lens",
        "an open jacket, a scarf or a strap on one shoulder",
    ),
    needs="A face of at least 180 pixels that looks about straight into the camera, both sides in view.",
    source="Matern, Riess, Stamminger 2019 (eye colour); the other pairs are proposed here",
    look=look,
)
